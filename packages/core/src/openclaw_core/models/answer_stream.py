"""Streams one answer from the first model of a list that works. `fallback` decides what follows an error.

Where a model may call functions, this is one step: the answer, or the calls that have to be run before the model goes on.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from openclaw_core.errors import OpenClawError
from openclaw_core.models.fallback import Attempt, Attempts
from openclaw_core.models.function_calls import without_functions
from openclaw_core.ports import FunctionCall, LimitsLeft, ModelCall, StreamingModel, Usage
from openclaw_core.tasks.outcome import Cause

# ---- events


@dataclass(frozen=True, slots=True)
class TextAdded:
    """The answer has more text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnswerRestarted:
    """The text so far is void: the answer begins again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerComplete:
    """The whole answer; the last event."""

    text: str = field(repr=False)
    model: str
    usage: Usage
    truncated: bool
    calls: int
    """How often a model was asked."""
    wanted: tuple[FunctionCall, ...] = ()
    """What the model wants run before it goes on; *text* is then what it said about it, maybe nothing."""
    without_functions: bool = False
    """Whether there were functions, and none of the models took any: the answer is from memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFailed:
    """There is no answer; the last event."""

    cause: Cause
    calls: int


OnAsked = Callable[[str, float, Usage, LimitsLeft, Cause | None], None]
"""Gets a request to a model that has just ended: the model, when it began by the stream's clock, its tokens, what is
left of the limits, and why it failed, if it did.
"""

Event = TextAdded | AnswerRestarted | AnswerComplete | AnswerFailed

# ---- the loop


@dataclass(kw_only=True)
class AnswerStream:
    """*make_call* returns the request for a model at a shrink level (0: whole); *deadline_s* counts from `run`."""

    chat: StreamingModel
    models: Sequence[str]
    make_call: Callable[[str, int], ModelCall]
    deadline_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    on_asked: OnAsked | None = None

    async def run(self) -> AsyncGenerator[Event]:
        """Yield events; the last one is AnswerComplete or AnswerFailed. Raises no error of a model server."""
        attempts = Attempts(
            models=self.models,
            provider_of=lambda model: self.make_call(model, 0).provider,
            deadline_s=self.deadline_s,
            clock=self.clock,
            jitter=self.jitter,
        )
        while (attempt := attempts.next()) is not None:
            parts: list[str] = []
            began_s, usage, left = self.clock(), Usage(counted=False), LimitsLeft()
            try:
                truncated = False
                wanted: tuple[FunctionCall, ...] = ()
                call, offered = self._call(attempt)
                began_s = self.clock()  # building the prompt is no part of the request
                async for piece in self.chat.stream(call):
                    if piece.restarted and parts:
                        parts.clear()
                        yield AnswerRestarted()
                    if piece.text:
                        parts.append(piece.text)
                        yield TextAdded(piece.text)
                    if piece.usage is not None:
                        usage, left = piece.usage, piece.left
                    truncated = truncated or piece.truncated
                    wanted = piece.calls or wanted
                if self.on_asked is not None:
                    self.on_asked(attempt.model, began_s, usage, left, None)
                yield AnswerComplete(
                    text="".join(parts), model=attempt.model, usage=usage, truncated=truncated, calls=attempts.calls,
                    wanted=wanted, without_functions=offered and not call.functions,
                )  # fmt: skip
                return
            except OpenClawError as exc:
                wait_s = attempts.failed(exc)
                if self.on_asked is not None:
                    self.on_asked(attempt.model, began_s, usage, left, attempts.causes[-1])
            if parts:
                yield AnswerRestarted()
            if wait_s:
                await self.sleep(wait_s)
        yield AnswerFailed(cause=attempts.cause, calls=attempts.calls)

    def _call(self, attempt: Attempt) -> tuple[ModelCall, bool]:
        """The request of *attempt*, changed by what earlier ones have shown, and whether it had functions before that."""
        call = self.make_call(attempt.model, attempt.shrink)
        return replace(
            call,
            tools=() if attempt.without_tools else call.tools,
            functions=() if attempt.without_tools else call.functions,
            messages=without_functions(call.messages) if attempt.without_tools else call.messages,
            reasoning_effort="none" if attempt.without_thought else call.reasoning_effort,
            first_token_timeout_s=min(call.first_token_timeout_s, attempt.patience_s),
            idle_timeout_s=min(call.idle_timeout_s, attempt.patience_s),
        ), bool(call.functions) and call.function_choice != "none"
