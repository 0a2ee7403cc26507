"""One turn of a model that may call functions, over unreliable models and such as take no tools."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from openclaw_core.errors import (
    ChatRefused,
    ChatUnavailable,
    OpenClawError,
    RateLimited,
    StreamCut,
    ToolCalled,
    ToolsRefused,
)
from openclaw_core.models.answer_stream import AnswerComplete, AnswerFailed, AnswerRestarted, AnswerStream, TextAdded
from openclaw_core.ports import FunctionCall, FunctionTool, Message, ModelCall, Piece, Usage
from openclaw_core.tasks.outcome import Cause

LOOK = FunctionTool(name="look", description="Look.", parameters={"type": "object", "properties": {}})
CALLED = FunctionCall(id="c1", name="look", arguments="{}")
HISTORY = (
    Message(role="user", content="?"),
    Message(role="assistant", content="", calls=(CALLED,)),
    Message(role="tool", content="fog", call_id="c1"),
)


@dataclass
class Models:
    """A chat server by script: for each call the pieces it says, then an error or the end."""

    script: list[list[str | Piece | OpenClawError]]
    calls: list[ModelCall] = field(default_factory=list)

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        self.calls.append(call)
        for step in self.script.pop(0):
            if isinstance(step, OpenClawError):
                raise step
            yield step if isinstance(step, Piece) else Piece(text=step)
        yield Piece(usage=Usage())

    async def turn(self, *models: str, choice: Literal["auto", "none"] = "auto", functions: bool = True) -> list[Any]:
        def make_call(model: str, shrink: int) -> ModelCall:
            return ModelCall(
                model=model, messages=HISTORY, max_tokens=1000 >> shrink, functions=(LOOK,) if functions else (), function_choice=choice,
            )  # fmt: skip

        async def no_sleep(_: float) -> None:
            pass

        answerer = AnswerStream(
            chat=self, models=models or ("big", "small"), make_call=make_call, deadline_s=100, sleep=no_sleep
        )
        return [event async for event in answerer.run()]

    @property
    def asked(self) -> list[tuple[str, bool]]:
        """Which models, and whether with functions."""
        return [(call.model, bool(call.functions)) for call in self.calls]


async def test_a_turn_ends_with_what_the_model_wants() -> None:
    events = await Models([["I look.", Piece(calls=(CALLED,))]]).turn()

    assert events[0] == TextAdded("I look.")
    assert isinstance(events[-1], AnswerComplete)
    assert (events[-1].text, events[-1].wanted, events[-1].without_functions) == ("I look.", (CALLED,), False)


async def test_a_call_whose_marks_were_text_withdraws_what_was_shown() -> None:
    events = await Models([["commentary to=functions.look json{}", Piece(restarted=True, calls=(CALLED,))]]).turn()

    assert AnswerRestarted() in events
    assert (events[-1].text, events[-1].wanted) == ("", (CALLED,))


async def test_calls_of_a_turn_that_broke_do_not_count() -> None:
    models = Models([["I look.", Piece(calls=(CALLED,)), StreamCut()], ["Here."]])
    events = await models.turn()

    assert (events[-1].text, events[-1].wanted, events[-1].calls) == ("Here.", (), 2)


async def test_one_policy_serves_turns_too() -> None:
    models = Models(
        [[RateLimited(retry_after_s=1)], [ChatUnavailable()], [ChatUnavailable()], [Piece(calls=(CALLED,))]]
    )
    events = await models.turn()

    assert models.asked == [("big", True)] * 2 + [("small", True)] * 2
    assert (events[-1].wanted, events[-1].model) == ((CALLED,), "small")


async def test_a_model_that_refuses_tools_leaves_the_turn_to_the_next_one() -> None:
    models = Models([[ToolsRefused()], [Piece(calls=(CALLED,))]])
    events = await models.turn()

    assert models.asked == [("big", True), ("small", True)]
    assert (events[-1].wanted, events[-1].without_functions) == ((CALLED,), False)


async def test_if_no_model_takes_tools_the_first_answers_without_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING")
    models = Models([[ToolsRefused()], [ToolsRefused()], ["From memory."]])
    events = await models.turn()

    assert models.asked == [("big", True), ("small", True), ("big", False)]
    assert (events[-1].text, events[-1].without_functions) == ("From memory.", True)
    assert [record.message for record in caplog.records].count("model.tools_refused") == 1
    assert {message.role for message in models.calls[-1].messages} == {"user", "assistant"}
    assert not any(message.calls for message in models.calls[-1].messages)


async def test_a_model_without_tools_is_better_than_one_that_is_down() -> None:
    models = Models([[ToolsRefused()], [ChatUnavailable()], [ChatUnavailable()], ["From memory."]])
    events = await models.turn()

    assert models.asked == [("big", True), ("small", True), ("small", True), ("big", False)]
    assert events[-1].without_functions


async def test_a_model_that_refuses_without_tools_too_has_refused() -> None:
    models = Models([[ToolsRefused()], [ToolsRefused()]])
    events = await models.turn("only")

    assert models.asked == [("only", True), ("only", False)]
    assert events == [AnswerFailed(cause=Cause.REFUSED, calls=2)]


async def test_another_refusal_says_nothing_of_tools() -> None:
    models = Models([[ChatRefused()], [ChatRefused()]])

    assert (await models.turn())[-1] == AnswerFailed(cause=Cause.REFUSED, calls=2)


async def test_a_call_in_an_answer_that_is_to_be_text_is_asked_for_once_more_without_functions() -> None:
    models = Models([[ToolCalled()], ["Here."]])
    events = await models.turn(choice="none")

    assert models.asked == [("big", True), ("big", False)]
    assert (events[-1].text, events[-1].without_functions) == ("Here.", False)


async def test_a_turn_without_functions_says_nothing_of_them() -> None:
    events = await Models([["Hello."]]).turn(functions=False)

    assert (events[-1].wanted, events[-1].without_functions) == ((), False)
