"""Scripts for the scripted model: what it says and calls, turn by turn, as data. Repeatable: the conversation decides which turn it is.

{"when": "lighthouse",                       the script is for conversations with a user's message that has these words
 "turns": [
   {"text": "I look.", "calls": [{"name": "web_search", "arguments": {"query": "lighthouse"}}]},
   {"fault": "rate_limited", "retry_after_s": 1},             met once, before the next turn
   {"status": 503, "message": "no", "times": 2},              a refusal of any status
   {"take": {"url": "https?://\\\\S+"},                          from the results so far; {{url}} stands for it below
    "calls": [{"name": "open_page", "arguments": {"url": "{{url}}"}}], "delay_s": 0.5},
   {"text": "Here it is."}],
 "repeat_last": false}                       true: a model that never stops calling
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_standin.model.faults import ModelFault, model_fault
from openclaw_standin.model.script import content_text

MANNERS = ("pieces", "whole", "object", "no_index", "no_id")
"""How a call is streamed: `pieces` as OpenAI does, `whole` in one chunk as Groq and Ollama do, `object`: whole, and the arguments are no
text; `no_index`, `no_id`: whole, without that field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedCall:
    """One call of a function. Arguments that are a string are sent as they are, so that they can be broken."""

    name: str
    arguments: Any = field(default_factory=dict)
    id: str | None = None
    """None: one of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedTurn:
    """What the model does when it is asked once."""

    text: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    manner: str = "pieces"
    finish: str = ""
    """The end mark; empty: `tool_calls` or `stop`."""
    delay_s: float = 0.0
    """Seconds in which nothing comes."""
    take: Mapping[str, str] = field(default_factory=dict)
    """Patterns that are looked for in the results of the conversation, newest first; the first group counts, if there is one."""

    def __post_init__(self) -> None:
        if self.manner not in MANNERS:
            raise ValueError(f"unknown manner; use one of {', '.join(MANNERS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer of another status than 200, *times* times."""

    status: int
    message: str = "refused by the script"
    code: str | None = None
    retry_after_s: float | None = None
    times: int = 1


ScriptedStep = ScriptedTurn | Refusal | ModelFault


class ScriptFault(Exception):
    """The script does not fit the conversation; the message says how."""


@dataclass(kw_only=True)
class ToolScript:
    """What the model does in conversations in which a user said *when*."""

    turns: Sequence[ScriptedStep]
    when: str = ""
    model: str | None = None
    repeat_last: bool = False
    """Whether the last turn is for all that come after it."""
    closing: str = "That is what I have."
    """Said instead of calls where the request allows none."""
    met: dict[int, int] = field(default_factory=dict)
    """How often each fault and refusal has been met, by its place."""

    def __post_init__(self) -> None:
        if not any(isinstance(step, ScriptedTurn) for step in self.turns):
            raise ValueError("a script has at least one turn that is no fault")

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "ToolScript":
        """From data as above. Raises TypeError for a field that does not exist, ValueError for a value that is none of its kind."""
        return cls(**dict(data) | {"turns": [_step_of(turn) for turn in data["turns"]]})

    def begins_at(self, model: str, messages: Sequence[Mapping[str, Any]]) -> int | None:
        """The place of the user's message that the script is for; None if there is none."""
        if self.model not in (None, model):
            return None
        places = [
            at
            for at, one in enumerate(messages)
            if one.get("role") == "user" and self.when in content_text(one.get("content"))
        ]
        return places[-1] if places else None

    def step(self, messages: Sequence[Mapping[str, Any]], begins_at: int, *, may_call: bool) -> ScriptedStep:
        """What the model does now. A conversation that is sent again gets the same turn again. Raises ScriptFault."""
        said = sum(one.get("role") == "assistant" for one in messages[begins_at:])
        spoken = [at for at, step in enumerate(self.turns) if isinstance(step, ScriptedTurn)]
        if said >= len(spoken) and not self.repeat_last:
            raise ScriptFault(f"the script has {len(spoken)} turns, and this is number {said + 1}")
        at = spoken[min(said, len(spoken) - 1)]
        before = spoken[said - 1] + 1 if 0 < said < len(spoken) else 0 if said == 0 else at
        for place in range(before, at):
            step = self.turns[place]
            if not isinstance(step, ScriptedTurn) and (step.times is None or self.met.get(place, 0) < step.times):
                self.met[place] = self.met.get(place, 0) + 1
                return step
        turn = self.turns[at]
        assert isinstance(turn, ScriptedTurn)  # noqa: S101 - by `spoken`
        if turn.calls and not may_call:
            return ScriptedTurn(text=turn.text or self.closing, delay_s=turn.delay_s)
        return _filled(turn, messages[begins_at:])


class Scripts:
    """The scripts that were set, oldest first; the first that fits a conversation is played."""

    def __init__(self) -> None:
        self._scripts: list[ToolScript] = []

    def add(self, script: Mapping[str, Any]) -> None:
        """Play *script* from now on. Raises as `ToolScript.of` does."""
        self._scripts.append(ToolScript.of(script))

    def clear(self) -> None:
        self._scripts.clear()

    def step(self, model: str, messages: Sequence[Mapping[str, Any]], *, may_call: bool) -> ScriptedStep | None:
        """What the model does now; None without a script for the conversation. Raises ScriptFault."""
        for script in self._scripts:
            begins_at = script.begins_at(model, messages)
            if begins_at is not None:
                return script.step(messages, begins_at, may_call=may_call)
        return None


# ---- what is streamed


def call_entries(turn: ScriptedTurn, n: int) -> list[list[dict[str, Any]]]:
    """The `tool_calls` of each chunk, in the manner of *turn*; *n* tells answers apart in ids."""
    chunks: list[list[dict[str, Any]]] = []
    for index, one in enumerate(turn.calls):
        text = _text_of(one.arguments)
        begin: dict[str, Any] = {"index": index, "id": id_of(one, n, index), "type": "function"}
        if turn.manner == "pieces":
            chunks.append([begin | {"function": {"name": one.name, "arguments": ""}}])
            chunks += [
                [{"index": index, "function": {"arguments": text[at : at + 12]}}] for at in range(0, len(text), 12)
            ]
            continue
        arguments = one.arguments if turn.manner == "object" else text
        dropped = {"no_index": "index", "no_id": "id"}.get(turn.manner)
        whole = begin | {"function": {"name": one.name, "arguments": arguments}}
        chunks.append([{name: value for name, value in whole.items() if name != dropped}])
    return chunks


def call_message(turn: ScriptedTurn, n: int) -> list[dict[str, Any]]:
    """The `tool_calls` of an answer that is not streamed."""
    return [
        {"id": id_of(one, n, at), "type": "function", "function": {"name": one.name, "arguments": _text_of(one.arguments)}}
        for at, one in enumerate(turn.calls)
    ]  # fmt: skip


def id_of(one: ScriptedCall, n: int, index: int) -> str:
    return f"call_{n}_{index}" if one.id is None else one.id


def streamed_pieces(text: str) -> list[str]:
    """*text* in the pieces in which it is streamed."""
    return re.findall(r"\s*\S+|\s+\Z", text)


def _text_of(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


# ---- reading


def _step_of(data: Mapping[str, Any]) -> ScriptedStep:
    if "status" in data:
        return Refusal(**data)
    if "fault" in data:
        return model_fault(data["fault"], **{name: value for name, value in data.items() if name != "fault"})
    return ScriptedTurn(**dict(data) | {"calls": tuple(ScriptedCall(**one) for one in data.get("calls", ()))})


def _filled(turn: ScriptedTurn, messages: Sequence[Mapping[str, Any]]) -> ScriptedTurn:
    """*turn* with what it takes from the results. Raises ScriptFault."""
    if not turn.take:
        return turn
    results = [content_text(one.get("content")) for one in reversed(messages) if one.get("role") == "tool"]
    found: dict[str, str] = {}
    for name, pattern in turn.take.items():
        match = next(filter(None, (re.search(pattern, result) for result in results)), None)
        if match is None:
            raise ScriptFault(f"no result has what the script takes as {name}")
        found[name] = match[1] if match.re.groups else match[0]
    calls = tuple(replace(one, arguments=_replaced(one.arguments, found)) for one in turn.calls)
    return replace(turn, text=_replaced(turn.text, found), calls=calls)


def _replaced(value: Any, found: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in found.items():
            value = value.replace(f"{{{{{name}}}}}", text)
        return value
    if isinstance(value, dict):
        return {name: _replaced(inner, found) for name, inner in value.items()}
    return [_replaced(inner, found) for inner in value] if isinstance(value, list) else value
