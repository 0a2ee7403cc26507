"""Servers that speak the same API differ in small things: one client asks each in its own words and reads the same from all."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openclaw_core.errors import ChatRefused, ModelGone, RateLimited, RequestTooLarge, ToolCalled
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import PROVIDERS, ModelServer, Provider
from openclaw_core.models.refusals import error_of_refusal, retry_after_s
from openclaw_core.ports import Message, ModelCall
from tests.core.groq_server import ROLE_SCHEMA, Script, collected, listening, refuses, replies, says, streams
from tests.core.groq_server import ModelServer as Listening
from tests.core.model_recordings import STREAMS, TOOL_CALLS

NOW = 1795600800.0  # Wed, 25 Nov 2026 10:00:00 GMT


@asynccontextmanager
async def asked(provider: Provider, script: Script) -> AsyncIterator[tuple[Listening, ModelClient]]:
    """A server of *provider*, and a client of it."""
    async with (
        listening(script, provider.path) as server,
        ModelClient.at(ModelServer.of(provider, "k", server.url)) as client,
    ):
        yield server, client


def call(model: str, **more: Any) -> ModelCall:
    messages = (Message(role="user", content="What is 2 and 2?"),)
    return ModelCall(model=model, messages=messages, max_tokens=200, temperature=0.2, **more)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_recorded_answer_is_read_alike_whoever_streams_it(name: str) -> None:
    provider = PROVIDERS[name]
    async with asked(provider, streams(*STREAMS[name])) as (server, client):
        pieces = await collected(client, call("a-model"))

    usage = pieces[-1].usage
    assert "".join(piece.text for piece in pieces) == "Four."
    assert server.paths == [f"{provider.path}/chat/completions"]
    assert usage is not None
    assert usage.counted is (name != "compatible")
    if usage.counted:
        assert (usage.prompt_tokens, usage.answer_tokens) == (11, 3)
    assert usage.cached_tokens == (8 if name == "openai" else 0)


@pytest.mark.parametrize("parts", TOOL_CALLS.values(), ids=TOOL_CALLS)
async def test_a_tool_that_nobody_runs_is_noticed_however_it_is_called(parts: Sequence[str]) -> None:
    async with asked(PROVIDERS["ollama"], streams(*parts)) as (_, client):
        with pytest.raises(ToolCalled):
            await collected(client, call("a-model"))


SENT = {
    # provider, model, effort: what is sent beside model, messages, stream and stream_options
    ("groq", "llama-3.3-70b", "low"): {"max_completion_tokens": 200, "temperature": 0.2},
    ("openai", "gpt-4.1", "low"): {"max_completion_tokens": 200, "temperature": 0.2},
    ("openai", "gpt-5.4-mini", "low"): {"max_completion_tokens": 200, "reasoning_effort": "low"},
    ("openai", "o4-mini", "none"): {"max_completion_tokens": 200, "reasoning_effort": "low"},
    ("openrouter", "maker/model", None): {"max_tokens": 200, "temperature": 0.2, "reasoning": {"exclude": True}},
    ("openrouter", "maker/model", "high"): {
        "max_tokens": 200, "temperature": 0.2, "reasoning": {"effort": "high", "exclude": True},
    },
    ("together", "openai/gpt-oss-20b", "low"): {"max_tokens": 200, "temperature": 0.2, "reasoning_effort": "low"},
    ("ollama", "qwen3:4b", "medium"): {"max_tokens": 200, "temperature": 0.2},
    ("ollama", "qwen3:4b", "none"): {"max_tokens": 200, "temperature": 0.2, "reasoning_effort": "none"},
    ("ollama", "gpt-oss:20b", "medium"): {"max_tokens": 200, "temperature": 0.2, "reasoning_effort": "medium"},
    ("llama.cpp", "qwen3", "medium"): {"max_tokens": 200, "temperature": 0.2},
    ("llama.cpp", "qwen3", "none"): {
        "max_tokens": 200, "temperature": 0.2, "chat_template_kwargs": {"enable_thinking": False},
    },
    ("lmstudio", "qwen3", "none"): {"max_tokens": 200, "temperature": 0.2},
    ("vllm", "qwen/qwen3-8b", "none"): {
        "max_completion_tokens": 200, "temperature": 0.2, "chat_template_kwargs": {"enable_thinking": False},
    },
    ("compatible", "anything", "high"): {"max_tokens": 200, "temperature": 0.2},
}  # fmt: skip


@pytest.mark.parametrize(("name", "model", "effort"), SENT)
async def test_each_server_is_asked_in_its_own_words_and_nothing_more(
    name: str, model: str, effort: str | None
) -> None:
    async with asked(PROVIDERS[name], streams(*STREAMS[name])) as (server, client):
        await collected(client, call(model, reasoning_effort=effort, tools=("browser_search",)))

    [body] = server.bodies
    assert body.pop("model") == model
    assert body.pop("messages") == [{"role": "user", "content": "What is 2 and 2?"}]
    assert body.pop("stream") is True
    assert body.pop("stream_options") == {"include_usage": True}
    assert body == SENT[name, model, effort]


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_value_by_a_schema_is_asked_for_as_the_server_knows_it(name: str) -> None:
    async with asked(PROVIDERS[name], says('{"role": "coder"}')) as (server, client):
        value, usage = await client.complete_json(call("a-model"), schema=ROLE_SCHEMA, timeout_s=5)

    wanted = server.bodies[0]["response_format"]
    assert (value, usage.prompt_tokens) == ({"role": "coder"}, 11)
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["schema"] == ROLE_SCHEMA
    assert wanted["json_schema"].get("strict", False) is (name not in ("together", "ollama", "llama.cpp"))


async def test_models_are_listed_in_the_servers_order() -> None:
    async with asked(PROVIDERS["ollama"], replies('{"data": [{"id": "b:latest"}, {"id": "a:4b"}]}')) as (
        server,
        client,
    ):
        assert await client.listed() == ("b:latest", "a:4b")
        assert await client.models() == {"b", "b:latest", "a:4b"}

    assert server.paths == ["/v1/models"] * 2


async def test_a_server_that_takes_no_recordings_is_not_sent_one() -> None:
    async with asked(PROVIDERS["lmstudio"], replies('{"text": "hello"}')) as (server, client):
        with pytest.raises(ModelGone):
            await client.transcribe(b"sound", name="a.ogg", model="m", timeout_s=5)
    assert server.paths == []

    async with asked(PROVIDERS["together"], replies('{"text": "hello"}')) as (server, client):
        assert await client.transcribe(b"sound", name="a.ogg", model="m", timeout_s=5) == "hello"
    assert server.paths == ["/v1/audio/transcriptions"]


@pytest.mark.parametrize(
    ("name", "headers", "expected"),
    [
        ("openai", {"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ("openai", {"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ("openai", {"retry-after": "Wed, 25 Nov 2026 10:00:30 GMT"}, 30.0),
        ("groq", {"retry-after-ms": "1500", "retry-after": "2"}, 2.0),
        ("ollama", {}, None),
    ],
)
def test_a_wait_is_read_where_the_server_asks_for_it(
    name: str, headers: dict[str, str], expected: float | None
) -> None:
    assert retry_after_s(headers, now=NOW, of=PROVIDERS[name].retry_headers) == expected


LONG = "This model's maximum context length is 2048 tokens. However, you requested 2300 tokens."
TOO_LONG: list[dict[str, Any]] = [
    {
        "error": {
            "message": LONG,
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    },
    {
        "error": {
            "message": "the request exceeds the available context size",
            "type": "exceed_context_size_error",
            "code": 400,
        }
    },
    {"error": {"message": LONG, "type": "BadRequestError", "param": None, "code": 400}},
    {"object": "error", "message": LONG, "type": "BadRequestError", "param": None, "code": 400},
]
"""OpenAI and Groq, llama.cpp, vLLM, and vLLM before it had an object for errors."""


@pytest.mark.parametrize("body", TOO_LONG)
def test_a_prompt_that_is_too_long_is_known_however_it_is_refused(body: dict[str, Any]) -> None:
    assert isinstance(error_of_refusal(400, {}, body), RequestTooLarge)


@pytest.mark.parametrize(
    "body", [None, [], {"error": LONG}, {"error": {"message": ["no"]}}, {"message": "bad request"}]
)
def test_another_refusal_is_none_of_length(body: object) -> None:
    assert isinstance(error_of_refusal(400, {}, body), ChatRefused)


async def test_the_wait_arrives_with_the_refusal() -> None:
    async with asked(PROVIDERS["openai"], refuses(429, headers={"retry-after-ms": "1500"})) as (_, client):
        with pytest.raises(RateLimited) as caught:
            await collected(client, call("gpt-4.1"))

    assert caught.value.retry_after_s == 1.5
