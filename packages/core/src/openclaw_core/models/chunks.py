"""The chunks of a stream: how they are read, and their text, end mark and token counts. Servers differ in details."""

import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx

from openclaw_core.ports import ModelCall, Usage
from openclaw_core.reply_limit import ReplyTooLong
from openclaw_core.tasks.conversation import estimate_tokens

LINE_MAX_BYTES = 1024 * 1024
LENGTH = "length"
"""The end mark of an answer that reached its token limit."""


class JsonObject:
    """A JSON object with attributes, None for missing ones, as the SDK's objects have."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> None:
        return None


async def chunks(reply: httpx.Response) -> AsyncGenerator[Any, None]:
    """Yield the chunks of a stream. A stream over its byte limit ends like an answer that reached its token limit.

    Raises ValueError for a line that is no event, or that is longer than `LINE_MAX_BYTES`.
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
                chunk = json.loads(value, object_hook=JsonObject)
                if chunk.error:
                    raise ValueError("an error instead of a chunk")
                yield chunk
    except ReplyTooLong:
        yield JsonObject({"choices": [JsonObject({"finish_reason": LENGTH})]})


async def _lines(reply: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Whole lines, split as bytes: U+2028 and others in a text end no line."""
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
    """The content of one chunk."""

    text: str = field(default="", repr=False)
    thinks: bool = False
    """Whether it holds a thought in a separate field."""
    calls: tuple[Any, ...] = field(default=(), repr=False)
    """Its pieces of calls of tools that the caller has to run, unread."""
    ended: str = ""
    """The end mark, empty while the answer goes on."""


def delta_of(chunk: Any, reasoning_fields: Sequence[str]) -> Delta:
    """The content of *chunk*; thoughts are in one of *reasoning_fields*. Raises TypeError or AttributeError for anything else."""
    if not chunk.choices:
        return Delta()  # the last chunk may hold only counts
    choice = chunk.choices[0]
    delta = JsonObject({}) if choice.delta is None else choice.delta
    text, reason = delta.content or "", choice.finish_reason or ""
    if isinstance(text, list):  # Mistral's API: parts, of which thoughts are some
        text = "".join(part.text or "" for part in text if part.type == "text")
        thinks = not text
    else:
        thinks = any(bool(getattr(delta, name)) for name in reasoning_fields)
    if not isinstance(text, str) or not isinstance(reason, str):
        raise TypeError("not a chunk")
    return Delta(text=text, thinks=thinks, calls=_calls_of(delta), ended=reason)


def _calls_of(delta: Any) -> tuple[Any, ...]:
    if delta.tool_calls:
        return tuple(delta.tool_calls) if isinstance(delta.tool_calls, list) else (delta.tool_calls,)
    # The API of 2023, which old servers still have: one call, without an id.
    return (JsonObject({"index": 0, "function": delta.function_call}),) if delta.function_call else ()


def usage_of(reply: Any, usage_fields: Sequence[Sequence[str]]) -> Usage | None:
    """The server's token counts, from the first of *usage_fields* that has any."""
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


def estimated_usage(call: ModelCall, text: str) -> Usage:
    prompt = sum(estimate_tokens(message.content) + 4 for message in call.messages)
    prompt += sum(estimate_tokens(one.name + one.arguments) for message in call.messages for one in message.calls)
    prompt += sum(estimate_tokens(f"{one.name}{one.description}{one.parameters}") for one in call.functions)
    return Usage(prompt_tokens=prompt, answer_tokens=estimate_tokens(text), counted=False)


TRUNCATED = frozenset({LENGTH, "max_tokens"})
TOOL_CALLED = frozenset({"tool_calls", "function_call", "tool_use"})
FILTERED = frozenset({"content_filter", "refusal"})
BROKEN_OFF = frozenset({"error", "abort", "insufficient_system_resource"})
"""End marks of OpenAI, Groq, OpenRouter, vLLM, SGLang and DeepSeek. All others end a whole answer."""


def loggable(reason: str) -> str:
    """*reason* if it is safe to log: a server's text could hold anything."""
    return reason if re.fullmatch(r"[a-z_]{1,20}", reason) else "an unknown mark"


class CitationFilter:
    """Removes marks like 【3†L10-L15】 that browser_search leaves in the text: they point into pages that nobody sees."""

    _MARK = re.compile(r"【\d+(?::\d+)?†[^【】\n]*】")
    _HELD_MAX_CHARS = 60

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str, *, restarted: bool = False) -> str:
        """Returns the visible text; a mark is held back until it ends or proves to be none. *restarted*: forget the text before."""
        whole = self._MARK.sub("", ("" if restarted else self._held) + text)
        at = whole.rfind("【")
        if at < 0 or "】" in whole[at:] or len(whole) - at > self._HELD_MAX_CHARS:
            self._held = ""
            return whole
        self._held = whole[at:]
        return whole[:at]

    def finish(self) -> str:
        return self._held
