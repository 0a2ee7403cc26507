"""The scripted model through the real groq client: pace, repeatable answers, random routing, and each fault."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import groq
import httpx
import pytest
from groq import AsyncGroq

from openclaw_standin.model import ScriptedModel
from openclaw_standin.model.faults import FAULT_KINDS, THOUGHT
from openclaw_standin.model.script import answer_for, matching

MODEL = "openai/gpt-oss-120b"
ROLES = ["researcher", "coder", "summarizer"]
ROUTING: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "route",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"role": {"type": "string", "enum": ROLES}},
            "required": ["role"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel.open(first_token_s=0.02, tokens_per_s=2000, tokens=40) as opened:
        yield opened


@pytest.fixture
async def client(model: ScriptedModel) -> AsyncIterator[AsyncGroq]:
    async with AsyncGroq(api_key="any", base_url=model.url, max_retries=0, timeout=2.0) as opened:
        yield opened


async def streamed(client: AsyncGroq, text: str = "hello", *, model: str = MODEL) -> tuple[str, Any]:
    said, last = "", None
    stream = await client.chat.completions.create(
        model=model,
        messages=[{"role": "system", "content": "be brief"}, {"role": "user", "content": text}],
        stream=True,
    )
    async for chunk in stream:
        said += chunk.choices[0].delta.content or ""
        last = chunk
    return said, last


async def asked(client: AsyncGroq, **more: Any) -> str:
    done = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}], **more)
    return done.choices[0].message.content or ""


async def test_a_streamed_answer_is_the_one_that_was_foretold_and_ends_with_its_usage(
    model: ScriptedModel, client: AsyncGroq
) -> None:
    said, last = await streamed(client, "hello")

    assert said == answer_for("hello", system_prompt="be brief", tokens=40)
    assert last.choices[0].finish_reason == "stop"
    assert last.x_groq.usage.completion_tokens == 40
    assert (model.calls[0].outcome, model.calls[0].tokens) == ("ok", 40)


async def test_answers_tell_messages_apart_and_follow_their_language(client: AsyncGroq) -> None:
    english, again, other, hebrew = [(await streamed(client, text))[0] for text in ("one", "one", "two", "מה שלומך?")]

    assert english == again != other
    assert hebrew.startswith("תשובה")


async def test_the_pace_is_kept() -> None:
    async with (
        ScriptedModel.open(first_token_s=0.2, tokens_per_s=100, tokens=30) as model,
        AsyncGroq(api_key="any", base_url=model.url) as client,
    ):
        await streamed(client)
        call = model.calls[0]

    assert call.first_s is not None
    assert call.end_s is not None
    # Never early; how late a busy machine is, is no matter of ours.
    assert 0.2 <= call.first_s - call.start_s < 20
    assert 0.45 <= call.end_s - call.start_s < 20


async def test_a_token_limit_cuts_the_answer_and_says_so(client: AsyncGroq) -> None:
    done = await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hello"}], max_completion_tokens=5
    )

    assert (done.choices[0].finish_reason, done.usage and done.usage.completion_tokens) == ("length", 5)


async def test_routing_is_random_among_the_roles_of_the_schema(model: ScriptedModel, client: AsyncGroq) -> None:
    picked = [json.loads(await asked(client, response_format=ROUTING)) for _ in range(30)]

    assert {answer["role"] for answer in picked} == set(ROLES)
    assert all(set(answer) == {"role"} for answer in picked)
    assert {call.kind for call in model.calls} == {"json"}


def test_a_schema_of_routing_gets_a_value_that_fits() -> None:
    import random

    parts = {"n": {"enum": [3]}, "x": {"type": "string"}, "o": {"type": "object"}}

    assert matching({"type": "object", "properties": parts}, random.Random(1)) == {"n": 3, "x": "scripted", "o": {}}


async def test_models_are_listed_and_others_are_gone(model: ScriptedModel, client: AsyncGroq) -> None:
    listed = {item.id for item in (await client.models.list()).data}

    assert MODEL in listed
    with pytest.raises(groq.NotFoundError):
        await streamed(client, model="llama-3.3-70b-versatile")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("unauthorized", 401),
        ("model_gone", 404),
        ("bad_request", 400),
        ("bad_parameter", 400),
        ("too_large", 413),
        ("rate_limited", 429),
        ("capacity", 498),
        ("server_error", 500),
        ("unavailable", 503),
    ],
)
async def test_an_ordered_error_comes_once_with_its_status(
    model: ScriptedModel, client: AsyncGroq, kind: Any, status: int
) -> None:
    model.faults.next(kind)

    with pytest.raises(groq.APIStatusError) as error:
        await streamed(client)

    assert error.value.status_code == status
    assert (await streamed(client))[0]


@pytest.mark.parametrize(("asks", "header"), [(None, None), (7, "7"), (0.5, "0.5")])
async def test_a_rate_limit_says_how_long_to_wait_only_if_told_to(
    model: ScriptedModel, client: AsyncGroq, asks: float | None, header: str | None
) -> None:
    model.faults.next("rate_limited", retry_after_s=asks)

    with pytest.raises(groq.RateLimitError) as error:
        await streamed(client)

    assert error.value.response.headers.get("retry-after") == header


async def test_a_fault_can_be_for_one_model_or_one_kind_of_call(model: ScriptedModel, client: AsyncGroq) -> None:
    model.faults.next("capacity", model="openai/gpt-oss-20b", times=None)
    model.faults.next("server_error", only="json")

    assert (await streamed(client))[0]
    with pytest.raises(groq.APIStatusError):
        await streamed(client, model="openai/gpt-oss-20b")
    with pytest.raises(groq.InternalServerError):
        await asked(client, response_format=ROUTING)
    model.faults.clear()
    assert (await streamed(client, model="openai/gpt-oss-20b"))[0]


@pytest.mark.parametrize("kind", ["hang", "hang_mid"])
async def test_a_model_that_falls_silent_is_noticed_by_the_callers_timeout(model: ScriptedModel, kind: Any) -> None:
    model.faults.next(kind)

    async with AsyncGroq(api_key="any", base_url=model.url, max_retries=0, timeout=0.3) as client:
        with pytest.raises((groq.APITimeoutError, httpx.ReadTimeout)):
            await streamed(client)


async def test_a_stream_that_is_cut_ends_in_an_error_after_its_first_words(
    model: ScriptedModel, client: AsyncGroq
) -> None:
    model.faults.next("cut", after_tokens=3)

    with pytest.raises(httpx.RemoteProtocolError):
        await streamed(client)

    assert model.calls[0].tokens == 3


async def test_an_error_in_mid_stream_is_an_api_error(model: ScriptedModel, client: AsyncGroq) -> None:
    model.faults.next("error_event", after_tokens=3)

    with pytest.raises(groq.APIError, match="the model failed"):
        await streamed(client)


async def test_empty_and_garbled_answers(model: ScriptedModel, client: AsyncGroq) -> None:
    model.faults.next("empty")
    assert (await streamed(client))[0] == ""

    model.faults.next("bad_json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(await asked(client, response_format=ROUTING))

    model.faults.next("garbage")
    with pytest.raises((groq.APIError, json.JSONDecodeError)):
        await asked(client)
    model.faults.next("garbage")
    with pytest.raises((groq.APIError, json.JSONDecodeError)):
        await streamed(client)


async def test_every_kind_of_fault_is_tried_here() -> None:
    tried = "unauthorized model_gone bad_request bad_parameter too_large rate_limited capacity server_error unavailable hang hang_mid"

    and_here = "cut error_event empty garbage bad_json thoughts thoughts_unopened thoughts_in_channels thoughts_alone tool_call"
    assert set(FAULT_KINDS) == {*tried.split(), *and_here.split(), "filtered"}


@pytest.mark.parametrize("kind", ["thoughts", "thoughts_unopened", "thoughts_in_channels"])
async def test_a_model_may_think_in_its_text(model: ScriptedModel, client: AsyncGroq, kind: str) -> None:
    model.faults.next(kind)
    said, last = await streamed(client)

    answer = answer_for("hello", system_prompt="be brief", tokens=40)
    assert THOUGHT in said.partition(answer)[0]
    assert last.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("kind", "said", "finish"),
    [
        ("thoughts_alone", "", "length"),
        ("tool_call", "Let me look.", "tool_calls"),
        ("filtered", "Let me look.", "content_filter"),
    ],
)
async def test_an_answer_may_end_as_none(
    model: ScriptedModel, client: AsyncGroq, kind: str, said: str, finish: str
) -> None:
    model.faults.next(kind)
    got, last = await streamed(client)

    assert (got, last.choices[0].finish_reason) == (said, finish)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("openai/gpt-oss-20b", {"reasoning_effort": "none"}),
        ("openai/gpt-oss-20b", {"reasoning_format": "hidden"}),
        ("qwen/qwen3.8-27b", {"reasoning_format": "hidden", "include_reasoning": False}),
        ("qwen/qwen3.8-27b", {"tools": [{"type": "browser_search"}]}),
        ("whisper-large-v3", {}),
    ],
)
async def test_parameters_of_another_model_are_refused(client: AsyncGroq, name: str, more: dict[str, Any]) -> None:
    with pytest.raises(groq.BadRequestError):
        await client.chat.completions.create(model=name, messages=[{"role": "user", "content": "hi"}], **more)


async def test_a_model_that_was_retired_is_listed_no_more_and_answers_nobody(
    model: ScriptedModel, client: AsyncGroq
) -> None:
    left = [name for name in model.models if name != MODEL]
    model.models.remove(MODEL)

    assert [entry.id for entry in (await client.models.list()).data] == left
    with pytest.raises(groq.NotFoundError):
        await streamed(client)


async def test_a_caller_that_hangs_up_is_recorded_as_such(model: ScriptedModel, client: AsyncGroq) -> None:
    model.faults.next("hang_mid", hold_s=30)
    asking = asyncio.create_task(streamed(client))
    while not model.calls or not model.calls[0].tokens:
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    async with asyncio.timeout(20):
        while model.calls[0].end_s is None:
            await asyncio.sleep(0.01)


async def test_a_key_is_needed_and_checked_if_given() -> None:
    async with (
        ScriptedModel.open(api_key="right") as model,
        AsyncGroq(api_key="wrong", base_url=model.url, max_retries=0) as client,
    ):
        with pytest.raises(groq.AuthenticationError):
            await client.models.list()


async def test_a_fault_for_a_prompt_meets_the_calls_that_have_it_and_no_other(
    model: ScriptedModel, client: AsyncGroq
) -> None:
    model.faults.next("unauthorized", times=None, prompt="be brief")
    with pytest.raises(groq.AuthenticationError):
        await streamed(client)
    assert await asked(client)
