"""How servers stream the same calls, each in its own manner: written by hand after their documentation and public reports.

Every answer calls `look` with {"at": "north"}; those of TWO also call `find` with {"what": "ship", "in": ["sea"]}.
"""

import json
from typing import Any

from tests.core.model_recordings import DONE, event

NORTH, SHIP = '{"at": "north"}', '{"what": "ship", "in": ["sea"]}'


def entry(index: int | None, id_: str | None = None, name: str | None = None, arguments: Any = None) -> dict[str, Any]:
    """One entry of `delta.tool_calls`, without the fields that are None."""
    function = {"name": name, "arguments": arguments}
    whole = {"index": index, "id": id_, "type": None if name is None else "function"}
    return {field: value for field, value in whole.items() if value is not None} | {
        "function": {field: value for field, value in function.items() if value is not None}
    }


def called(*entries: dict[str, Any], reason: str | None = None, **more: Any) -> str:
    return event({"tool_calls": list(entries), **more}, reason=reason)


END = event({}, reason="tool_calls")

ONE: dict[str, tuple[str, ...]] = {
    "groq, whole": (
        event({"role": "assistant", "content": None}),
        called(entry(0, "fc_8c1f", "look", NORTH)),
        END,
        DONE,
    ),
    "openai, in pieces": (
        called(entry(0, "call_9Xo", "look", ""), role="assistant", content=None),
        called(entry(0, arguments='{"at"')),
        called(entry(0, arguments=': "nor')),
        called(entry(0, arguments='th"}')),
        END,
        DONE,
    ),
    "llama.cpp, in pieces after a thought": (
        event({"role": "assistant", "content": None}),
        event({"reasoning_content": "I look."}),
        called(entry(0, "Zt3VbP0qLr", "look", "{")),
        called(entry(0, arguments='"at": ')),
        called(entry(0, arguments='"north"}')),
        END,
        DONE,
    ),
    "ollama, whole, with an end like any other": (
        called(entry(0, "call_xk2", "look", NORTH), role="assistant", content="", reason="stop"),
        DONE,
    ),
    "ollama, without an id": (called(entry(0, "", "look", NORTH), content=""), event({"content": ""}, reason="stop"), DONE),
    "an object instead of text": (called(entry(0, "a1", "look", {"at": "north"})), END, DONE),
    "gemini's proxies, without an index": (called(entry(None, "x1", "look", NORTH)), event({}, reason="stop"), DONE),
    "without index and id, in pieces": (
        called(entry(None, name="look", arguments="")),
        called(entry(None, arguments='{"at": ')),
        called(entry(None, arguments='"north"}')),
        END,
        DONE,
    ),
    "id and name in each piece": (
        called(entry(0, "call_1", "look", "")),
        called(entry(0, "call_1", "look", '{"at": ')),
        called(entry(0, "call_1", "look", '"north"}')),
        called(entry(0, "call_1", "look", "")),
        END,
        DONE,
    ),
    "the name first, the id behind it": (
        called(entry(0, name="look")),
        called(entry(0, "call_1", arguments=NORTH)),
        END,
        DONE,
    ),
    "the index of the server's own list": (called(entry(1, "call_1", "look", "")), called(entry(1, arguments=NORTH)), END, DONE),
    "the whole once more at the end": (
        called(entry(0, "call_1", "look", NORTH)),
        called(entry(0, "call_1", "look", NORTH)),
        END,
        DONE,
    ),
    "one call, not a list": (event({"tool_calls": entry(0, "a1", "look", NORTH)}), END, DONE),
    "the API of 2023": (
        event({"function_call": {"name": "look", "arguments": ""}}),
        event({"function_call": {"arguments": NORTH}}),
        event({}, reason="function_call"),
        DONE,
    ),
    "encoded twice": (called(entry(0, "a1", "look", json.dumps(NORTH))), END, DONE),
    "the header of gpt-oss in the name": (called(entry(0, "a1", "look<|channel|>commentary", NORTH)), END, DONE),
    "the recipient of gpt-oss as the name": (called(entry(0, "a1", "functions.look", NORTH)), END, DONE),
    "gpt-oss, its marks as text": (
        event({"role": "assistant", "content": "<|channel|>analysis<|message|>I look, by to=functions.find.<|end|>"}),
        event({"content": "<|start|>assistant<|channel|>commentary to=functi"}),
        event({"content": 'ons.look <|constrain|>json<|message|>{"at": "nor'}),
        event({"content": 'th"}<|call|>'}),
        event({}, reason="stop"),
        DONE,
    ),
    "gpt-oss, the recipient before the channel": (
        event({"content": "<|start|>assistant to=functions.look<|channel|>commentary json<|message|>" + NORTH}),
        event({}, reason="stop"),
        DONE,
    ),
    "gpt-oss, without its marks": (
        event({"content": "commentary to=functions.look json"}),
        event({"content": NORTH}),
        event({}, reason="stop"),
        DONE,
    ),
    "gpt-oss, its thought too without marks": (
        event({"content": "analysisI look.assistantcommentary to=functions.look json" + NORTH}),
        event({}, reason="stop"),
        DONE,
    ),
}  # fmt: skip

TWO: dict[str, tuple[str, ...]] = {
    "each whole in one chunk": (called(entry(0, "a", "look", NORTH), entry(1, "b", "find", SHIP)), END, DONE),
    "pieces side by side": (
        called(entry(0, "a", "look", ""), entry(1, "b", "find", "")),
        called(entry(1, arguments=SHIP[:9]), entry(0, arguments=NORTH[:4])),
        called(entry(0, arguments=NORTH[4:]), entry(1, arguments=SHIP[9:])),
        END,
        DONE,
    ),
    "each with the index 0": (called(entry(0, "a", "look", NORTH)), called(entry(0, "b", "find", SHIP)), END, DONE),
    "each with the index 0, without an id": (called(entry(0, "", "look", NORTH)), called(entry(0, "", "find", SHIP)), END, DONE),
    "in pieces, each with the index 0": (
        called(entry(0, "a", "look", "")),
        called(entry(0, arguments=NORTH)),
        called(entry(0, "b", "find", "")),
        called(entry(0, arguments=SHIP)),
        END,
        DONE,
    ),
    "without an index": (called(entry(None, "a", "look", NORTH), entry(None, "b", "find", SHIP)), END, DONE),
    "without index and id": (
        called(entry(None, name="look", arguments=NORTH)),
        called(entry(None, name="find", arguments=SHIP)),
        END,
        DONE,
    ),
    "the same id for both": (called(entry(0, "a", "look", NORTH)), called(entry(1, "a", "find", SHIP)), END, DONE),
    "objects": (
        called(entry(0, "", "look", {"at": "north"}), entry(1, "", "find", {"what": "ship", "in": ["sea"]})),
        event({"content": ""}, reason="stop"),
        DONE,
    ),
    "gpt-oss, its marks as text": (
        event({"content": "<|channel|>commentary to=functions.look <|constrain|>json<|message|>" + NORTH + "<|call|>"}),
        event({"content": "<|start|>assistant<|channel|>commentary to=functions.find <|constrain|>json<|message|>" + SHIP}),
        event({}, reason="stop"),
        DONE,
    ),
}  # fmt: skip
