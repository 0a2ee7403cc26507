"""`openclaw doctor`: sees what is wrong, says what to do, and shows no secret."""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from openclaw_cli.doctor.command import examine, main
from openclaw_cli.doctor.findings import SETTINGS_FIRST, Level
from openclaw_cli.doctor.model import missing
from openclaw_cli.doctor.redis import fullness
from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel
from tests.core.groq_server import listening, replies
from tests.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
BASE = str(ROOT / "platform/openclaw/base")
TOKEN = "1000001:secret-of-the-bot"


async def seen(area: str, **env: str) -> list[tuple[Level, str]]:
    return [(finding.level, finding.text) for finding in await examine([area], {"ROLES_DIR": BASE, **env})]


async def fault(area: str, **env: str) -> str:
    """The text of the first fault in *area*."""
    return next(text for level, text in await seen(area, **env) if level is Level.FAULT)


def run(*arguments: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    code = (
        "import argparse, os, sys; from openclaw_cli.doctor import command as doctor; parser = argparse.ArgumentParser(); "
        "doctor.add_arguments(parser); sys.exit(doctor.main(parser.parse_args(), os.environ))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=env or {}, cwd=cwd, capture_output=True, text=True
    )


# ---- the command


async def test_machine_that_can_run_it_is_well_without_any_variable() -> None:
    findings = await examine(["machine", "settings", "roles", "redis", "telegram", "model"], {"ROLES_DIR": BASE})

    assert {finding.level for finding in findings} == {Level.OK}, findings


def test_roles_alone_need_nothing_else_and_load_nothing_heavy() -> None:
    code = (
        "import argparse, sys; from openclaw_cli.doctor import command as doctor; "
        f"code = doctor.main(argparse.Namespace(only=['roles']), {{'ROLES_DIR': {BASE!r}}}); "
        "print(sorted(sys.modules.keys() & {'groq', 'httpx', 'telegram', 'redis', 'rich', 'openclaw_brain', 'psutil'})); "
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("ok      roles     ")
    assert "/research researcher (web_search, open_page), /code coder, " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_wrong_roles_end_with_1_and_a_line_for_each_fault(tmp_path: Path) -> None:
    done = run("--only", "roles", env={"ROLES_DIR": str(tmp_path)})

    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith(
        f"fault   roles     {tmp_path}/config/roles.yaml:1: the file is missing"
    )
    assert done.stdout.splitlines()[-1] == "1 to repair"


def test_output_for_people_has_signs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    code = main(argparse.Namespace(only=["machine", "telegram"]), {"TELEGRAM_TOKEN": "[bold]"})

    assert code == 1
    plain = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).split())
    assert "✓ machine Python 3" in plain
    assert "✗ telegram not looked at" in plain


# ---- settings


async def test_every_wrong_variable_is_a_line_of_its_own_and_no_value_is_shown() -> None:
    found = await seen("settings", TELEGRAM_TOKEN="not-a-token-7c1", GROQ_BASE_URL="nowhere", WARM_AGENTS="x")

    assert [level for level, _ in found] == [Level.FAULT] * 3
    assert "not-a-token-7c1" not in str(found)


async def test_closed_bot_is_a_warning_that_says_how_to_open_it() -> None:
    assert (await seen("settings", TELEGRAM_TOKEN=TOKEN))[-1] == (
        Level.WARNING,
        "ALLOWED_USER_IDS is empty, so the bot refuses everybody: it tells each their id; set that, or *",
    )


# ---- redis


async def test_good_redis_is_named_with_its_version(redis_url: str) -> None:
    [(level, text), (_, used)] = await seen("redis", REDIS_URL=redis_url)

    assert level is Level.OK
    assert text.startswith(("REDIS_URL: Valkey ", "REDIS_URL: Redis "))
    assert used.endswith("no maxmemory: the machine's memory is the limit")


async def test_redis_says_how_full_it_is(tmp_path: Path) -> None:
    with RedisServer.start(tmp_path, "--maxmemory", "300mb") as server:
        [_, (level, text)] = await seen("redis", REDIS_URL=server.url)

    assert level is Level.OK
    assert re.fullmatch(r"\d of 300 MB in use \(\d%\)", text)


@pytest.mark.parametrize(("used", "level"), [(79, Level.OK), (80, Level.WARNING), (100, Level.WARNING)])
def test_redis_that_is_nearly_full_is_a_warning_that_says_what_to_do(used: int, level: Level) -> None:
    told, text = fullness(used * 2**20, 100 * 2**20)

    assert told is level
    assert text.startswith(f"{used} of 100 MB in use ({used}%)")
    assert ("raise maxmemory" in text) is (level is Level.WARNING)


async def test_redis_that_is_not_there() -> None:
    assert await fault("redis", REDIS_URL="redis://127.0.0.1:1") == (
        "REDIS_URL: Redis does not answer; start it, or check REDIS_URL"
    )


async def test_redis_that_would_lose_messages_is_told_with_what_to_set(tmp_path: Path) -> None:
    with RedisServer.start(tmp_path, "--appendfsync", "everysec", "--maxmemory-policy", "allkeys-lru") as server:
        text = await fault("redis", REDIS_URL=server.url)

    assert "appendfsync is everysec, set it to always" in text
    assert "maxmemory-policy is allkeys-lru, set it to noeviction" in text


async def test_redis_password_is_asked_for_and_not_shown(tmp_path: Path) -> None:
    with RedisServer.start(tmp_path, "--requirepass", "right") as server:
        text = await fault("redis", REDIS_URL=server.url.replace("redis://", "redis://:wrong-9d2@"))

    assert "check REDIS_PASSWORD" in text
    assert "wrong-9d2" not in text


async def test_wrong_redis_settings_are_left_to_the_settings() -> None:
    assert await seen("redis", REDIS_HOST="localhost", REDIS_PORT="tcp://1.2.3.4:6379") == [
        (Level.FAULT, SETTINGS_FIRST)
    ]


# ---- telegram


async def test_good_token_shows_whose_bot_it_is() -> None:
    async with BotApi.open(token=TOKEN) as api:
        [(level, text)] = await seen("telegram", TELEGRAM_TOKEN=TOKEN, TELEGRAM_BASE_URL=api.url)

    assert level is Level.OK
    assert text.startswith("@")


async def test_refused_token_says_where_to_get_one_and_is_not_shown() -> None:
    async with BotApi.open(token=TOKEN) as api:
        text = await fault("telegram", TELEGRAM_TOKEN="1000001:wrong-3b7", TELEGRAM_BASE_URL=api.url)

    assert text == "TELEGRAM_TOKEN is refused: copy it again from @BotFather (/token)"


async def test_telegram_that_does_not_answer() -> None:
    text = await fault("telegram", TELEGRAM_TOKEN=TOKEN, TELEGRAM_BASE_URL="http://127.0.0.1:1")

    assert text.startswith("http://127.0.0.1:1 does not answer")
    assert "secret" not in text


# ---- models


async def test_good_model_server_is_counted() -> None:
    async with ScriptedModel.open() as server:
        [(level, text)] = await seen("model", GROQ_API_KEY="key", GROQ_BASE_URL=server.url)

    assert (level, text) == (Level.OK, f"{server.url} serves {len(server.models)} models")


async def test_model_that_is_gone_is_a_warning_while_others_are_left() -> None:
    async with ScriptedModel.open() as server:
        server.models.remove("openai/gpt-oss-120b")
        found = await seen("model", GROQ_API_KEY="key", GROQ_BASE_URL=server.url)

    assert found[1:] == [
        (
            Level.WARNING,
            "researcher: openai/gpt-oss-120b is not served, others answer: take it out of config/roles.yaml",
        )
    ]


async def test_refused_key_says_where_to_make_one() -> None:
    async with ScriptedModel.open(api_key="right") as server:
        text = await fault("model", GROQ_API_KEY="wrong-5a5", GROQ_BASE_URL=server.url)

    assert text == f"{server.url} refuses GROQ_API_KEY: make a new one at console.groq.com/keys"


async def test_model_server_that_does_not_answer() -> None:
    assert (await fault("model", GROQ_BASE_URL="http://127.0.0.1:1")).startswith("http://127.0.0.1:1 does not answer")


async def test_models_of_several_providers_are_looked_for_where_they_are(tmp_path: Path) -> None:
    base = shutil.copytree(BASE, tmp_path / "base")
    file = base / "config/roles.yaml"
    at = "  qwen/qwen3.8-27b:\n    provider: {}\n    id: qwen-here\n"
    roles = file.read_text()
    file.write_text(roles.replace("  qwen/qwen3.8-27b:\n", at.format("ollama")))
    ids = replies('{"data": [{"id": "qwen-here"}]}')
    async with ScriptedModel.open() as server, listening(ids, "/v1") as ollama:
        env = {"GROQ_API_KEY": "k", "GROQ_BASE_URL": server.url, "OLLAMA_BASE_URL": ollama.url, "ROLES_DIR": str(base)}
        found = await seen("model", **env)
        assert found == [
            (Level.OK, f"{server.url} serves {len(server.models)} models"),
            (Level.OK, f"{ollama.url}/v1 serves 1 models"),
        ]
        file.write_text(roles.replace("  qwen/qwen3.8-27b:\n", at.format("openrouter")))
        found = await seen("model", **env)
    assert found[1] == (Level.FAULT, "OPENROUTER_API_KEY is missing: roles.yaml names models of openrouter")


async def test_wrong_model_key_is_told_by_its_name() -> None:
    async with ScriptedModel.open(api_key="right") as server:
        text = await fault(
            "model", MODEL_API_KEY="wrong-5a5", MODEL_PROVIDER="vllm", MODEL_BASE_URL=f"{server.url}/openai/v1"
        )

    assert text == f"{server.url}/openai/v1 refuses MODEL_API_KEY: check it"


async def test_override_that_is_not_served_is_a_fault() -> None:
    async with ScriptedModel.open() as server:
        text = await fault("model", GROQ_BASE_URL=server.url, MODEL_OVERRIDE="mine")

    assert text.startswith("every role: none of its models is served (mine)")


def test_role_without_any_model_left_is_a_fault_and_a_gone_model_is_told_once() -> None:
    wanted = {"a": ("x", "y"), "b": ("x", "y"), "router": ("x",)}

    assert [(level, text.split(":")[0]) for level, text in missing(wanted, frozenset({"y"}))] == [
        (Level.WARNING, "a"),
        (Level.FAULT, "router"),
    ]
