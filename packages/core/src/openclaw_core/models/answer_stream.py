"""One answer out of a list of models: what is tried again, what falls back, what shrinks, and what ends with a cause."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from openclaw_core import logs
from openclaw_core.errors import (
    AnswerFiltered,
    ChatRefused,
    ChatUnauthorized,
    ChatUnavailable,
    EmptyAnswer,
    ModelGone,
    ModelSilent,
    OpenClawError,
    RateLimited,
    RequestTooLarge,
    StreamCut,
    ToolCalled,
)
from openclaw_core.outcome import Cause
from openclaw_core.ports import ModelCall, Speaker, Usage

log = logs.get(__name__)

MAX_CALLS = 6
MAX_SHRINK = 3
TRIES_PER_MODEL = 2
RATE_LIMIT_TRIES = 3
MAX_RATE_WAIT_S = 60.0
"""A longer Retry-After is a reason to ask the next model."""
MAX_EMPTY = 3
"""Answers without a word in one run. All but the first are asked for with as little thought as the model can."""
SILENCE_S = 60.0
"""How long one answer may wait for models that say nothing, over all its calls. While another model could answer, a call may use up
half of what is left; the last one may use all of it."""
LEAST_SILENCE_S = 1.0


TOLD_FIRST = (
    Cause.MODEL_KEY, Cause.TOO_LONG, Cause.MODEL_BUSY, Cause.MODEL_DOWN, Cause.EMPTY_ANSWER, Cause.REFUSED, Cause.MODEL_GONE, Cause.INTERNAL,
)  # fmt: skip
"""If models failed in different ways, the user hears what helps most: a busy model is worth a retry, though another was gone."""


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

# ---- the policy: pure


class Then(Enum):
    RETRY = auto()
    SHRINK = auto()
    NEXT_MODEL = auto()
    FAIL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do after an error: *wait_s* first, then *then*; *cause* is what the user hears if nothing is left."""

    then: Then
    cause: Cause
    wait_s: float = 0.0


def judge(
    error: OpenClawError,
    *,
    tries: int,
    shrink: int,
    left_s: float,
    jitter: float,
    empty: int = 1,
    last: bool = False,
    silence_left_s: float = SILENCE_S,
) -> Verdict:
    """*tries* counts the calls to this model, this one included; *left_s* is the time to the deadline; *jitter* is 0 to 1.

    *empty* counts the answers without a word, this one included; *last*: no other model is left; *silence_left_s*: see `SILENCE_S`.
    """
    backoff_s = 0.5 * 2 ** (tries - 1) * (0.5 + jitter)
    match error:
        case RateLimited():
            wait_s = backoff_s if error.retry_after_s is None else error.retry_after_s
            if tries < RATE_LIMIT_TRIES and wait_s <= min(MAX_RATE_WAIT_S, left_s - 1):
                return Verdict(then=Then.RETRY, cause=Cause.MODEL_BUSY, wait_s=wait_s)
            return Verdict(then=Then.NEXT_MODEL, cause=Cause.MODEL_BUSY)
        case RequestTooLarge():
            return Verdict(then=Then.SHRINK if shrink < MAX_SHRINK else Then.NEXT_MODEL, cause=Cause.TOO_LONG)
        case ModelGone():
            return Verdict(then=Then.NEXT_MODEL, cause=Cause.MODEL_GONE)
        case ChatUnauthorized():
            return Verdict(then=Then.FAIL, cause=Cause.MODEL_KEY)
        case ModelSilent():
            if silence_left_s < LEAST_SILENCE_S:
                return Verdict(then=Then.FAIL, cause=Cause.MODEL_DOWN)
            return Verdict(
                then=Then.RETRY if last and tries < TRIES_PER_MODEL else Then.NEXT_MODEL, cause=Cause.MODEL_DOWN
            )
        case EmptyAnswer():
            if empty >= MAX_EMPTY:
                return Verdict(then=Then.FAIL, cause=Cause.EMPTY_ANSWER)
            return Verdict(then=Then.RETRY if empty == 1 else Then.NEXT_MODEL, cause=Cause.EMPTY_ANSWER)
        case ToolCalled():
            return Verdict(then=Then.RETRY if tries < TRIES_PER_MODEL else Then.NEXT_MODEL, cause=Cause.EMPTY_ANSWER)
        case ChatUnavailable() | StreamCut():
            retry = tries < TRIES_PER_MODEL and backoff_s < left_s
            return Verdict(
                then=Then.RETRY if retry else Then.NEXT_MODEL,
                cause=Cause.MODEL_DOWN,
                wait_s=backoff_s if retry else 0.0,
            )
        case AnswerFiltered():
            return Verdict(then=Then.NEXT_MODEL, cause=Cause.REFUSED)
        case ChatRefused():
            return Verdict(then=Then.NEXT_MODEL, cause=Cause.REFUSED)
    return Verdict(then=Then.FAIL, cause=Cause.INTERNAL)


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
    _calls: int = 0
    _silence_left_s: float = SILENCE_S
    _empty: int = 0
    _without_tools: bool = False

    async def run(self) -> AsyncGenerator[Event]:
        """Yield text as it grows; the last event is Answered or Failed. Raises nothing of the chat's."""
        ends = self.clock() + self.deadline_s
        causes: set[Cause] = set()
        for model in self.models:
            tries, shrink, last = 0, 0, model == self.models[-1]
            while self._calls < MAX_CALLS:
                tries += 1
                self._calls += 1
                parts: list[str] = []
                try:
                    usage, truncated = Usage(counted=False), False
                    async for piece in self.chat.stream(self._call(model, shrink, last=last)):
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
                        text="".join(parts), model=model, usage=usage, truncated=truncated, calls=self._calls
                    )
                    return
                except OpenClawError as exc:
                    self._note(exc)
                    verdict = judge(
                        exc, tries=tries, shrink=shrink, left_s=ends - self.clock(), jitter=self.jitter(),
                        empty=self._empty, last=last, silence_left_s=self._silence_left_s,
                    )  # fmt: skip
                    log.warning(
                        "model.failed",
                        model=model,
                        error=type(exc).__name__,
                        then=verdict.then.name.lower(),
                        wait_s=round(verdict.wait_s, 2),
                    )
                causes.add(verdict.cause)
                if parts:
                    yield Restarted()
                if verdict.then is Then.FAIL:
                    yield Failed(cause=min(causes, key=TOLD_FIRST.index), calls=self._calls)
                    return
                if verdict.then is Then.NEXT_MODEL:
                    break
                if verdict.then is Then.SHRINK:
                    shrink += 1
                    tries -= 1
                if verdict.wait_s:
                    await self.sleep(verdict.wait_s)
        yield Failed(cause=min(causes, key=TOLD_FIRST.index, default=Cause.MODEL_DOWN), calls=self._calls)

    def _call(self, model: str, shrink: int, *, last: bool) -> ModelCall:
        """The request for *model*, with what earlier calls have taught: no tools after a call of one, little thought after nothing else."""
        call = self.make_call(model, shrink)
        patience_s = self._silence_left_s if last else self._silence_left_s / 2
        return replace(
            call,
            tools=() if self._without_tools else call.tools,
            reasoning_effort="none" if self._empty else call.reasoning_effort,
            first_token_timeout_s=min(call.first_token_timeout_s, patience_s),
            idle_timeout_s=min(call.idle_timeout_s, patience_s),
        )

    def _note(self, error: OpenClawError) -> None:
        match error:
            case ModelSilent():
                self._silence_left_s -= error.silent_s
            case EmptyAnswer():
                self._empty += 1
            case ToolCalled():
                self._without_tools = True
