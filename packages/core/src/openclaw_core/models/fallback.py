"""The fallback policy: after an error, wait and ask the same model again, send less, ask the next model, or give up.

One policy serves answers, routing and recordings. They differ in their `Limits` alone. `judge` is pure; `Attempts` keeps count;
`first_reply` asks until one model has replied. An answer that streams is asked for by `answer_stream`.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

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
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)
T = TypeVar("T")

SILENCE_S = 60.0
"""How long one answer may wait for models that say nothing, over all its calls. While another model could answer, a call may use up
half of what is left; the last one may use all of it."""
LEAST_SILENCE_S = 1.0

TOLD_FIRST = (
    Cause.MODEL_KEY, Cause.TOO_LONG, Cause.MODEL_BUSY, Cause.MODEL_DOWN, Cause.EMPTY_ANSWER, Cause.REFUSED, Cause.MODEL_GONE, Cause.INTERNAL,
)  # fmt: skip
"""If models failed in different ways, the user hears what helps most: a busy model is worth a retry, though another was gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is tried for one request."""

    calls: int = 6
    tries_per_model: int = 2
    rate_limit_tries: int = 3
    rate_wait_s: float = 60.0
    """A longer Retry-After is a reason to ask the next model."""
    shrinks: int = 3
    """How often less can be sent of a request that was too large."""
    empty: int = 3
    """Answers without a word. All but the first are asked for with as little thought as the model can."""
    refusal_ends: bool = False
    """Whether what one model refuses is refused by all: it is then the sender's fault."""


ANSWER = Limits()
ROUTING = Limits(tries_per_model=1, rate_limit_tries=1, shrinks=0)
"""There is a budget of a few seconds, and rules to fall back on: each model is asked once."""
RECORDING = Limits(rate_wait_s=20.0, shrinks=0, refusal_ends=True)


# ---- the policy: pure


class Then(Enum):
    RETRY = auto()
    SHRINK = auto()
    NEXT_MODEL = auto()
    NEXT_SERVER = auto()
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
    limits: Limits = ANSWER,
) -> Verdict:
    """*tries* counts the calls to this model, this one included; *left_s* is the time to the deadline; *jitter* is 0 to 1.

    *empty* counts the answers without a word, this one included; *last*: no other model is left; *silence_left_s*: see `SILENCE_S`.
    """
    backoff_s = 0.5 * 2 ** (tries - 1) * (0.5 + jitter)
    refused = Then.FAIL if limits.refusal_ends else Then.NEXT_MODEL
    match error:
        case RateLimited():
            wait_s = backoff_s if error.retry_after_s is None else error.retry_after_s
            if tries < limits.rate_limit_tries and wait_s <= min(limits.rate_wait_s, left_s - 1):
                return Verdict(then=Then.RETRY, cause=Cause.MODEL_BUSY, wait_s=wait_s)
            return Verdict(then=Then.NEXT_MODEL, cause=Cause.MODEL_BUSY)
        case RequestTooLarge():
            return Verdict(then=Then.SHRINK if shrink < limits.shrinks else refused, cause=Cause.TOO_LONG)
        case ModelGone():
            return Verdict(then=Then.NEXT_MODEL, cause=Cause.MODEL_GONE)
        case ChatUnauthorized():
            return Verdict(then=Then.NEXT_SERVER, cause=Cause.MODEL_KEY)
        case ModelSilent():
            if silence_left_s < LEAST_SILENCE_S:
                return Verdict(then=Then.FAIL, cause=Cause.MODEL_DOWN)
            again = last and tries < limits.tries_per_model
            return Verdict(then=Then.RETRY if again else Then.NEXT_MODEL, cause=Cause.MODEL_DOWN)
        case EmptyAnswer():
            if empty >= limits.empty:
                return Verdict(then=Then.FAIL, cause=Cause.EMPTY_ANSWER)
            again = empty == 1 and limits.tries_per_model > 1
            return Verdict(then=Then.RETRY if again else Then.NEXT_MODEL, cause=Cause.EMPTY_ANSWER)
        case ToolCalled():
            again = tries < limits.tries_per_model
            return Verdict(then=Then.RETRY if again else Then.NEXT_MODEL, cause=Cause.EMPTY_ANSWER)
        case ChatUnavailable() | StreamCut():
            if tries < limits.tries_per_model and backoff_s < left_s:
                return Verdict(then=Then.RETRY, cause=Cause.MODEL_DOWN, wait_s=backoff_s)
            return Verdict(then=Then.NEXT_MODEL, cause=Cause.MODEL_DOWN)
        case AnswerFiltered():
            return Verdict(then=Then.NEXT_MODEL, cause=Cause.REFUSED)
        case ChatRefused():
            return Verdict(then=refused, cause=Cause.REFUSED)
    return Verdict(then=Then.FAIL, cause=Cause.INTERNAL)


# ---- keeping count


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The next call: of which model, and with what earlier calls have taught."""

    model: str
    shrink: int
    """How often less is to be sent: 0 is the whole."""
    patience_s: float
    """How long the model may say nothing."""
    without_tools: bool
    """After a call of a tool that nobody runs."""
    without_thought: bool
    """After an answer of thoughts alone: as little thought as the model can."""


@dataclass(kw_only=True)
class Attempts:
    """The attempts at one request. Ask `next` for the call to make, and tell `failed` of its error; both until `next` gives None."""

    models: Sequence[str]
    """In order of preference."""
    limits: Limits = ANSWER
    provider_of: Callable[[str], str] = lambda model: ""
    """Whose server has a model: one that refuses the key is not asked for its other models."""
    deadline_s: float = float("inf")
    """From now on."""
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    calls: int = field(default=0, init=False)
    _causes: set[Cause] = field(default_factory=set, init=False)
    _left: list[str] = field(init=False)
    _tries: int = field(default=0, init=False)
    _shrink: int = field(default=0, init=False)
    _empty: int = field(default=0, init=False)
    _called_tool: bool = field(default=False, init=False)
    _silence_left_s: float = field(default=SILENCE_S, init=False)

    def __post_init__(self) -> None:
        self._left = list(self.models)
        self._ends = self.clock() + self.deadline_s

    @property
    def cause(self) -> Cause:
        """Why there is no reply, once nothing is left."""
        return min(self._causes, key=TOLD_FIRST.index, default=Cause.MODEL_DOWN)

    def next(self) -> Attempt | None:
        """The next call; None if nothing is left to try."""
        if not self._left or self.calls >= self.limits.calls:
            return None
        self.calls += 1
        self._tries += 1
        return Attempt(
            model=self._left[0],
            shrink=self._shrink,
            patience_s=self._silence_left_s if self._is_last else self._silence_left_s / 2,
            without_tools=self._called_tool,
            without_thought=self._empty > 0,
        )

    def failed(self, error: OpenClawError) -> float:
        """Note the error of the call that `next` gave last; gives the seconds to wait before the next one."""
        self._note(error)
        verdict = judge(
            error, tries=self._tries, shrink=self._shrink, left_s=self._ends - self.clock(), jitter=self.jitter(),
            empty=self._empty, last=self._is_last, silence_left_s=self._silence_left_s, limits=self.limits,
        )  # fmt: skip
        log.warning(
            "model.failed",
            model=self._left[0],
            error=type(error).__name__,
            then=verdict.then.name.lower(),
            wait_s=round(verdict.wait_s, 2),
        )
        self._causes.add(verdict.cause)
        match verdict.then:
            case Then.SHRINK:
                self._shrink += 1
                self._tries -= 1
            case Then.NEXT_MODEL:
                self._go_on(self._left[1:])
            case Then.NEXT_SERVER:
                refusing = self.provider_of(self._left[0])
                self._go_on([model for model in self._left if self.provider_of(model) != refusing])
            case Then.FAIL:
                self._go_on([])
        return verdict.wait_s

    @property
    def _is_last(self) -> bool:
        return len(self._left) == 1

    def _go_on(self, left: list[str]) -> None:
        self._left, self._tries, self._shrink = left, 0, 0

    def _note(self, error: OpenClawError) -> None:
        match error:
            case ModelSilent():
                self._silence_left_s -= error.silent_s
            case EmptyAnswer():
                self._empty += 1
            case ToolCalled():
                self._called_tool = True


# ---- a reply that comes whole


class NoReply(Exception):
    """No model of the list has replied; *cause* says why."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


async def first_reply(
    attempts: Attempts,
    ask: Callable[[Attempt], Awaitable[T]],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """What *ask* gives for the first attempt that works. Raises NoReply."""
    while (attempt := attempts.next()) is not None:
        try:
            return await ask(attempt)
        except OpenClawError as exc:
            wait_s = attempts.failed(exc)
        if wait_s:
            await sleep(wait_s)
    raise NoReply(attempts.cause)
