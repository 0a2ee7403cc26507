"""What OpenAI's API refuses in a request with tools: pure rules over its JSON.

The sentences are OpenAI's where it has one. Arguments of former calls have to be JSON objects too: vLLM and llama.cpp read them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
ID_MAX_CHARS = 40
TOOLS_MAX = 128
ORPHAN = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "The following tool_call_ids did not have response messages: "
)


def refusal_of(params: dict[str, Any]) -> str:
    """Why a request is refused, in one sentence; empty if its tools, calls and results are as they must be."""
    return next(_faults(params), "")


def functions_in(params: dict[str, Any]) -> tuple[str, ...]:
    """The names of the functions that the model may call now."""
    if params.get("tool_choice") == "none":
        return ()
    return tuple(tool["function"]["name"] for tool in params.get("tools") or () if tool.get("type") == "function")


def _faults(params: dict[str, Any]) -> Iterator[str]:
    yield from _faults_of_tools(params)
    yield from _faults_of_messages(params["messages"])


def _faults_of_tools(params: dict[str, Any]) -> Iterator[str]:
    tools = params.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in params:
                yield f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
        return
    if (
        not isinstance(tools, list)
        or not 0 < len(tools) <= TOOLS_MAX
        or not all(isinstance(tool, dict) for tool in tools)
    ):
        yield f"Invalid 'tools': a list of 1 to {TOOLS_MAX} objects is expected."
        return
    names = []
    for at, tool in enumerate(tools):
        if tool.get("type") != "function":
            continue  # whether the server has a built-in tool of this type is asked elsewhere
        function = tool.get("function")
        if not isinstance(function, dict) or not _is_name(function.get("name")):
            yield f"Invalid 'tools[{at}].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'."
            return
        if not isinstance(function.get("description", ""), str):
            yield f"Invalid type for 'tools[{at}].function.description': expected a string."
        schema = function.get("parameters", {"type": "object"})
        if not isinstance(schema, dict) or schema.get("type") != "object":
            yield f"Invalid schema for function '{function['name']}': schema must be a JSON Schema of 'type: \"object\"'."
        names.append(function["name"])
    if len(set(names)) < len(names):
        yield "Invalid 'tools': the names of functions must be unique."
    choice = params.get("tool_choice", "auto")
    named = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    if choice not in ("auto", "none", "required") and named not in names:
        yield "Invalid value for 'tool_choice': expected auto, none, required, or a function of 'tools'."


def _faults_of_messages(messages: list[Any]) -> Iterator[str]:
    waiting: list[str] = []
    answered: set[str] = set()
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(message, dict) or role not in ("system", "developer", "user", "assistant", "tool"):
            yield f"Invalid value for '{where}.role': expected system, developer, user, assistant or tool."
            return
        if role == "tool":
            id_ = message.get("tool_call_id")
            if not waiting and id_ not in answered:
                yield ORPHAN
            elif id_ in answered:
                yield f"Invalid parameter: '{where}' answers the call '{id_}' a second time."
            elif id_ not in waiting:
                yield f"Invalid parameter: 'tool_call_id' of '{id_}' not found in 'tool_calls' of previous message."
            if not isinstance(message.get("content"), str | list):
                yield f"Invalid type for '{where}.content': expected a string or a list of parts."
            waiting = [other for other in waiting if other != id_]
            answered.add(str(id_))
            continue
        if waiting:
            yield UNANSWERED + ", ".join(waiting)
        waiting, answered = [], set()
        for name in ("tool_call_id", *(() if role == "assistant" else ("tool_calls",))):
            if name in message:
                yield f"'{where}': for 'role:{role}' property '{name}' is unsupported."
        if "tool_calls" in message:
            yield from _faults_of_calls(message["tool_calls"], where)
            waiting = [str(one.get("id")) for one in message["tool_calls"] if isinstance(one, dict)]
        elif not isinstance(message.get("content"), str | list):
            yield f"Invalid value for '{where}.content': expected a string, got null."
    if waiting:
        yield UNANSWERED + ", ".join(waiting)


def _faults_of_calls(calls: Any, where: str) -> Iterator[str]:
    if not isinstance(calls, list) or not calls:
        yield f"Invalid '{where}.tool_calls': a list of at least one call is expected."
        return
    ids = []
    for at, one in enumerate(calls):
        place = f"{where}.tool_calls[{at}]"
        function = one.get("function") if isinstance(one, dict) else None
        if not isinstance(function, dict) or one.get("type") != "function":
            yield f"Invalid '{place}': a call of type 'function' is expected."
            return
        if not isinstance(one.get("id"), str) or not 0 < len(one["id"]) <= ID_MAX_CHARS:
            yield f"Invalid '{place}.id': expected a string with maximum length {ID_MAX_CHARS}."
        if not _is_name(function.get("name")):
            yield f"Invalid '{place}.function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'."
        if not _is_object(function.get("arguments")):
            yield f"Invalid '{place}.function.arguments': a JSON object as a string is expected."
        ids.append(one.get("id"))
    if len(set(ids)) < len(ids):
        yield f"Invalid '{where}.tool_calls': the ids of calls must be unique."


def _is_name(name: object) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def _is_object(text: object) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
