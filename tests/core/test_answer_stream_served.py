"""The same, through the real SDK and the scripted server: whatever one call meets, the user gets a whole answer."""

from collections.abc import AsyncIterator

import pytest

from openclaw_core.models.answer_stream import (
    AnswerComplete,
    AnswerFailed,
    AnswerRestarted,
    AnswerStream,
    Event,
    TextAdded,
)
from openclaw_core.ports import Message, ModelCall
from openclaw_core.tasks.outcome import Cause
from openclaw_standin.model import ScriptedModel
from tests.core.groq_server import open_groq

BIG, SMALL = "openai/gpt-oss-120b", "openai/gpt-oss-20b"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel.open(first_token_s=0.0, tokens_per_s=4000, tokens=30, chunk_s=0.001) as opened:
        yield opened


async def answered(server: ScriptedModel, *, silence_s: float = 10) -> tuple[list[Event], list[float]]:
    """The events of one answer, and the waits that it would have made."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def make_call(model: str, shrink: int) -> ModelCall:
        return ModelCall(
            model=model, messages=(Message(role="user", content="Why is the sky blue?"),), max_tokens=500 >> shrink,
            first_token_timeout_s=silence_s, idle_timeout_s=silence_s,
        )  # fmt: skip

    async with open_groq("key", server.url) as chat:
        answerer = AnswerStream(chat=chat, models=(BIG, SMALL), make_call=make_call, deadline_s=60, sleep=sleep)
        return [event async for event in answerer.run()], waits


def shown(events: list[Event]) -> str:
    """What stands in the message at the end, if each restart overwrites it."""
    text = ""
    for event in events:
        if isinstance(event, TextAdded):
            text += event.text
        elif isinstance(event, AnswerRestarted):
            text = ""
    return text


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("too_large", BIG),
        ("bad_request", BIG),
        ("rate_limited", BIG),
        ("capacity", BIG),
        ("server_error", BIG),
        ("unavailable", BIG),
        ("hang", SMALL),
        ("hang_mid", SMALL),
        ("cut", BIG),
        ("error_event", BIG),
        ("empty", BIG),
        ("garbage", BIG),
        ("model_gone", SMALL),
        ("thoughts_alone", BIG),
        ("tool_call", BIG),
        ("filtered", SMALL),
    ],
)
async def test_one_fault_is_overcome_and_the_shown_text_is_the_whole_answer(
    server: ScriptedModel, kind: str, model: str
) -> None:
    server.faults.next(kind)

    events, _ = await answered(server, silence_s=2 if kind.startswith("hang") else 10)

    last = events[-1]
    assert isinstance(last, AnswerComplete)
    assert (last.model, last.calls) == (model, 2)
    assert shown(events) == last.text
    assert last.usage.counted


@pytest.mark.parametrize("kind", ["thoughts", "thoughts_unopened", "thoughts_in_channels"])
async def test_a_model_that_thinks_in_its_text_is_answered_with_what_it_says(server: ScriptedModel, kind: str) -> None:
    plain, _ = await answered(server)
    server.faults.next(kind)

    events, _ = await answered(server)

    assert isinstance(plain[-1], AnswerComplete)
    assert isinstance(events[-1], AnswerComplete)
    assert (events[-1].text, events[-1].calls) == (plain[-1].text, 1)
    assert shown(events) == plain[-1].text
    assert not any("secret" in event.text for event in events if isinstance(event, TextAdded))


@pytest.mark.parametrize("kind", ["hang_mid", "cut", "error_event"])
async def test_text_of_a_broken_stream_is_withdrawn(server: ScriptedModel, kind: str) -> None:
    server.faults.next(kind)

    events, _ = await answered(server, silence_s=2 if kind.startswith("hang") else 10)

    assert events.count(AnswerRestarted()) == 1


async def test_wait_that_a_rate_limit_asks_for_is_kept(server: ScriptedModel) -> None:
    server.faults.next("rate_limited", retry_after_s=9)

    assert (await answered(server))[1] == [9.0]


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("unauthorized", Cause.MODEL_KEY),
        ("model_gone", Cause.MODEL_GONE),
        ("too_large", Cause.TOO_LONG),
        ("rate_limited", Cause.MODEL_BUSY),
        ("capacity", Cause.MODEL_DOWN),
        ("cut", Cause.MODEL_DOWN),
        ("empty", Cause.EMPTY_ANSWER),
        ("thoughts_alone", Cause.EMPTY_ANSWER),
        ("tool_call", Cause.EMPTY_ANSWER),
        ("filtered", Cause.REFUSED),
    ],
)
async def test_lasting_fault_ends_with_its_cause_and_nothing_shown(
    server: ScriptedModel, kind: str, cause: Cause
) -> None:
    server.faults.next(kind, times=None)

    events, _ = await answered(server)

    last = events[-1]
    assert isinstance(last, AnswerFailed)
    assert last.cause is cause
    assert shown(events) == ""
