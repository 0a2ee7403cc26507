"""Functions and llama.cpp's own server: it calls if its template knows tools, and the demo model says that it takes none."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from openclaw_cli.up import child_processes as children
from openclaw_cli.up.builtin_model import MODEL_ID, builtin_model, cpu_flags
from openclaw_cli.up.local_redis import free_port
from openclaw_core.errors import OpenClawError, ToolsRefused
from openclaw_core.models.answer_stream import AnswerComplete, AnswerStream
from openclaw_core.models.client import ModelClient
from openclaw_core.models.function_calls import arguments_of
from openclaw_core.models.providers import LLAMA_CPP, VLLM, ModelServer
from openclaw_core.ports import FunctionCall, FunctionTool, Message, ModelCall

needs_cpu = pytest.mark.skipif(
    (cpu_flags() or frozenset({"avx2"})) & {"avx2"} == frozenset(), reason="the built-in model needs AVX2"
)
WEATHER = FunctionTool(
    name="get_weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
WITH_TOOLS = replace(LLAMA_CPP, families=())
"""llama.cpp with another model than the demo's: nothing is known of it."""


def asked_before(city: str) -> tuple[Message, ...]:
    """A question that was answered by a call. A model of this size calls only if it has seen how."""
    one = FunctionCall(id=f"call-{city}", name="get_weather", arguments=f'{{"city": "{city}"}}')
    return (
        Message(role="user", content=f"What is the weather in {city}?"),
        Message(role="assistant", content="", calls=(one,)),
        Message(role="tool", content="20 degrees", call_id=one.id),
        Message(role="assistant", content="20 degrees."),
    )


def call(**more: Any) -> ModelCall:
    question = Message(role="user", content="What is the weather in Paris?")
    given: dict[str, Any] = {"messages": (question,), "functions": (WEATHER,)} | more
    return ModelCall(
        model=MODEL_ID, max_tokens=60, temperature=0.0, first_token_timeout_s=90, idle_timeout_s=60, **given
    )


@pytest.fixture
async def calling() -> AsyncIterator[ModelServer]:
    port = free_port()
    program = [sys.executable, "-m", "tests.cli.calling_model", "--port", str(port)]
    process = await children.start(program, output=asyncio.subprocess.DEVNULL)
    server = ModelServer.of(WITH_TOOLS, "test", f"http://127.0.0.1:{port}")
    try:
        async with asyncio.timeout(90), ModelClient.at(server) as client:
            while True:
                assert process.returncode is None
                with contextlib.suppress(OpenClawError):
                    if MODEL_ID in await client.models():
                        break
                await asyncio.sleep(0.1)
        yield server
    finally:
        await children.stop(process)


@needs_cpu
async def test_a_real_llama_cpp_calls_and_takes_the_result(calling: ModelServer) -> None:
    before = (*asked_before("London"), *asked_before("Rome"), *asked_before("Oslo"))
    question = call().messages
    async with ModelClient.at(calling) as client:
        pieces = [
            piece async for piece in client.stream(call(messages=(*before, *question), function_choice="required"))
        ]
        [one] = pieces[-1].calls
        result = (
            Message(role="assistant", content="", calls=(one,)),
            Message(role="tool", content="20 degrees", call_id=one.id),
        )
        answer = [
            piece async for piece in client.stream(call(messages=(*before, *question, *result), function_choice="none"))
        ]

    assert (one.name, list(arguments_of(one)), one.fault) == ("get_weather", ["city"], None)
    assert "".join(piece.text for piece in pieces) == ""
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.counted
    assert "".join(piece.text for piece in answer).strip()
    assert answer[-1].calls == ()


@needs_cpu
async def test_the_demo_model_answers_without_tools_and_says_so() -> None:
    async with builtin_model() as served, ModelClient.at(ModelServer.of(LLAMA_CPP, served.key, served.url)) as client:
        with pytest.raises(ToolsRefused):
            await anext(client.stream(call()))
        answerer = AnswerStream(chat=client, models=(MODEL_ID,), make_call=lambda *_: call(), deadline_s=120)
        events = [event async for event in answerer.run()]
        # What it would be without that: the server leaves the tools out and says nothing.
        async with ModelClient.at(ModelServer.of(VLLM, served.key, served.url)) as unaware:
            unsaid = [piece async for piece in unaware.stream(call())]

    assert isinstance(events[-1], AnswerComplete)
    assert events[-1].text
    assert events[-1].without_functions
    assert unsaid[-1].calls == ()
