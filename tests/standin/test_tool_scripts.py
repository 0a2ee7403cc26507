"""The scripted model calls functions from scripts: the same conversation gets the same turn, and what does not fit is said."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from groq import AsyncGroq

from openclaw_standin.model import ScriptedModel
from openclaw_standin.model.tool_scripts import MANNERS, ToolScript

MODEL = "openai/gpt-oss-120b"
TOOLS: Any = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("look", "find")
]  # fmt: skip
USER = {"role": "user", "content": "Where is the lighthouse?"}
LOOK = {"name": "look", "arguments": {"at": "north"}}


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel.open(first_token_s=0.0, tokens_per_s=4000, tokens=10, chunk_s=0.001) as opened:
        yield opened


@pytest.fixture
async def http(model: ScriptedModel) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=model.url, headers={"authorization": "Bearer any"}) as opened:
        yield opened


async def asked(http: httpx.AsyncClient, *messages: Any, **more: Any) -> httpx.Response:
    params = {"model": MODEL, "messages": [USER, *messages], "tools": TOOLS} | more
    return await http.post(
        "/openai/v1/chat/completions", json={name: value for name, value in params.items() if value is not None}
    )


def message_of(reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    message: dict[str, Any] = reply.json()["choices"][0]["message"]
    return message


def results(message: dict[str, Any], content: str = "fog") -> list[dict[str, Any]]:
    return [{"role": "tool", "tool_call_id": one["id"], "content": content} for one in message["tool_calls"]]


async def test_turns_are_played_in_order_and_again_for_the_same_conversation(
    model: ScriptedModel, http: httpx.AsyncClient
) -> None:
    model.scripts.add({"turns": [{"text": "I look.", "calls": [LOOK, {"name": "find"}]}, {"text": "Here."}]})

    first = message_of(await asked(http))
    again = message_of(await asked(http))
    last = message_of(await asked(http, first, *results(first)))

    assert (first["content"], [one["function"]["name"] for one in first["tool_calls"]]) == ("I look.", ["look", "find"])
    assert first["tool_calls"][0]["function"]["arguments"] == '{"at": "north"}'
    assert [one["function"] for one in again["tool_calls"]] == [one["function"] for one in first["tool_calls"]]
    assert (last["content"], "tool_calls" in last) == ("Here.", False)


async def test_the_real_sdk_reads_what_is_streamed(model: ScriptedModel) -> None:
    model.scripts.add({"turns": [{"text": "I look.", "calls": [LOOK]}]})
    said, names, arguments, reasons = "", [], "", []
    async with AsyncGroq(api_key="any", base_url=model.url, max_retries=0) as client:
        messages: Any = [USER]
        stream = await client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS, stream=True)
        async for chunk in stream:
            said += chunk.choices[0].delta.content or ""
            for one in chunk.choices[0].delta.tool_calls or ():
                assert one.function is not None
                names += [one.function.name] if one.function.name else []
                arguments += one.function.arguments or ""
            reasons += [chunk.choices[0].finish_reason] if chunk.choices[0].finish_reason else []

    assert (said, names, arguments, reasons) == ("I look.", ["look"], '{"at": "north"}', ["tool_calls"])


async def test_a_conversation_against_the_rules_is_refused_before_any_turn(
    model: ScriptedModel, http: httpx.AsyncClient
) -> None:
    model.scripts.add({"turns": [{"calls": [LOOK]}, {"text": "Here."}]})
    model.faults.next("rate_limited")
    orphan = {"role": "tool", "tool_call_id": "c1", "content": "fog"}

    refused = await asked(http, orphan)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
    assert (model.calls[-1].outcome, model.calls[-1].refusal[:17]) == ("refused", "Invalid parameter")
    assert (await asked(http)).status_code == 429


async def test_faults_and_refusals_are_met_as_often_as_the_script_says(
    model: ScriptedModel, http: httpx.AsyncClient
) -> None:
    model.scripts.add(
        {
            "turns": [
                {"status": 503, "message": "busy", "code": "x", "retry_after_s": 2, "times": 2},
                {"calls": [LOOK]},
                {"fault": "rate_limited", "retry_after_s": 1},
                {"text": "Here."},
            ]
        }
    )

    replies = [await asked(http) for _ in range(4)]
    first = message_of(replies[2])
    after = [await asked(http, first, *results(first)) for _ in range(2)]

    assert [reply.status_code for reply in replies] == [503, 503, 200, 200]
    assert (replies[0].json()["error"]["message"], replies[0].headers["retry-after"]) == ("busy", "2")
    assert [reply.status_code for reply in after] == [429, 200]


async def test_what_a_result_says_can_be_used_in_the_next_turn(model: ScriptedModel, http: httpx.AsyncClient) -> None:
    open_it = {"name": "find", "arguments": {"urls": ["{{url}}"]}}
    model.scripts.add(
        {"turns": [{"calls": [LOOK]}, {"take": {"url": r"at (http://\S+)"}, "text": "{{url}}!", "calls": [open_it]}]}
    )
    first = message_of(await asked(http))

    second = message_of(await asked(http, first, *results(first, "see at http://127.0.0.1:5/a now")))
    missing = await asked(http, first, *results(first, "nothing"))

    assert second["content"] == "http://127.0.0.1:5/a!"
    assert second["tool_calls"][0]["function"]["arguments"] == '{"urls": ["http://127.0.0.1:5/a"]}'
    assert (missing.status_code, model.calls[-1].refusal) == (500, "no result has what the script takes as url")


async def test_a_conversation_that_goes_on_after_the_script_is_an_error(
    model: ScriptedModel, http: httpx.AsyncClient
) -> None:
    model.scripts.add({"turns": [{"calls": [LOOK]}]})
    first = message_of(await asked(http))

    reply = await asked(http, first, *results(first))

    assert (reply.status_code, model.calls[-1].outcome) == (500, "script")
    assert model.calls[-1].refusal == "the script has 1 turns, and this is number 2"


async def test_a_model_may_never_stop_calling_unless_it_may_not_call(
    model: ScriptedModel, http: httpx.AsyncClient
) -> None:
    model.scripts.add({"turns": [{"calls": [LOOK]}], "repeat_last": True, "closing": "Enough."})
    history: list[Any] = []
    for _ in range(3):
        said = message_of(await asked(http, *history))
        history += [said, *results(said)]

    none, without = [
        message_of(await asked(http, *history, **more)) for more in ({"tool_choice": "none"}, {"tools": None})
    ]

    assert len({one["tool_calls"][0]["id"] for one in history if "tool_calls" in one}) == 3
    assert (none["content"], without["content"]) == ("Enough.", "Enough.")
    assert "tool_calls" not in none


async def test_a_script_is_for_its_model_and_its_conversation(model: ScriptedModel, http: httpx.AsyncClient) -> None:
    model.scripts.add({"when": "harbour", "turns": [{"text": "Harbour."}]})
    model.scripts.add({"model": "openai/gpt-oss-20b", "turns": [{"text": "Small."}]})
    model.scripts.add({"when": "lighthouse", "turns": [{"text": "Lighthouse."}]})

    said = [
        message_of(await asked(http, **more))["content"]
        for more in ({}, {"model": "openai/gpt-oss-20b"}, {"messages": [{"role": "user", "content": "Why?"}]})
    ]

    assert said[:2] == ["Lighthouse.", "Small."]
    assert said[2].startswith("Answer ")


async def test_routing_is_not_scripted(model: ScriptedModel, http: httpx.AsyncClient) -> None:
    model.scripts.add({"turns": [{"text": "Here."}]})
    schema = {"type": "object", "properties": {"role": {"type": "string", "enum": ["coder"]}}, "required": ["role"]}
    form = {"type": "json_schema", "json_schema": {"name": "route", "schema": schema}}

    assert message_of(await asked(http, tools=None, response_format=form))["content"] == '{"role": "coder"}'


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"turns": [{"txt": "Here."}]}, "argument 'txt'"),
        ({"turns": [{"calls": [{"nme": "look"}]}]}, "argument 'nme'"),
        ({"turns": [{"text": "x", "manner": "odd"}]}, "unknown manner"),
        ({"turns": [{"fault": "odd"}]}, "unknown kind of fault"),
        ({"turns": [{"fault": "cut"}]}, "at least one turn that is no fault"),
    ],
)
def test_a_script_that_is_wrong_says_what_is_wrong(data: dict[str, Any], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        ToolScript.of(data)


def test_each_manner_is_played_through_our_client_elsewhere() -> None:
    from tests.core.test_function_turns_served import PLAYED

    assert set(PLAYED) == set(MANNERS)
