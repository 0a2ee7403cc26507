"""Turns with functions through the real client and the scripted server, which takes no conversation against OpenAI's rules."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from openclaw_core.models.answer_stream import AnswerComplete, AnswerFailed, AnswerStream
from openclaw_core.models.client import ModelClient
from openclaw_core.models.function_calls import arguments_of, told
from openclaw_core.models.providers import GROQ, ModelServer
from openclaw_core.ports import CallFault, FunctionTool, Message, ModelCall
from openclaw_core.tasks.outcome import Cause
from openclaw_standin.model import ScriptedModel

BIG, SMALL = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
FUNCTIONS = tuple(
    FunctionTool(name=name, description=name, parameters={"type": "object", "properties": {}})
    for name in ("look", "find")
)
PLAYED = ("pieces", "whole", "object", "no_index", "no_id")
"""The manners in which the scripted model streams calls."""
LOOK = {"name": "look", "arguments": {"at": "north"}}
FIND = {"name": "find", "arguments": {"what": "אור"}}


@pytest.fixture
async def server() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel.open(first_token_s=0.0, tokens_per_s=4000, tokens=30, chunk_s=0.001) as opened:
        yield opened


async def played(server: ScriptedModel, *, most: int = 5) -> tuple[AnswerComplete | AnswerFailed, list[Message]]:
    """The last event of a conversation in which each call gets a result, and all its messages."""
    messages = [Message(role="user", content="Where is the lighthouse?")]

    def make_call(model: str, shrink: int) -> ModelCall:
        return ModelCall(model=model, messages=tuple(messages), max_tokens=500 >> shrink, functions=FUNCTIONS)

    async def no_sleep(_: float) -> None:
        pass

    async with ModelClient.at(ModelServer.of(GROQ, "key", server.url)) as chat:
        for _ in range(most):
            answerer = AnswerStream(chat=chat, models=(BIG, SMALL), make_call=make_call, deadline_s=60, sleep=no_sleep)
            events = [event async for event in answerer.run()]
            last = events[-1]
            assert isinstance(last, AnswerComplete | AnswerFailed)
            if isinstance(last, AnswerFailed) or not last.wanted:
                return last, messages
            messages.append(Message(role="assistant", content=last.text, calls=last.wanted))
            messages += [
                Message(
                    role="tool",
                    content=told(one, ("look", "find")) or f"{one.name}: {arguments_of(one)}",
                    call_id=one.id,
                )
                for one in last.wanted
            ]
    raise AssertionError("the model never answered")


@pytest.mark.parametrize("manner", PLAYED)
async def test_a_conversation_with_calls_is_taken_by_a_strict_server(server: ScriptedModel, manner: str) -> None:
    server.scripts.add(
        {"turns": [{"text": "I look.", "calls": [LOOK, FIND], "manner": manner}, {"calls": [LOOK]}, {"text": "Here."}]}
    )

    last, messages = await played(server)

    assert isinstance(last, AnswerComplete)
    assert last.text == "Here."
    assert [message.role for message in messages] == ["user", "assistant", "tool", "tool", "assistant", "tool"]
    assert messages[2].content == "look: {'at': 'north'}"
    assert messages[3].content == "find: {'what': 'אור'}"
    assert {call.outcome for call in server.calls} == {"ok"}


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ({"name": "look", "arguments": '{"at": '}, CallFault.NOT_JSON),
        ({"name": "look", "arguments": "[1]"}, CallFault.NOT_AN_OBJECT),
        ({"name": "sail away"}, CallFault.UNKNOWN_NAME),
        ({"name": "look", "id": ""}, None),
        ({"name": "look", "id": "x" * 100}, None),
    ],
)
async def test_a_broken_call_is_answered_and_the_model_goes_on(
    server: ScriptedModel, call: dict[str, Any], fault: CallFault | None
) -> None:
    server.scripts.add({"turns": [{"calls": [call, LOOK]}, {"text": "Here."}]})

    last, messages = await played(server)

    assert isinstance(last, AnswerComplete)
    assert [one.fault for one in messages[1].calls] == [fault, None]
    assert {one.outcome for one in server.calls} == {"ok"}


@pytest.mark.parametrize(
    ("step", "model"),
    [
        ({"status": 503}, BIG),
        ({"fault": "rate_limited", "retry_after_s": 1}, BIG),
        ({"fault": "hang_mid", "hold_s": 0.1}, BIG),
        ({"fault": "cut"}, BIG),
        ({"fault": "empty"}, BIG),
        ({"status": 404}, SMALL),
        ({"status": 400, "message": "llama3 does not support tools"}, SMALL),
        ({"status": 400, "message": "bad tool", "code": "tool_use_failed"}, BIG),
    ],
)
async def test_a_fault_between_two_turns_costs_a_call_and_no_turn(
    server: ScriptedModel, step: dict[str, Any], model: str
) -> None:
    server.scripts.add({"turns": [{"calls": [LOOK]}, step, {"text": "Here."}]})

    last, messages = await played(server)

    assert isinstance(last, AnswerComplete)
    assert (last.text, last.model, last.calls, last.without_functions) == ("Here.", model, 2, False)
    assert len(messages) == 3


async def test_a_server_that_takes_no_tools_gets_the_conversation_as_text(server: ScriptedModel) -> None:
    no_tools = {"status": 400, "message": "x does not support tools", "times": 2}
    server.scripts.add({"when": "lighthouse", "turns": [{"calls": [LOOK]}, no_tools, {"text": "Here."}]})

    last, _ = await played(server)

    assert isinstance(last, AnswerComplete)
    assert (last.text, last.calls, last.without_functions) == ("Here.", 3, True)
    assert [message["role"] for message in server.calls[-1].messages] == ["user", "assistant", "user"]
    assert server.calls[-1].messages[-1]["content"] == "[Result of look]\nlook: {'at': 'north'}"


async def test_a_model_that_refuses_everything_has_refused(server: ScriptedModel) -> None:
    server.scripts.add(
        {"turns": [{"status": 400, "message": "x does not support tools", "times": 99}, {"text": "Here."}]}
    )

    last, _ = await played(server)

    assert last == AnswerFailed(cause=Cause.REFUSED, calls=4)
