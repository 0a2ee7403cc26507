"""Calls of function tools as servers stream them: how they are read."""

import asyncio
import json
from collections.abc import Sequence
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
)
from openclaw_core.models.function_calls import (
    CallReader,
    arguments_of,
    told,
)
from openclaw_core.ports import FunctionCall, Message
from tests.core.call_recordings import END, NORTH, ONE, TWO, called, entry
from tests.core.function_tools import ASKED, asked, call, calls_in, loose, read
from tests.core.groq_server import collected, streams
from tests.core.model_recordings import DONE, STREAMS, TOOL_CALLS, event


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


@pytest.mark.parametrize("arguments", ["", "null", "  ", None])
async def test_a_call_without_arguments_has_none(arguments: str | None) -> None:
    [one] = await calls_in((called(entry(0, "a", "look", arguments)), END))

    assert (one.arguments, one.fault, told(one)) == ("{}", None, "")


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
            await asyncio.sleep(0.1)
        return response

    async with asked(script) as (_, client):
        pieces = await collected(client, call(first_token_timeout_s=1, idle_timeout_s=1))

    assert [arguments_of(one) for one in pieces[-1].calls] == [{"at": "north"}]


@pytest.mark.parametrize("parts", [*TOOL_CALLS.values(), ONE["groq, whole"]])
@pytest.mark.parametrize("more", [{"functions": ()}, {"function_choice": "none"}])
async def test_a_call_that_nobody_asked_for_stays_an_error(parts: Sequence[str], more: dict[str, Any]) -> None:
    with pytest.raises(ToolCalled):
        await read(parts, **more)
