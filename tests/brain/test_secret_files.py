"""A secret that is replaced in its file ends the brain, which is started again with it; what cannot be used does not."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from openclaw_brain.app import run
from openclaw_brain.secret_files import LOOKS_EACH_S, is_replaced, until_replaced
from openclaw_brain.settings import at_start
from openclaw_core.errors import SettingsError
from openclaw_standin.bot_api import BotApi

TOKEN = "4242:first"


@pytest.fixture
def env(tmp_path: Path) -> Mapping[str, str]:
    """As a pod of the brain has it: secrets are files."""
    secrets = {"TELEGRAM_TOKEN": TOKEN, "ALLOWED_USER_IDS": "7", "GROQ_API_KEY": "first", "REDIS_PASSWORD": "first"}
    for name, value in secrets.items():
        (tmp_path / name).write_text(value)
    files = {f"{name}_FILE": str(tmp_path / name) for name in secrets}
    return {**files, "REDIS_HOST": "redis", "AGENT_LAUNCHER": "kubernetes", "POD_NAMESPACE": "there"}


@pytest.mark.parametrize(
    ("name", "value", "replaced"),
    [
        ("TELEGRAM_TOKEN", "4242:second", True),
        ("TELEGRAM_TOKEN", f"{TOKEN}\n", False),
        ("ALLOWED_USER_IDS", "7,8", True),
        ("GROQ_API_KEY", "second", True),
        ("REDIS_PASSWORD", "second", False),  # docs/redis.md: when the server knows it
    ],
)
def test_each_secret_but_the_password_of_redis_counts(
    env: Mapping[str, str], tmp_path: Path, name: str, value: str, replaced: bool
) -> None:
    settings, _ = at_start(env)
    assert not is_replaced(settings, env)
    (tmp_path / name).write_text(value)
    assert is_replaced(settings, env) is replaced


async def test_what_cannot_be_used_is_told_once_and_not_taken(
    env: Mapping[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings, _ = at_start(env)
    token, slept = tmp_path / "TELEGRAM_TOKEN", []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            token.unlink()
        if len(slept) == 4:
            token.write_text("marker-secret without a number")
            with pytest.raises(SettingsError):
                is_replaced(settings, env)
        if len(slept) == 6:
            token.write_text("4242:second")

    with caplog.at_level(logging.INFO):
        await until_replaced(settings, env, sleep=sleep)
    assert slept == [LOOKS_EACH_S] * 6
    assert [line.getMessage() for line in caplog.records] == ["secrets.not_usable", "secrets.replaced"]
    assert "marker-secret" not in str([vars(line) for line in caplog.records])


def kubeconfig(folder: Path) -> str:
    """Of an API server that is away: the brain waits for the lead."""
    file = folder / "kubeconfig"
    entry = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
    }
    contexts = {"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **entry, **contexts}))
    return str(file)


@pytest.mark.parametrize("launcher", ["kubernetes", "processes"])
async def test_a_brain_in_a_cluster_ends_well_when_its_token_is_replaced_and_one_on_a_machine_goes_on(
    env: Mapping[str, str], tmp_path: Path, redis_url: str, bot_id: int, launcher: str
) -> None:
    token = tmp_path / "TELEGRAM_TOKEN"
    token.write_text(f"{bot_id}:first")
    async with BotApi.open(token=f"{bot_id}:first") as api:
        settings = {
            **env, "AGENT_LAUNCHER": launcher, "KUBECONFIG": kubeconfig(tmp_path), "TELEGRAM_BASE_URL": api.url, "REDIS_URL": redis_url,
            "WARM_AGENTS": "0", "WARM_TOOL_AGENTS": "0", "DEMO_MODEL": "yes",
        }  # fmt: skip
        stop = asyncio.Event()
        brain = asyncio.create_task(run(*at_start(settings), settings, stop))
        try:
            async with asyncio.timeout(60):
                while not [one for one in api.journal if one.method == "getMe"]:
                    await asyncio.sleep(0.02)
                token.write_text(f"{bot_id}:second")
                if launcher == "kubernetes":
                    assert await brain == 0
                else:
                    await asyncio.sleep(LOOKS_EACH_S + 1)
                    assert not brain.done()
        finally:
            stop.set()
            assert await brain == 0
