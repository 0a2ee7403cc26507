"""Calls of function tools that are broken, cut or without an end: what is said of them, and that they can be sent back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw_core.models.function_calls import (
    ARGUMENTS_MAX_CHARS,
    CALLS_MAX,
    CallReader,
    told,
)
from openclaw_core.ports import FUNCTION_NAME, CallFault, Message
from tests.core.call_recordings import END, NORTH, SHIP, called, entry
from tests.core.function_tools import ASKED, asked, body_of, call, calls_in, loose, read
from tests.core.groq_server import collected, streams
from tests.core.model_recordings import event


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
