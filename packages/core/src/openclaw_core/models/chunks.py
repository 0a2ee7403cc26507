"""What a model server streams back: its events, what each brings, and the counts at their end. Servers differ in small things."""

import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx

from openclaw_core.bounded import TooLong
from openclaw_core.ports import ModelCall, Usage
from openclaw_core.tasks.conversation import estimate_tokens

LINE_MAX_BYTES = 1024 * 1024
CUT = "length"
"""The end mark of an answer that reached its limit."""


class Loose:
    """A JSON object by attributes, None for one that it has not: the shape of the SDK's objects."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> None:
        return None


async def chunks(reply: httpx.Response) -> AsyncGenerator[Any, None]:
    """The events of a stream. One that is longer than its limit ends as an answer does that reached its own.

    Raises ValueError for a line that is no event, or that does not end within `LINE_MAX_BYTES`.
    """
    try:
        async with aclosing(_lines(reply)) as lines:
            async for line in lines:
                field, _, value = line.partition(b":")
                if field != b"data":
                    continue
                value = value.strip()
                if value == b"[DONE]":
                    return
                chunk = json.loads(value, object_hook=Loose)
                if chunk.error:
                    raise ValueError("an error instead of a chunk")
                yield chunk
    except TooLong:
        yield Loose({"choices": [Loose({"finish_reason": CUT})]})


async def _lines(reply: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Whole lines, cut as bytes: a text's own line separators, such as U+2028, end none."""
    begun = bytearray()
    async for received in reply.aiter_bytes():
        begun += received
        if b"\n" in received:
            *lines, rest = bytes(begun).split(b"\n")
            begun = bytearray(rest)
            for line in lines:
                yield line
        if len(begun) > LINE_MAX_BYTES:
            raise ValueError("a line without end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What one chunk brings."""

    text: str = field(default="", repr=False)
    thinks: bool = False
    """Whether it brings a thought in a field of its own."""
    calls: bool = False
    """Whether it calls a tool that the caller is to run."""
    ended: str = ""
    """The end mark, empty while the answer goes on."""


def delta_of(chunk: Any, reasoning_fields: Sequence[str]) -> Delta:
    """What *chunk* brings; thoughts stand in one of *reasoning_fields*. Raises TypeError or AttributeError for no chunk at all."""
    if not chunk.choices:
        return Delta()  # the last chunk may have nothing but counts
    choice = chunk.choices[0]
    delta = Loose({}) if choice.delta is None else choice.delta
    text, reason = delta.content or "", choice.finish_reason or ""
    if isinstance(text, list):  # Mistral's API: parts, of which thoughts are some
        text = "".join(part.text or "" for part in text if part.type == "text")
        thinks = not text
    else:
        thinks = any(bool(getattr(delta, name)) for name in reasoning_fields)
    if not isinstance(text, str) or not isinstance(reason, str):
        raise TypeError("not a chunk")
    return Delta(text=text, thinks=thinks, calls=bool(delta.tool_calls or delta.function_call), ended=reason)


def usage_of(reply: Any, usage_fields: Sequence[Sequence[str]]) -> Usage | None:
    """The server's counts, at the first of *usage_fields* that has any."""
    counts = next(filter(None, (_at(reply, path) for path in usage_fields)), None)
    prompt, answer = getattr(counts, "prompt_tokens", None), getattr(counts, "completion_tokens", None)
    if not isinstance(prompt, int) or not isinstance(answer, int):
        return None
    cached = getattr(getattr(counts, "prompt_tokens_details", None), "cached_tokens", None)
    return Usage(prompt_tokens=prompt, answer_tokens=answer, cached_tokens=cached if isinstance(cached, int) else 0)


def _at(reply: Any, path: Sequence[str]) -> Any:
    for name in path:
        reply = getattr(reply, name, None)
    return reply


def estimated(call: ModelCall, text: str) -> Usage:
    prompt = sum(estimate_tokens(message.content) + 4 for message in call.messages)
    return Usage(prompt_tokens=prompt, answer_tokens=estimate_tokens(text), counted=False)


CUT_SHORT = frozenset({CUT, "max_tokens"})
CALLED = frozenset({"tool_calls", "function_call", "tool_use"})
FILTERED = frozenset({"content_filter", "refusal"})
BROKEN_OFF = frozenset({"error", "abort", "insufficient_system_resource"})
"""End marks: OpenAI's and Groq's, and those of OpenRouter, vLLM, SGLang and DeepSeek. All others are the end of a whole answer."""


def shown(reason: str) -> str:
    """An end mark that is safe to print: a server's text could hold anything."""
    return reason if re.fullmatch(r"[a-z_]{1,20}", reason) else "an unknown mark"


class Citations:
    """Takes out the marks like 【3†L10-L15】 that browser_search leaves in the text: they point into pages nobody sees."""

    _MARK = re.compile(r"【\d+(?::\d+)?†[^【】\n]*】")
    _HELD_MAX_CHARS = 60

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str, *, anew: bool = False) -> str:
        """What can be shown now; an opened mark is held back until it ends or proves to be none. *anew*: all before is forgotten."""
        whole = self._MARK.sub("", ("" if anew else self._held) + text)
        at = whole.rfind("【")
        if at < 0 or "】" in whole[at:] or len(whole) - at > self._HELD_MAX_CHARS:
            self._held = ""
            return whole
        self._held = whole[at:]
        return whole[:at]

    def rest(self) -> str:
        return self._held
