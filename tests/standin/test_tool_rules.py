"""A request with tools is refused as OpenAI's API refuses it: each call is answered once, by its id, before the next turn."""

from typing import Any

import pytest

from openclaw_standin.model.tool_rules import ORPHAN, UNANSWERED, functions_in, refusal_of

USER = {"role": "user", "content": "Where?"}
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {}}},
}


def call(id_: Any = "c1", name: Any = "look", arguments: Any = "{}", kind: Any = "function") -> dict[str, Any]:
    return {"id": id_, "type": kind, "function": {"name": name, "arguments": arguments}}


def asks(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)} | more


def result(id_: Any = "c1", content: Any = "fog") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id_, "content": content}


def why(*messages: Any, **more: Any) -> str:
    return refusal_of({"model": "m", "messages": list(messages)} | more)


@pytest.mark.parametrize(
    "messages",
    [
        [USER],
        [{"role": "system", "content": "Be brief."}, USER, {"role": "assistant", "content": "Here."}, USER],
        [USER, asks(call()), result()],
        [
            USER,
            asks(call(), call("c2"), content="I look."),
            result("c2"),
            result(),
            {"role": "assistant", "content": "Here."},
        ],
        [USER, asks(call()), result(), asks(call()), result()],  # an id may come again once it was answered
        [USER, asks(call()), result(content=[{"type": "text", "text": "fog"}])],
    ],
)
def test_a_conversation_by_the_rules_is_taken(messages: list[Any]) -> None:
    assert why(*messages) == ""
    assert why(*messages, tools=[TOOL], tool_choice="required") == ""


@pytest.mark.parametrize(
    ("messages", "begins"),
    [
        ([USER, result()], ORPHAN),
        ([USER, {"role": "assistant", "content": "Here."}, result()], ORPHAN),
        ([USER, asks(call()), result(), USER, result()], ORPHAN),
        ([USER, asks(call())], UNANSWERED + "c1"),
        ([USER, asks(call(), call("c2")), result()], UNANSWERED + "c2"),
        ([USER, asks(call()), USER], UNANSWERED + "c1"),
        ([USER, asks(call(), call("c2")), result(), asks(call("c3")), result("c3")], UNANSWERED + "c2"),
        ([USER, asks(call()), result(), result()], "Invalid parameter: 'messages[3]' answers the call 'c1' a second time."),
        ([USER, asks(call()), result("c9"), result()], "Invalid parameter: 'tool_call_id' of 'c9' not found"),
        ([USER, asks(call()), result(content=None)], "Invalid type for 'messages[2].content'"),
        ([USER, asks()], "Invalid 'messages[1].tool_calls': a list"),
        ([USER, asks(call(), call())], "Invalid 'messages[1].tool_calls': the ids"),
        ([USER, asks(call(""))], "Invalid 'messages[1].tool_calls[0].id'"),
        ([USER, asks(call("x" * 41))], "Invalid 'messages[1].tool_calls[0].id'"),
        ([USER, asks(call(None))], "Invalid 'messages[1].tool_calls[0].id'"),
        ([USER, asks(call(kind=None))], "Invalid 'messages[1].tool_calls[0]': a call of type"),
        ([USER, asks(call(name="look at"))], "Invalid 'messages[1].tool_calls[0].function.name'"),
        ([USER, asks(call(arguments={"at": 1}))], "Invalid 'messages[1].tool_calls[0].function.arguments'"),
        ([USER, asks(call(arguments="{"))], "Invalid 'messages[1].tool_calls[0].function.arguments'"),
        ([USER, asks(call(arguments="[" * 100_000))], "Invalid 'messages[1].tool_calls[0].function.arguments'"),
        ([USER | {"tool_calls": [call()]}], "'messages[0]': for 'role:user' property 'tool_calls' is unsupported."),
        ([USER | {"tool_call_id": "c1"}], "'messages[0]': for 'role:user' property 'tool_call_id' is unsupported."),
        ([USER, {"role": "assistant", "content": None}], "Invalid value for 'messages[1].content': expected a string, got null."),
        ([{"role": "function", "content": "x"}], "Invalid value for 'messages[0].role'"),
        (["Where?"], "Invalid value for 'messages[0].role'"),
    ],
)  # fmt: skip
def test_a_conversation_against_the_rules_is_refused(messages: list[Any], begins: str) -> None:
    assert why(*messages).startswith(begins)


@pytest.mark.parametrize(
    ("more", "begins"),
    [
        ({"tools": []}, "Invalid 'tools': a list of 1 to 128"),
        ({"tools": [TOOL] * 129}, "Invalid 'tools': a list of 1 to 128"),
        ({"tools": "look"}, "Invalid 'tools': a list of 1 to 128"),
        ({"tools": [TOOL, TOOL]}, "Invalid 'tools': the names"),
        ({"tools": [{"type": "function", "function": {"name": "look at"}}]}, "Invalid 'tools[0].function.name'"),
        ({"tools": [{"type": "function"}]}, "Invalid 'tools[0].function.name'"),
        ({"tools": [{"type": "function", "function": {"name": "look", "description": 5}}]}, "Invalid type for 'tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}]}, "Invalid schema for function 'look'"),
        ({"tool_choice": "auto"}, "Invalid value for 'tool_choice': 'tool_choice' is only allowed"),
        ({"parallel_tool_calls": False}, "Invalid value for 'parallel_tool_calls'"),
        ({"tools": [TOOL], "tool_choice": "any"}, "Invalid value for 'tool_choice': expected"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "find"}}}, "Invalid value for 'tool_choice': expected"),
    ],
)  # fmt: skip
def test_tools_against_the_rules_are_refused(more: dict[str, Any], begins: str) -> None:
    assert why(USER, **more).startswith(begins)


def test_built_in_tools_are_no_functions() -> None:
    params = {"messages": [USER], "tools": [{"type": "browser_search"}, TOOL]}

    assert refusal_of(params) == ""
    assert functions_in(params) == ("look",)
    assert functions_in(params | {"tool_choice": "none"}) == ()
