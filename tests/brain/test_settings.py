"""What ends a start: everything that is wrong, in one message."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openclaw_brain.pool_policy import AGENT_VARIABLES, pool_of
from openclaw_brain.settings import at_start, from_env
from openclaw_core.errors import SettingsError
from openclaw_core.tasks.outcome import Exit

TOKEN = "4242:test-token-of-nobody"


def test_a_start_is_refused_with_one_message_that_lists_wrong_variables_and_wrong_roles(
    platform_base: Path, tmp_path: Path
) -> None:
    base = shutil.copytree(platform_base, tmp_path / "base")
    roles = base / "config/roles.yaml"
    roles.write_text(roles.read_text().replace("template: agent", "template: agent\n    tempreature: 1", 1))
    env = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "TELEGRAM_TOKEN": TOKEN, "ROLES_DIR": str(base)}
    env |= {"DRAIN_S": "soon", "REDIS_URL": "redis://127.0.0.1:1"}

    started = subprocess.run(
        [sys.executable, "-m", "openclaw_brain"], env=env, capture_output=True, text=True, check=False, timeout=60
    )

    assert started.returncode == Exit.MISCONFIGURED
    for fault in ("GROQ_API_KEY is missing", "DRAIN_S must be a number", "tempreature"):
        assert fault in started.stderr
    assert TOKEN not in started.stderr


def test_a_model_of_a_provider_without_a_key_ends_the_start_unless_one_model_answers_for_all(
    platform_base: Path, tmp_path: Path
) -> None:
    base = shutil.copytree(platform_base, tmp_path / "base")
    file = base / "config/roles.yaml"
    file.write_text(
        file.read_text().replace("  qwen/qwen3.8-27b:\n", "  qwen/qwen3.8-27b:\n    provider: openrouter\n")
    )
    env = {"TELEGRAM_TOKEN": TOKEN, "GROQ_API_KEY": "k", "REDIS_URL": "redis://127.0.0.1:1", "ROLES_DIR": str(base)}

    with pytest.raises(
        SettingsError,
        match=r"OPENROUTER_API_KEY is missing: in roles\.yaml, `qwen/qwen3.8-27b` is a model of OpenRouter",
    ):
        at_start(env)
    at_start({**env, "OPENROUTER_API_KEY": "o"})
    at_start({**env, "MODEL_OVERRIDE": "mine"})


def test_agents_are_told_where_models_are_and_keep_their_keys_to_themselves() -> None:
    env = {"TELEGRAM_TOKEN": TOKEN, "MODEL_BASE_URL": "http://h:1", "MODEL_PROVIDER": "vllm", "MODEL_API_KEY": "secret-5d", "REDIS_URL": "redis://127.0.0.1:1"}  # fmt: skip
    pool = pool_of("agent", {}, from_env(env))

    assert {"MODEL_BASE_URL": "http://h:1", "MODEL_PROVIDER": "vllm"}.items() <= pool.env.items()
    assert "secret-5d" not in str(dict(pool.env))
    assert {"MODEL_API_KEY", "GROQ_API_KEY", "OPENROUTER_API_KEY"} <= set(AGENT_VARIABLES)


@pytest.mark.parametrize(
    ("env", "routes"),
    [
        ({"GROQ_API_KEY": "k"}, True),
        ({"GROQ_API_KEY": "k", "MODEL_OVERRIDE": "mine"}, True),
        ({"GROQ_API_KEY": "k", "DEMO_MODEL": "yes"}, False),
        ({"MODEL_PROVIDER": "vllm"}, True),
        ({"MODEL_PROVIDER": "ollama", "MODEL_OVERRIDE": "mine"}, False),
    ],
)
def test_a_model_helps_with_routing_unless_a_small_server_has_but_one(env: dict[str, str], routes: bool) -> None:
    assert from_env({"TELEGRAM_TOKEN": TOKEN, "REDIS_URL": "redis://127.0.0.1:1", **env}).routes_by_model is routes


def test_where_files_are_served_is_a_free_port_of_this_machine_unless_it_is_said() -> None:
    env = {"TELEGRAM_TOKEN": TOKEN, "GROQ_API_KEY": "k", "REDIS_URL": "redis://127.0.0.1:1"}
    here, there = from_env(env), from_env({**env, "FILE_PORT": "8090", "POD_IP": "10.1.2.3"})
    assert (here.file_port, here.file_host) == (0, "")
    assert (there.file_port, there.file_host) == (8090, "10.1.2.3")
    with pytest.raises(SettingsError, match="FILE_PORT"):
        from_env({**env, "FILE_PORT": "70000"})


def test_an_agent_of_a_pool_is_told_the_bots_id_and_not_its_token() -> None:
    env = {"TELEGRAM_TOKEN": TOKEN, "GROQ_API_KEY": "k", "REDIS_URL": "redis://127.0.0.1:1"}
    pool = pool_of("agent", {}, from_env(env))
    assert pool.env["BOT_ID"] == "4242"
    assert not {name for name in (*pool.env, *AGENT_VARIABLES) if "TELEGRAM" in name}
    assert TOKEN not in str(dict(pool.env))


OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, None),
        ({OTLP: "http://collector:4318/"}, "http://collector:4318/v1/traces"),
        ({OTLP: "http://all", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces/otlp"}, "https://traces/otlp"),
        ({OTLP: "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_traces_go_where_the_standard_variables_say(variables: dict[str, str], url: str | None) -> None:
    env = {"TELEGRAM_TOKEN": TOKEN, "GROQ_API_KEY": "k", "REDIS_URL": "redis://127.0.0.1:1"}
    traces = from_env({**env, **variables}).traces
    assert (traces.url if traces else None) == url


def test_headers_for_a_collector_can_come_as_a_file_and_are_shown_to_nobody(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("authorization=Bearer%20secret-77, x-tenant=a\n")
    env = {"TELEGRAM_TOKEN": TOKEN, "GROQ_API_KEY": "k", "REDIS_URL": "redis://127.0.0.1:1", OTLP: "http://collector"}
    settings = from_env({**env, "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(file)})
    assert settings.traces is not None
    assert settings.traces.headers == {"authorization": "Bearer secret-77", "x-tenant": "a"}
    assert "secret-77" not in repr(settings)
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_HEADERS must be") as fault:
        from_env({**env, "OTEL_EXPORTER_OTLP_HEADERS": "secret-77"})
    assert "secret-77" not in str(fault.value)


def test_traces_by_another_protocol_end_the_start() -> None:
    env = {"TELEGRAM_TOKEN": TOKEN, "GROQ_API_KEY": "k", "REDIS_URL": "redis://127.0.0.1:1"}
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_PROTOCOL must be one of http/json"):
        from_env({**env, OTLP: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
