"""Function tools over the API that all servers speak: what is sent, how calls are read, and what becomes of broken ones."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from openclaw_core.errors import (
    AnswerFiltered,
    ChatUnavailable,
    EmptyAnswer,
    ModelSilent,
    StreamCut,
    ToolCalled,
    ToolsRefused,
)
from openclaw_core.models.chunks import JsonObject, estimated_usage
from openclaw_core.models.client import ModelClient
from openclaw_core.models.function_calls import (
    ARGUMENTS_MAX_CHARS,
    CALLS_MAX,
    CallReader,
    arguments_of,
    told,
    without_functions,
)
from openclaw_core.models.providers import PROVIDERS, ModelServer, Provider
from openclaw_core.models.refusals import error_of_refusal
from openclaw_core.ports import FUNCTION_NAME, CallFault, FunctionCall, FunctionTool, Message, ModelCall, Piece
from tests.core.call_recordings import END, NORTH, ONE, SHIP, TWO, called, entry
from tests.core.groq_server import ModelServer as Listening
from tests.core.groq_server import Script, collected, listening, streams
from tests.core.model_recordings import DONE, STREAMS, TOOL_CALLS, event


def loose(value: Any) -> Any:
    """*value* as a chunk has it."""
    return json.loads(json.dumps(value), object_hook=JsonObject)


def tool(name: str) -> FunctionTool:
    return FunctionTool(name=name, description=f"What {name} does.", parameters={"type": "object", "properties": {}})


LOOK, FIND = tool("look"), tool("find")
ASKED = Message(role="user", content="Where is it?")


def call(model: str = "a-model", **more: Any) -> ModelCall:
    given: dict[str, Any] = {"messages": (ASKED,), "functions": (LOOK, FIND)} | more
    return ModelCall(model=model, max_tokens=200, **given)


@asynccontextmanager
async def asked(
    script: Script, provider: Provider = PROVIDERS["compatible"]
) -> AsyncIterator[tuple[Listening, ModelClient]]:
    async with (
        listening(script, provider.path) as server,
        ModelClient.at(ModelServer.of(provider, "k", server.url)) as client,
    ):
        yield server, client


async def read(parts: Sequence[str], **more: Any) -> list[Piece]:
    async with asked(streams(*parts)) as (_, client):
        return await collected(client, call(**more))


async def calls_in(parts: Sequence[str], **more: Any) -> tuple[FunctionCall, ...]:
    return (await read(parts, **more))[-1].calls


async def body_of(request: ModelCall, provider: str) -> dict[str, Any]:
    async with asked(streams(*STREAMS[provider]), PROVIDERS[provider]) as (server, client):
        await collected(client, request)
    [body] = server.bodies
    return body


# ---- what comes


@pytest.mark.parametrize("parts", ONE.values(), ids=ONE)
async def test_a_call_is_read_alike_however_it_is_streamed(parts: Sequence[str]) -> None:
    pieces = await read(parts)

    [one] = pieces[-1].calls
    assert (one.name, arguments_of(one), one.fault) == ("look", {"at": "north"}, None)
    assert one.id
    shown = ""
    for piece in pieces:
        shown = piece.text if piece.restarted else shown + piece.text
    assert shown == ""


@pytest.mark.parametrize("parts", TWO.values(), ids=TWO)
async def test_two_calls_are_two_however_they_are_streamed(parts: Sequence[str]) -> None:
    first, second = await calls_in(parts)

    assert (first.name, arguments_of(first)) == ("look", {"at": "north"})
    assert (second.name, arguments_of(second)) == ("find", {"what": "ship", "in": ["sea"]})
    assert (first.fault, second.fault) == (None, None)
    assert first.id != second.id


async def test_a_good_id_is_kept_and_a_bad_one_is_replaced() -> None:
    used = Message(role="assistant", content="", calls=(FunctionCall(id="call_0", name="look", arguments="{}"),))
    answered = Message(role="tool", content="fog", call_id="call_0")

    [kept] = await calls_in((called(entry(0, "functions.look:0", "look", NORTH)), END))
    replaced = [
        (await calls_in((called(entry(0, id_, "look", NORTH)), END), messages=(ASKED, used, answered)))[0].id
        for id_ in (None, "", "call_0", "x" * 41, "שלום", "a\nb")
    ]

    assert kept.id == "functions.look:0"
    assert all(len(id_) == 9 and id_.isalnum() and id_.isascii() for id_ in replaced)
    assert len(set(replaced)) == len(replaced)


async def test_text_before_the_calls_comes_as_it_grows() -> None:
    pieces = await read(
        (event({"content": "I look "}), event({"content": "first."}), called(entry(0, "a", "look", NORTH)), END)
    )

    assert "".join(piece.text for piece in pieces) == "I look first."
    assert [len(piece.calls) for piece in pieces[:-1]] == [0] * (len(pieces) - 1)
    assert len(pieces[-1].calls) == 1
    assert pieces[-1].usage is not None


async def test_an_answer_without_a_call_is_an_answer() -> None:
    pieces = await read(STREAMS["openai"])

    assert "".join(piece.text for piece in pieces) == "Four."
    assert pieces[-1].calls == ()


@pytest.mark.parametrize(
    "said",
    [
        "gpt-oss writes `commentary to=functions.look json{}` then.",
        "It writes\n```\n<|channel|>commentary to=functions.look <|constrain|>json<|message|>{}<|call|>\n```\nthen.",
    ],
)
async def test_an_answer_that_speaks_of_the_marks_is_no_call(said: str) -> None:
    pieces = await read((event({"content": said}), event({}, reason="stop")))

    assert "".join(piece.text for piece in pieces) == said
    assert pieces[-1].calls == ()


@pytest.mark.parametrize(
    ("entries", "fault", "name"),
    [
        ([entry(0, "a", "look", '{"at": ')], CallFault.NOT_JSON, "look"),
        ([entry(0, "a", "look", "north")], CallFault.NOT_JSON, "look"),
        ([entry(0, "a", "look", "[" * 20_000)], CallFault.NOT_JSON, "look"),
        ([entry(0, "a", "look", "[1]")], CallFault.NOT_AN_OBJECT, "look"),
        ([entry(0, "a", "look", ["north"])], CallFault.NOT_AN_OBJECT, "look"),
        ([entry(0, "a", "look", '"north"')], CallFault.NOT_JSON, "look"),
        ([entry(0, "a", "sail", NORTH)], CallFault.UNKNOWN_NAME, "sail"),
        ([entry(0, "a", "חפש it!", NORTH)], CallFault.UNKNOWN_NAME, "____it_"),
        ([entry(0, "a", None, NORTH)], CallFault.UNKNOWN_NAME, "unnamed"),
        ([entry(0, "a", "x" * 200, NORTH)], CallFault.UNKNOWN_NAME, "x" * 64),
        ([entry(0, "a", "look", '{"at": "' + "n" * ARGUMENTS_MAX_CHARS)], CallFault.TOO_LONG, "look"),
    ],
)
async def test_a_broken_call_says_what_is_wrong_and_can_be_sent_back(
    entries: list[dict[str, Any]], fault: CallFault, name: str
) -> None:
    [one] = await calls_in((called(*entries), END))
    history = (
        ASKED,
        Message(role="assistant", content="", calls=(one,)),
        Message(role="tool", content=told(one, ("look", "find")), call_id=one.id),
    )
    body = await body_of(call(messages=history), "compatible")

    assert (one.fault, one.name) == (fault, name)
    assert fault is CallFault.UNKNOWN_NAME or len(one.arguments) <= 1000
    [sent] = body["messages"][1]["tool_calls"]
    assert isinstance(json.loads(sent["function"]["arguments"]), dict)
    assert body["messages"][2]["content"].startswith("Not run: ")
    assert ("look, find" in body["messages"][2]["content"]) is (fault is CallFault.UNKNOWN_NAME)


@pytest.mark.parametrize("arguments", ["", "null", "  ", None])
async def test_a_call_without_arguments_has_none(arguments: str | None) -> None:
    [one] = await calls_in((called(entry(0, "a", "look", arguments)), END))

    assert (one.arguments, one.fault, told(one)) == ("{}", None, "")


async def test_calls_beyond_the_limit_are_told_by_one_of_them() -> None:
    many = [called(*(entry(n, f"c{n}", "look", NORTH) for n in range(100))), END]
    calls = await calls_in(many)

    assert [one.fault for one in calls] == [None] * CALLS_MAX + [CallFault.TOO_MANY]
    assert calls[-1].arguments == ""


async def test_arguments_without_an_end_are_left_at_once() -> None:
    endless = called(entry(0, "a", "look", '{"at": "' + "n" * 60_000))
    async with asked(streams(endless, called(entry(0, arguments="n" * 60_000)), then="hang")) as (_, client):
        pieces = await collected(client, call())

    assert pieces[-1].calls[0].fault is CallFault.TOO_LONG


async def test_arguments_that_the_length_limit_cut_are_told_apart_from_bad_ones() -> None:
    pieces = await read(
        (called(entry(0, "a", "look", NORTH), entry(1, "b", "find", SHIP[:8])), event({}, reason="length"))
    )

    assert [one.fault for one in pieces[-1].calls] == [None, CallFault.CUT_OFF]
    assert pieces[-1].truncated


async def test_a_character_that_is_cut_in_two_by_the_pieces_is_whole() -> None:
    halves = [called(entry(0, "a", "look", '{"at": "\ud83d')), called(entry(0, arguments='\ude00"}')), END]
    [one] = await calls_in(halves)

    assert arguments_of(one) == {"at": "😀"}
    one.arguments.encode()


@given(
    cuts=st.lists(st.integers(0, 40), max_size=8),
    values=st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=3), min_size=1, max_size=4),
    manner=st.sampled_from(["index", "id", "both"]),
)
def test_where_a_call_is_cut_makes_no_difference(cuts: list[int], values: list[dict[str, str]], manner: str) -> None:
    pieces = []
    for n, value in enumerate(values):
        index, id_ = (None if manner == "id" else n), (None if manner == "index" else f"c{n}")
        text = json.dumps(value, ensure_ascii=bool(n % 2))
        places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
        pieces += [entry(index, id_, "look", "")]
        pieces += [entry(index, id_, arguments=text[at:end]) for at, end in pairwise(places)]
    reader = CallReader(call())
    for piece in pieces:
        reader.feed([loose(piece)])

    assert [arguments_of(one) for one in reader.calls()] == values
    assert [one.fault for one in reader.calls()] == [None] * len(values)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["look", "{", "c1", NORTH]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["index", "id", "function", "name", "arguments", "x"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(chunks=st.lists(st.lists(ANYTHING, max_size=3), max_size=5), cut=st.booleans())
def test_whatever_a_server_sends_comes_to_calls_that_can_be_sent_back(chunks: list[list[Any]], cut: bool) -> None:
    reader = CallReader(call())
    for entries in chunks:
        reader.feed([loose(one) for one in entries])
    calls = reader.calls(cut=cut)

    assert len(calls) <= CALLS_MAX + 1
    assert len({one.id for one in calls}) == len(calls)
    for one in calls:
        assert FUNCTION_NAME.fullmatch(one.name)
        assert one.name in ("look", "find") or one.fault
        assert one.fault or isinstance(json.loads(one.arguments), dict)
        one.arguments.encode()


@pytest.mark.parametrize(
    ("parts", "then", "error"),
    [
        ((called(entry(0, "a", "look", NORTH)),), "end", ChatUnavailable),
        ((event({"content": "I look."}), called(entry(0, "a", "look", NORTH))), "cut", StreamCut),
        ((event({}, reason="tool_calls"), DONE), "end", ChatUnavailable),
        ((event({"tool_calls": [None, 5, "look"]}), END), "end", ChatUnavailable),
        ((called(entry(0, "a", "look", NORTH)), event({}, reason="content_filter")), "end", AnswerFiltered),
        ((called(entry(0, "a", "look", NORTH)), event({}, reason="error")), "end", ChatUnavailable),
        ((event({}, reason="stop"), DONE), "end", EmptyAnswer),
    ],
)
async def test_a_stream_that_breaks_has_no_calls(parts: Sequence[str], then: str, error: type[Exception]) -> None:
    async with asked(streams(*parts, then=then)) as (_, client):
        with pytest.raises(error):
            await collected(client, call())


async def test_a_model_that_falls_silent_within_a_call_is_silent() -> None:
    async with asked(streams(called(entry(0, "a", "look", "{")), then="hang")) as (_, client):
        with pytest.raises(ModelSilent):
            await collected(client, call(idle_timeout_s=0.2))


async def test_a_model_that_calls_slowly_is_not_silent() -> None:
    async def script(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for part in (called(entry(0, "a", "look", "")), *(called(entry(0, arguments=one)) for one in NORTH), END, DONE):
            await response.write(part.encode())
            await asyncio.sleep(0.05)
        return response

    async with asked(script) as (_, client):
        pieces = await collected(client, call(first_token_timeout_s=0.5, idle_timeout_s=0.5))

    assert [arguments_of(one) for one in pieces[-1].calls] == [{"at": "north"}]


@pytest.mark.parametrize("parts", [*TOOL_CALLS.values(), ONE["groq, whole"]])
@pytest.mark.parametrize("more", [{"functions": ()}, {"function_choice": "none"}])
async def test_a_call_that_nobody_asked_for_stays_an_error(parts: Sequence[str], more: dict[str, Any]) -> None:
    with pytest.raises(ToolCalled):
        await read(parts, **more)


# ---- what is sent

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
