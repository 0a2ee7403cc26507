"""Without a key, a model server that runs on this machine is asked before the built-in model is started."""

import asyncio
import json
from collections.abc import Mapping

import pytest
from aiohttp import web

from openclaw_brain.settings import from_env
from openclaw_cli.doctor.command import examine
from openclaw_cli.doctor.findings import Level
from openclaw_cli.up.backends import model_from
from openclaw_cli.up.model_servers import choose_model, running_server
from openclaw_core.models.providers import LLAMA_CPP, LM_STUDIO, OLLAMA
from tests.core.groq_server import Script, listening, refuses, replies

NOBODY = "http://127.0.0.1:1"


def lists(*ids: str) -> Script:
    return replies(json.dumps({"object": "list", "data": [{"id": id_, "object": "model"} for id_ in ids]}))


def at(**urls: str) -> Mapping[str, str]:
    """An environment in which each server has an address of the test's: nothing of this machine is asked."""
    variables = {"ollama": OLLAMA, "llama_cpp": LLAMA_CPP, "lm_studio": LM_STUDIO}
    return {f"{provider.variable}_BASE_URL": urls.get(name, NOBODY) for name, provider in variables.items()}


async def test_ollama_is_taken_before_the_others_with_its_first_model_that_can_talk() -> None:
    async with (
        listening(lists("nomic-embed-text:latest", "qwen3:4b", "llama3.2:latest"), "/v1") as ollama,
        listening(lists("model.gguf"), "/v1") as llama_cpp,
    ):
        found = await running_server(at(ollama=ollama.url, llama_cpp=llama_cpp.url))

    assert found is not None
    assert found.env == {
        "MODEL_PROVIDER": "ollama", "MODEL_BASE_URL": f"{ollama.url}/v1", "MODEL_API_KEY": "none", "MODEL_OVERRIDE": "qwen3:4b",
    }  # fmt: skip
    assert found.name.startswith(f"qwen3:4b, by Ollama at {ollama.url}/v1 (found running;")


async def test_a_server_without_a_model_is_passed_over() -> None:
    async with listening(lists(), "/v1") as ollama, listening(lists("model.gguf"), "/v1") as llama_cpp:
        found = await running_server(at(ollama=ollama.url, llama_cpp=llama_cpp.url))

    assert found is not None
    assert (found.server.provider, found.model) == (LLAMA_CPP, "model.gguf")


async def _hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


@pytest.mark.parametrize(
    "script",
    [refuses(401), refuses(404), replies("<html>", "text/html"), replies("[]"), replies('{"data": 7}'), _hangs],
)
async def test_something_else_at_the_port_is_no_model_server(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw_cli.up.model_servers.ASK_TIMEOUT_S", 0.3)
    async with listening(script, "") as other:
        assert await running_server(at(lm_studio=other.url)) is None


@pytest.mark.parametrize(
    ("ids", "override", "expected"),
    [
        (("a", "b"), "", "a"),
        (("text-embedding-x", "b"), "", "b"),
        (("text-embedding-x",), "", ""),
        ((), "", ""),
        (("a", "b"), "b", "b"),
        (("b:latest",), "b", "b"),
        (("a",), "b", ""),
    ],
)
def test_the_model_is_the_named_one_or_the_first_that_can_talk(
    ids: tuple[str, ...], override: str, expected: str
) -> None:
    assert choose_model(ids, override) == expected


async def test_what_runs_here_answers_without_a_key_and_the_start_says_so() -> None:
    told: list[str] = []
    async with listening(lists("qwen3:4b"), "/v1") as ollama:
        async with model_from(at(ollama=ollama.url), told.append) as model:
            env = {**model.env, "TELEGRAM_TOKEN": "1:a", "REDIS_URL": "redis://127.0.0.1:1"}
        [finding] = await examine(["model"], at(ollama=ollama.url))

    settings = from_env(env)
    assert (model.demo, told) == (False, [])
    assert model.name.startswith("qwen3:4b, by Ollama")
    assert (settings.servers.default.provider, settings.model_override) == (OLLAMA, "qwen3:4b")
    assert not settings.routes_by_model  # the rules and the classifier decide
    assert finding.level is Level.OK
    assert finding.text.startswith("no GROQ_API_KEY: qwen3:4b, by Ollama")


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"GROQ_API_KEY": "k"}, "Groq"),
        ({"GROQ_BASE_URL": NOBODY}, NOBODY),
        ({"MODEL_PROVIDER": "openrouter", "MODEL_API_KEY": "k"}, "OpenRouter"),
        ({"MODEL_BASE_URL": NOBODY, "GROQ_API_KEY": "k"}, NOBODY),
    ],
)
async def test_a_server_that_is_named_is_taken_and_no_other_is_looked_for(env: dict[str, str], name: str) -> None:
    async with listening(lists("qwen3:4b"), "/v1") as ollama, model_from({**at(ollama=ollama.url), **env}) as model:
        assert (model.name, model.demo, ollama.paths) == (name, False, [])
    from_env({**model.env, "TELEGRAM_TOKEN": "1:a", "REDIS_URL": "redis://127.0.0.1:1"})
