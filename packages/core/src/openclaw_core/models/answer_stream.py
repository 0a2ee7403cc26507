"""One answer out of a list of models: its text as it grows, its restarts, and its end. What follows an error is for `fallback` to say."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from openclaw_core.errors import OpenClawError
from openclaw_core.models.fallback import Attempt, Attempts
from openclaw_core.ports import ModelCall, Speaker, Usage
from openclaw_core.tasks.outcome import Cause

# ---- what the caller sees


@dataclass(frozen=True, slots=True)
class Grew:
    """More text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Restarted:
    """What came so far counts no more: the answer begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The whole answer; always the last event of a run that worked."""

    text: str = field(repr=False)
    model: str
    usage: Usage
    truncated: bool
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """No answer, and why; always the last event of a run that did not work."""

    cause: Cause
    calls: int


Event = Grew | Restarted | Answered | Failed

# ---- the loop


@dataclass(kw_only=True)
class Answerer:
    """Runs one answer. *make_call* gives the request for a model at a shrink level (0: whole); *deadline_s* counts from `run`."""

    chat: Speaker
    models: Sequence[str]
    make_call: Callable[[str, int], ModelCall]
    deadline_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def run(self) -> AsyncGenerator[Event]:
        """Yield text as it grows; the last event is Answered or Failed. Raises nothing of the chat's."""
        attempts = Attempts(
            models=self.models,
            provider_of=lambda model: self.make_call(model, 0).provider,
            deadline_s=self.deadline_s,
            clock=self.clock,
            jitter=self.jitter,
        )
        while (attempt := attempts.next()) is not None:
            parts: list[str] = []
            try:
                usage, truncated = Usage(counted=False), False
                async for piece in self.chat.stream(self._call(attempt)):
                    if piece.anew and parts:
                        parts.clear()
                        yield Restarted()
                    if piece.text:
                        parts.append(piece.text)
                        yield Grew(piece.text)
                    if piece.usage is not None:
                        usage = piece.usage
                    truncated = truncated or piece.truncated
                yield Answered(
                    text="".join(parts), model=attempt.model, usage=usage, truncated=truncated, calls=attempts.calls
                )
                return
            except OpenClawError as exc:
                wait_s = attempts.failed(exc)
            if parts:
                yield Restarted()
            if wait_s:
                await self.sleep(wait_s)
        yield Failed(cause=attempts.cause, calls=attempts.calls)

    def _call(self, attempt: Attempt) -> ModelCall:
        """The request of *attempt*, with what earlier ones have taught."""
        call = self.make_call(attempt.model, attempt.shrink)
        return replace(
            call,
            tools=() if attempt.without_tools else call.tools,
            reasoning_effort="none" if attempt.without_thought else call.reasoning_effort,
            first_token_timeout_s=min(call.first_token_timeout_s, attempt.patience_s),
            idle_timeout_s=min(call.idle_timeout_s, attempt.patience_s),
        )
