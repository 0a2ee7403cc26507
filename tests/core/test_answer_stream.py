"""One answer over unreliable models: what waits, what is tried again, what falls back, and what the user hears at the end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from openclaw_core.errors import (
    AnswerFiltered,
    ChatRefused,
    ChatUnauthorized,
    ChatUnavailable,
    EmptyAnswer,
    ModelGone,
    ModelSilent,
    OpenClawError,
    RateLimited,
    RequestTooLarge,
    StreamCut,
    ToolCalled,
)
from openclaw_core.models.answer_stream import AnswerComplete, AnswerFailed, AnswerRestarted, AnswerStream, TextAdded
from openclaw_core.models.fallback import FallbackAction, decide_fallback
from openclaw_core.ports import Message, ModelCall, Piece, Usage
from openclaw_core.tasks.outcome import Cause


@dataclass
class Models:
    """A chat server by script: for each call the pieces it says, then an error or the end."""

    script: list[list[str | Piece | OpenClawError]]
    asked: list[tuple[str, int]] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    clock: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        self.asked.append((call.model, call.max_tokens))
        self.calls.append(call)
        for step in self.script.pop(0) if self.script else [ChatUnavailable()]:
            if isinstance(step, OpenClawError):
                raise step
            yield step if isinstance(step, Piece) else Piece(text=step)
        yield Piece(usage=Usage(prompt_tokens=5, answer_tokens=2))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds

    async def answer(self, *models: str, deadline_s: float = 100) -> list[object]:
        def make_call(model: str, shrink: int) -> ModelCall:
            return ModelCall(
                model=model, messages=(Message(role="user", content="?"),), max_tokens=1000 >> shrink, reasoning_effort="medium",
                tools=("browser_search",), first_token_timeout_s=60,
            )  # fmt: skip

        answerer = AnswerStream(
            chat=self, models=models or ("big", "small"), make_call=make_call, deadline_s=deadline_s,
            clock=lambda: self.clock, sleep=self.sleep, jitter=lambda: 0.5,
        )  # fmt: skip
        return [event async for event in answerer.run()]

    @property
    def names(self) -> list[str]:
        return [model for model, _ in self.asked]


async def test_answer_grows_and_ends_with_its_model_and_counts() -> None:
    models = Models([["Hel", "lo"]])

    assert await models.answer() == [
        TextAdded("Hel"),
        TextAdded("lo"),
        AnswerComplete(
            text="Hello", model="big", usage=Usage(prompt_tokens=5, answer_tokens=2), truncated=False, calls=1
        ),
    ]  # fmt: skip


async def test_rate_limit_waits_as_long_as_the_server_asks() -> None:
    models = Models([[RateLimited(retry_after_s=7)], ["ok"]])

    await models.answer()

    assert (models.names, models.slept) == (["big", "big"], [7])


async def test_rate_limit_without_a_wait_backs_off() -> None:
    models = Models([[RateLimited()], [RateLimited()], ["ok"]])

    await models.answer()

    assert (models.names, models.slept) == (["big"] * 3, [0.5, 1.0])


@pytest.mark.parametrize(("asked_s", "deadline_s"), [(61, 100), (20, 15)])
async def test_rate_limit_that_does_not_fit_asks_the_next_model_at_once(asked_s: float, deadline_s: float) -> None:
    models = Models([[RateLimited(retry_after_s=asked_s)], ["ok"]])

    await models.answer(deadline_s=deadline_s)

    assert (models.names, models.slept) == (["big", "small"], [])


async def test_request_that_is_too_large_shrinks_until_it_passes() -> None:
    models = Models([[RequestTooLarge()], [RequestTooLarge()], ["ok"]])

    await models.answer()

    assert models.asked == [("big", 1000), ("big", 500), ("big", 250)]


async def test_passing_fault_is_tried_once_more_then_the_next_model_answers() -> None:
    models = Models([[ChatUnavailable()], [ChatUnavailable()], ["ok"]])

    events = await models.answer()

    assert (models.names, models.slept) == (["big", "big", "small"], [0.5])
    assert AnswerRestarted() not in events  # nothing was shown that had to go


async def test_what_proved_to_be_a_thought_is_withdrawn() -> None:
    models = Models([["Plan", Piece(text="Four", restarted=True), "."]])

    events = await models.answer()

    assert events[:-1] == [TextAdded("Plan"), AnswerRestarted(), TextAdded("Four"), TextAdded(".")]
    assert isinstance(events[-1], AnswerComplete)
    assert (events[-1].text, events[-1].calls) == ("Four.", 1)


async def test_thoughts_without_an_answer_are_followed_by_calls_with_little_thought_and_few_of_them() -> None:
    models = Models([[EmptyAnswer()] for _ in range(9)])

    events = await models.answer("big", "small", "other")

    assert events == [AnswerFailed(cause=Cause.EMPTY_ANSWER, calls=3)]
    assert [(call.model, call.reasoning_effort) for call in models.calls] == [
        ("big", "medium"), ("big", "none"), ("small", "none"),
    ]  # fmt: skip
    assert models.slept == []


async def test_one_model_that_only_thinks_is_asked_twice() -> None:
    models = Models([[EmptyAnswer()] for _ in range(9)])

    assert await models.answer("big") == [AnswerFailed(cause=Cause.EMPTY_ANSWER, calls=2)]


async def test_call_of_a_tool_is_no_answer_and_the_next_calls_have_no_tools() -> None:
    models = Models([["Let me look.", ToolCalled()], ["Four."]])

    events = await models.answer()

    assert events[:3] == [TextAdded("Let me look."), AnswerRestarted(), TextAdded("Four.")]
    assert [(call.model, call.tools) for call in models.calls] == [("big", ("browser_search",)), ("big", ())]


async def test_model_that_calls_tools_again_is_left_for_the_next() -> None:
    models = Models([[ToolCalled()], [ToolCalled()], ["ok"]])

    await models.answer()

    assert models.names == ["big", "big", "small"]
    assert models.calls[-1].tools == ()


async def test_filtered_answer_is_asked_of_another_model() -> None:
    models = Models([["I can", AnswerFiltered()], ["ok"]])

    events = await models.answer()

    assert models.names == ["big", "small"]
    assert events[1] == AnswerRestarted()


async def test_silent_model_is_left_for_the_next_and_all_silence_together_is_bounded() -> None:
    """Each model says its first words and no more."""
    models = Models([])
    waits: list[float] = []

    async def stream(call: ModelCall) -> AsyncIterator[Piece]:
        models.calls.append(call)
        yield Piece(text="Begin of it,")
        waits.append(call.idle_timeout_s)
        raise ModelSilent(silent_s=call.idle_timeout_s)

    models.stream = stream  # type: ignore[method-assign]
    events = await models.answer("big", "small", "other", "more")

    assert events[-1] == AnswerFailed(cause=Cause.MODEL_DOWN, calls=len(waits))
    assert [call.model for call in models.calls][:4] == ["big", "small", "other", "more"]
    assert sum(waits) <= 60
    assert events[-2] == AnswerRestarted()


@pytest.mark.parametrize("names", [["big"], ["big", "small"], ["big", "small", "other"]])
async def test_models_that_never_say_a_word_fail_within_the_bound(names: list[str]) -> None:
    models = Models([])
    waits: list[float] = []

    async def stream(call: ModelCall) -> AsyncIterator[Piece]:
        waits.append(call.first_token_timeout_s)
        if waits:
            raise ModelSilent(silent_s=call.first_token_timeout_s)
        yield Piece()

    models.stream = stream  # type: ignore[method-assign]
    events = await models.answer(*names)

    assert events == [AnswerFailed(cause=Cause.MODEL_DOWN, calls=len(waits))]
    assert sum(waits) == 60
    assert len(waits) == len(names)
    assert waits[0] == (30 if len(names) > 1 else 60)


async def test_last_model_that_fell_silent_once_is_asked_again() -> None:
    models = Models([["Half", ModelSilent(silent_s=20)], ["Whole"]])

    events = await models.answer("big")

    assert models.names == ["big", "big"]
    assert events[-2:-1] == [TextAdded("Whole")]


async def test_stream_cut_short_begins_anew_and_says_so() -> None:
    models = Models([["Half a", StreamCut()], ["Whole"]])

    events = await models.answer()

    assert events[:3] == [TextAdded("Half a"), AnswerRestarted(), TextAdded("Whole")]
    assert isinstance(events[3], AnswerComplete)
    assert (events[3].text, events[3].calls) == ("Whole", 2)


@pytest.mark.parametrize("error", [ModelGone(), ChatRefused()])
async def test_model_that_is_gone_or_refuses_is_not_asked_twice(error: OpenClawError) -> None:
    models = Models([[error], ["ok"]])

    await models.answer()

    assert (models.names, models.slept) == (["big", "small"], [])


async def test_wrong_key_ends_it_at_once() -> None:
    models = Models([[ChatUnauthorized()]])

    assert await models.answer() == [AnswerFailed(cause=Cause.MODEL_KEY, calls=1)]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RateLimited(retry_after_s=500), Cause.MODEL_BUSY),
        (RateLimited(), Cause.MODEL_BUSY),
        (ChatUnavailable(), Cause.MODEL_DOWN),
        (StreamCut(), Cause.MODEL_DOWN),
        (EmptyAnswer(), Cause.EMPTY_ANSWER),
        (ToolCalled(), Cause.EMPTY_ANSWER),
        (AnswerFiltered(), Cause.REFUSED),
        (ModelSilent(silent_s=20), Cause.MODEL_DOWN),
        (ModelGone(), Cause.MODEL_GONE),
        (RequestTooLarge(), Cause.TOO_LONG),
        (ChatRefused(), Cause.REFUSED),
    ],
)
async def test_when_nothing_helps_the_cause_is_told(error: OpenClawError, cause: Cause) -> None:
    models = Models([[error] for _ in range(20)])

    events = await models.answer()

    assert isinstance(events[-1], AnswerFailed)
    assert events[-1].cause is cause
    assert events[-1].calls <= 6


async def test_busy_model_is_told_although_the_last_one_was_gone() -> None:
    models = Models([[RateLimited(retry_after_s=500)], [ModelGone()]])

    assert await models.answer() == [AnswerFailed(cause=Cause.MODEL_BUSY, calls=2)]


async def test_busy_model_is_told_although_the_last_ones_only_thought() -> None:
    models = Models([[RateLimited(retry_after_s=500)], [EmptyAnswer()], [EmptyAnswer()], [EmptyAnswer()]])

    assert (await models.answer("big", "small", "other"))[-1] == AnswerFailed(cause=Cause.MODEL_BUSY, calls=4)


async def test_calls_are_bounded_however_many_models_there_are() -> None:
    models = Models([])

    await models.answer(*(f"m{i}" for i in range(20)))

    assert len(models.asked) == 6


async def test_last_text_is_withdrawn_before_the_failure() -> None:
    models = Models([["x", StreamCut()] for _ in range(6)])

    events = await models.answer()

    assert events[-2] == AnswerRestarted()


def test_no_wait_outlives_the_deadline() -> None:
    for error in (RateLimited(), RateLimited(retry_after_s=3), ChatUnavailable(), StreamCut()):
        for left_s in (0.1, 1.0, 5.0):
            for tries in (1, 2, 3):
                decision = decide_fallback(error, tries=tries, shrink=0, left_s=left_s, jitter=1.0)
                assert decision.wait_s < left_s
                assert decision.action in (FallbackAction.RETRY, FallbackAction.NEXT_MODEL)
