"""Function tools over the API that all servers speak: what is sent, and what becomes of models that take none."""

from dataclasses import replace
from typing import Any

import pytest

from openclaw_core.errors import (
    ToolsRefused,
)
from openclaw_core.models.chunks import estimated_usage
from openclaw_core.models.function_calls import (
    without_functions,
)
from openclaw_core.models.providers import PROVIDERS
from openclaw_core.models.refusals import error_of_refusal
from openclaw_core.ports import FunctionCall, Message
from tests.core.call_recordings import NORTH
from tests.core.function_tools import ASKED, FIND, LOOK, asked, body_of, call, tool
from tests.core.groq_server import collected, streams
from tests.core.model_recordings import STREAMS

DESCRIBED = [
    {"type": "function", "function": {"name": one.name, "description": one.description, "parameters": dict(one.parameters)}}
    for one in (LOOK, FIND)
]  # fmt: skip


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_functions_are_described_to_every_server_alike(provider: str) -> None:
    body = await body_of(call(tools=("browser_search",)), provider)

    assert body["tools"] == DESCRIBED
    assert "tool_choice" not in body


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_request_without_functions_is_what_it_was(provider: str) -> None:
    body = await body_of(call(functions=()), provider)

    assert list(body["messages"][0].items()) == [("role", "user"), ("content", "Where is it?")]
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)


async def test_calls_and_results_go_back_as_the_api_has_them() -> None:
    one = FunctionCall(id="c1", name="look", arguments=NORTH)
    history = (
        ASKED,
        Message(role="assistant", content="", calls=(one,)),
        Message(role="tool", content="fog", call_id="c1"),
    )

    assert (await body_of(call(messages=history), "groq"))["messages"] == [
        {"role": "user", "content": "Where is it?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": NORTH}}],
        },
        {"role": "tool", "content": "fog", "tool_call_id": "c1"},
    ]


async def test_functions_that_are_not_to_be_called_are_left_out_where_the_server_knows_no_such_choice() -> None:
    groq, ollama = [await body_of(call(function_choice="none"), name) for name in ("groq", "ollama")]
    required = await body_of(call(function_choice="required"), "ollama")

    assert (groq["tools"], groq["tool_choice"]) == (DESCRIBED, "none")
    assert not {"tools", "tool_choice"} & set(ollama)
    assert required["tools"] == DESCRIBED


async def test_functions_win_over_built_in_tools_and_it_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    both = call("openai/gpt-oss-20b", tools=("browser_search",))
    caplog.set_level("INFO")
    async with asked(streams(*STREAMS["groq"]), PROVIDERS["groq"]) as (server, client):
        await collected(client, both)
        await collected(client, both)
        await collected(client, call("openai/gpt-oss-20b", tools=("browser_search",), functions=()))

    assert [body["tools"] for body in server.bodies] == [DESCRIBED, DESCRIBED, [{"type": "browser_search"}]]
    assert [record.message for record in caplog.records].count("model.builtin_tools_left_out") == 1


async def test_a_provider_may_be_set_to_take_both() -> None:
    both = replace(PROVIDERS["groq"], mixes_tools=True)
    async with asked(streams(*STREAMS["groq"]), both) as (server, client):
        await collected(client, call("openai/gpt-oss-20b", tools=("browser_search",)))

    assert server.bodies[0]["tools"] == [*DESCRIBED, {"type": "browser_search"}]


@pytest.mark.parametrize(
    ("provider", "model"), [("groq", "groq/compound-mini"), ("llama.cpp", "smollm2-135m-instruct")]
)
async def test_a_model_that_is_known_to_take_none_is_not_asked_with_any(provider: str, model: str) -> None:
    async with asked(streams(*STREAMS[provider]), PROVIDERS[provider]) as (server, client):
        with pytest.raises(ToolsRefused):
            await collected(client, call(model))
        await collected(client, call(model, functions=()))

    assert len(server.bodies) == 1


@pytest.mark.parametrize("name", ["", "look at", "א", "x" * 65, "a.b"])
def test_a_function_has_a_name_that_every_server_takes(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        tool(name)


def test_functions_count_where_the_server_does_not_count() -> None:
    assert estimated_usage(call(), "").prompt_tokens > estimated_usage(call(functions=()), "").prompt_tokens


# ---- models that take no tools

REFUSALS: list[tuple[int, Any]] = [
    (400, {"error": {"message": "registry.ollama.ai/library/gemma:2b does not support tools", "type": "api_error", "code": None}}),
    (400, {"object": "error", "message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'}),
    (400, {"error": {"message": "tool_choice=\"required\" requires --tool-call-parser to be set", "type": "BadRequestError", "code": 400}}),
    (500, {"error": {"code": 500, "message": "tools param requires --jinja flag", "type": "server_error"}}),
    (500, {"error": {"code": 500, "message": "Unsupported param: tools", "type": "server_error"}}),
    (404, {"error": {"message": "No endpoints found that support tool use. To learn more, visit the docs.", "code": 404}}),
    (404, {"error": {"message": "No endpoints found that support the provided 'tool_choice' value.", "code": 404}}),
    (400, {"error": {"message": "`tool calling` is not supported with this model", "type": "invalid_request_error"}}),
    (400, {"error": {"message": "Unsupported parameter: 'tools' is not supported with this model.", "code": "unsupported_parameter"}}),
    (400, {"error": {"message": "deepseek-reasoner does not support Function Calling", "type": "invalid_request_error"}}),
    (400, {"error": {"message": "Function calling is not enabled for this model", "type": "invalid_request_error"}}),
    (400, {"error": {"message": "The model does not support tool use or function calling but tools have been specified"}}),
]  # fmt: skip
"""Ollama, vLLM twice, llama.cpp twice, OpenRouter twice, Groq, OpenAI, DeepSeek, Mistral, xAI."""


@pytest.mark.parametrize(("status", "body"), REFUSALS)
def test_a_refusal_of_tools_is_known_by_its_words(status: int, body: Any) -> None:
    assert isinstance(error_of_refusal(status, {}, body), ToolsRefused)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "AnswerFailed to call a function. Please adjust your prompt.", "code": "tool_use_failed"}}),
        (400, {"error": {"message": "attempted to call tool 'x': 'tools' is not supported", "code": "tool_use_failed"}}),
        (400, {"error": {"message": "An assistant message with 'tool_calls' must be followed by tool messages"}}),
        (400, {"error": {"message": "temperature is not supported with this model"}}),
        (401, {"error": {"message": "this key does not support tools"}}),
        (404, {"error": {"message": "The model does not exist", "code": "model_not_found"}}),
        (500, {"error": {"message": "Internal ModelServer Error"}}),
        (400, None),
    ],
)  # fmt: skip
def test_another_refusal_is_none_of_tools(status: int, body: Any) -> None:
    assert not isinstance(error_of_refusal(status, {}, body), ToolsRefused)


def test_a_conversation_for_a_model_without_tools_has_calls_and_results_as_text() -> None:
    one = FunctionCall(id="c1", name="look", arguments=NORTH)
    history = (
        ASKED,
        Message(role="assistant", content="I look.", calls=(one,)),
        Message(role="tool", content="fog", call_id="c1"),
    )

    assert without_functions(history) == (
        ASKED,
        Message(role="assistant", content='I look.\n[look was called with {"at": "north"}]'),
        Message(role="user", content="[Result of look]\nfog"),
    )
