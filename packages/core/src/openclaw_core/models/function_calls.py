"""The calls of functions in one answer: read piece by piece from the stream, checked, and told to the model where they are broken.

Servers differ in how they stream a call: in pieces or whole, with or without an index and an id, the arguments as text or as an object.
All of it is read alike, whoever the server is. What is wrong with a call is a value (`CallFault`): the model can be told and call again.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openclaw_core.models.chunks import JsonObject
from openclaw_core.ports import FUNCTION_NAME, CallFault, FunctionCall, Message, ModelCall
from openclaw_core.records import parsed

CALLS_MAX = 16
"""Calls of one answer. More than that is a model that repeats itself."""
ARGUMENTS_MAX_CHARS = 100_000
"""A program of 2,000 lines; more than any role's `max_tokens` allows."""
BROKEN_MAX_CHARS = 1000
"""What is kept of arguments that cannot be used."""
NAME_MAX_CHARS = 200
"""With the marks that can be around it."""
ID_MAX_CHARS = 40
"""OpenAI takes no longer one back. Groq's have 9, OpenAI's 29."""


def new_id() -> str:
    """An id of our own: nine letters and digits, which is the one shape that Mistral's chat templates take too."""
    return f"c{os.urandom(4).hex()}"


# ---- reading


@dataclass(slots=True, kw_only=True)
class _Begun:
    """A call while it comes."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    chars: int = 0

    @property
    def text(self) -> str:
        return "".join(self.arguments)

    @property
    def is_whole(self) -> bool:
        # The last character first: reading all of it again for each piece would take long.
        return (
            bool(self.arguments) and self.arguments[-1].rstrip().endswith("}") and _value_of(self.text) is not _NO_JSON
        )


class CallReader:
    """Reads the calls of one answer to *call*."""

    def __init__(self, call: ModelCall, new_id: Callable[[], str] = new_id) -> None:
        self._names = {one.name for one in call.functions}
        self._used = {one.id for message in call.messages for one in message.calls}
        self._new_id = new_id
        self._begun: list[_Begun] = []

    def feed(self, entries: Sequence[Any]) -> None:
        """Read what one chunk brings of calls."""
        for entry in entries:
            if isinstance(entry, JsonObject):
                self._read(entry)

    @property
    def any(self) -> bool:
        return bool(self._begun)

    @property
    def full(self) -> bool:
        """Whether what comes further is of no use."""
        return len(self._begun) > CALLS_MAX or any(one.chars > ARGUMENTS_MAX_CHARS for one in self._begun)

    def calls(self, *, cut: bool = False) -> tuple[FunctionCall, ...]:
        """All calls, once the answer has ended; *cut* if that was by its length limit."""
        return tuple(self._checked(one, cut=cut, over=at >= CALLS_MAX) for at, one in enumerate(self._begun))

    def _read(self, entry: Any) -> None:
        function = entry.function if isinstance(entry.function, JsonObject) else JsonObject({})
        id_, name = _text(entry.id), _text(function.name)
        arguments = _as_text(function.arguments)
        index = entry.index if isinstance(entry.index, int) else None
        one = self._of(index, id_, name, arguments)
        one.id = one.id or id_
        if name and name != one.name and not one.chars and len(one.name) < NAME_MAX_CHARS:
            one.name += name
        # Some servers end with the whole call once more.
        again = bool(id_) and len(arguments) == one.chars and arguments == one.text and one.is_whole
        if arguments and not again:
            one.arguments.append(arguments)
            one.chars += len(arguments)

    def _of(self, index: int | None, id_: str, name: str, arguments: str) -> _Begun:
        """The call that a piece belongs to; a new one if it begins one."""
        last = self._begun[-1] if self._begun else None
        if index is not None:
            # Ollama has given each call of an answer the index 0: another id, or another whole call, is another call.
            same = next((one for one in reversed(self._begun) if one.index == index), None)
        elif id_:
            same = next((one for one in reversed(self._begun) if one.id == id_), None)
            same = last if same is None and last is not None and not (last.id or name) else same
        else:
            same = last
        if same is not None and not _begins_another(same, index, id_, name, arguments):
            return same
        begun = _Begun(index=index)
        if len(self._begun) <= CALLS_MAX:
            self._begun.append(begun)
        return begun

    def _checked(self, one: _Begun, *, cut: bool, over: bool) -> FunctionCall:
        raw = one.text
        name = _known(one.name, self._names)
        arguments, fault = _arguments(raw, cut=cut)
        if fault is None and name not in self._names:
            fault = CallFault.UNKNOWN_NAME
        if over:
            arguments, fault = "", CallFault.TOO_MANY
        id_ = one.id if 0 < len(one.id) <= ID_MAX_CHARS and one.id.isascii() and one.id.isprintable() else ""
        if not id_ or id_ in self._used:  # some servers count from 0 in each answer
            id_ = self._new_id()
        self._used.add(id_)
        return FunctionCall(id=id_, name=name, arguments=arguments, fault=fault)


def _begins_another(same: _Begun, index: int | None, id_: str, name: str, arguments: str) -> bool:
    if id_ and same.id and id_ != same.id:
        return True
    if not name or not same.name:
        return False
    if id_ and id_ == same.id:
        return False  # it names itself in each piece
    # Without an id to tell: a name and arguments after a call that is whole begin the next one, and so does another name without an index.
    return (arguments.lstrip().startswith("{") and same.is_whole) or (index is None and name != same.name)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _as_text(arguments: object) -> str:
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return json.dumps(_plain(arguments), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, JsonObject):
        return {name: _plain(inner) for name, inner in vars(value).items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


# ---- checking

_NO_JSON = object()
_LEAKED_NAME = re.compile(r"(?:functions?\.)?([A-Za-z0-9_-]{1,64})(?:\s.*|<\|.*)?", re.DOTALL)
"""gpt-oss' recipients and headers reach the name by servers that do not read them: `functions.look`, `look<|channel|>commentary`."""


def _known(name: str, names: Iterable[str]) -> str:
    """The function that *name* means, else a name that can be sent back."""
    name = name.strip()
    leaked = _LEAKED_NAME.fullmatch(name)
    if name in names or leaked is None:
        return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unnamed"
    return leaked[1] if leaked[1] in names or not FUNCTION_NAME.fullmatch(name) else name


def _value_of(text: str) -> Any:
    try:
        return parsed(text)
    except ValueError:
        return _NO_JSON


def _arguments(raw: str, *, cut: bool) -> tuple[str, CallFault | None]:
    """The arguments as they can be sent back, and what is wrong with them."""
    if len(raw) > ARGUMENTS_MAX_CHARS:
        return raw[:BROKEN_MAX_CHARS], CallFault.TOO_LONG
    raw = _joined(raw).strip()
    value = _value_of(raw) if raw else None
    if isinstance(value, str):
        value, raw = _value_of(value), value  # encoded twice
    if value is None:
        return "{}", None  # nothing, or null: a function without parameters
    if value is _NO_JSON:
        return raw[:BROKEN_MAX_CHARS], CallFault.CUT_OFF if cut else CallFault.NOT_JSON
    return (raw, None) if isinstance(value, dict) else (raw[:BROKEN_MAX_CHARS], CallFault.NOT_AN_OBJECT)


def _joined(text: str) -> str:
    """*text* with the halves of a character that came in two pieces as one character; a half alone is replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def arguments_of(call: FunctionCall) -> dict[str, Any]:
    """What *call* passes to its function; nothing if its arguments are broken."""
    value = _value_of(call.arguments)
    return value if isinstance(value, dict) else {}


# ---- what the model is told

_TOLD: Mapping[CallFault, str] = {
    CallFault.UNKNOWN_NAME: "Not run: there is no function of this name.",
    CallFault.NOT_JSON: "Not run: the arguments are not valid JSON. Send one JSON object.",
    CallFault.NOT_AN_OBJECT: "Not run: the arguments are JSON, but not an object. Send one JSON object.",
    CallFault.CUT_OFF: "Not run: the answer reached its length limit within the arguments. Send shorter ones.",
    CallFault.TOO_LONG: f"Not run: the arguments have more than {ARGUMENTS_MAX_CHARS} characters. Send shorter ones.",
    CallFault.TOO_MANY: f"Not run: one answer may have {CALLS_MAX} calls. Read their results first.",
}


def told(call: FunctionCall, names: Iterable[str] = ()) -> str:
    """The result of a broken *call*, for the model; *names* are the functions that there are. Empty if nothing is wrong."""
    if call.fault is None:
        return ""
    known = ", ".join(names) if call.fault is CallFault.UNKNOWN_NAME else ""
    return f"{_TOLD[call.fault]} There are: {known}." if known else _TOLD[call.fault]


# ---- calls in the text

_PLAIN_CALL = re.compile(
    r"\s*(?:analysis.*?assistant)?commentary to=functions\.(?P<name>[A-Za-z0-9_-]{1,64})\s*(?:json|code)?\s*(?P<arguments>\{.*\})\s*",
    re.DOTALL,
)
_MARKED_CALL = re.compile(
    r"to=functions\.(?P<name>[A-Za-z0-9_-]{1,64})\s*(?:<\|channel\|>[a-z]+\s*)?(?:<\|constrain\|>)?\s*[a-z]*\s*<\|message\|>"
    r"(?P<arguments>.*?)(?=<\|(?:call|end|return|start|channel)\|>|\Z)",
    re.DOTALL,
)


class LeakedCalls:
    """Calls of gpt-oss that its server took for text: `<|channel|>commentary to=functions.look …<|message|>{…}<|call|>`."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = ARGUMENTS_MAX_CHARS

    def feed(self, text: str) -> None:
        """Read the text of an answer as its server sent it, thoughts and marks included."""
        if self._left > 0:
            self._parts.append(text)
            self._left -= len(text)

    def entries(self, answer: str) -> tuple[Any, ...]:
        """What a stream would have brought of them. *answer* is what is left of the text without thoughts: an answer may speak of such
        marks, so nothing must be left of it, or nothing must have come but a call whose marks the server dropped."""
        raw = "".join(self._parts)
        found = [] if answer.strip() else list(_MARKED_CALL.finditer(raw))
        if not found and (one := _PLAIN_CALL.fullmatch(raw)) is not None:
            found = [one]
        return tuple(JsonObject({"function": JsonObject(one.groupdict())}) for one in found)


# ---- without functions


def without_functions(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The same conversation for a model that takes no tools: calls and their results as text."""
    names = {one.id: one.name for message in messages for one in message.calls}
    return tuple(_as_words(message, names) for message in messages)


def _as_words(message: Message, names: Mapping[str, str]) -> Message:
    if message.role == "tool":
        return Message(role="user", content=f"[Result of {names.get(message.call_id, 'a tool')}]\n{message.content}")
    if not message.calls:
        return message
    called = "\n".join(f"[{one.name} was called with {one.arguments}]" for one in message.calls)
    return Message(role=message.role, content=f"{message.content}\n{called}".strip())
