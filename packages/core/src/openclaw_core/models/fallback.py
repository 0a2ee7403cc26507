"""The fallback policy: after an error, retry the same model, send less, ask the next model, or give up.

One policy serves answers, routing and recordings; only their `FallbackLimits` differ. `decide_fallback` is pure, `Attempts` counts the
tries, and `first_reply` asks until one model has replied. `answer_stream` uses it for streamed answers.
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
    ToolsRefused,
)
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)
T = TypeVar("T")

SILENCE_S = 60.0
"""How long one answer may wait for silent models, over all its calls. While another model is left, a call may use half of the rest; the
last model may use all of it."""
LEAST_SILENCE_S = 1.0

CAUSE_PRIORITY = (
    Cause.MODEL_KEY, Cause.TOO_LONG, Cause.MODEL_BUSY, Cause.MODEL_DOWN, Cause.EMPTY_ANSWER, Cause.REFUSED,
    Cause.MODEL_GONE, Cause.INTERNAL,
)  # fmt: skip
"""If models failed in different ways, the user is told the first of these causes: a busy model is worth a retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackLimits:
    """How much one request may try."""

    calls: int = 6
    tries_per_model: int = 2
    rate_limit_tries: int = 3
    rate_wait_s: float = 60.0
    """A longer Retry-After is a reason to ask the next model."""
    shrinks: int = 3
    """How often a request that was too large can be shortened."""
    empty: int = 3
    """Empty answers. After the first one, models are asked to think as little as they can."""
    refusal_ends: bool = False
    """Whether a refusal by one model ends the request: all would refuse it."""


ANSWER = FallbackLimits()
ROUTING = FallbackLimits(tries_per_model=1, rate_limit_tries=1, shrinks=0)
"""Routing has a few seconds, and rules to fall back on: each model is asked once."""
RECORDING = FallbackLimits(rate_wait_s=20.0, shrinks=0, refusal_ends=True)


# ---- the policy: pure


class FallbackAction(Enum):
    RETRY = auto()
    SHRINK = auto()
    NEXT_MODEL = auto()
    NEXT_SERVER = auto()
    FAIL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackDecision:
    """What to do after an error: wait *wait_s*, then *action*. The user is told *cause* if no attempt is left."""

    action: FallbackAction
    cause: Cause
    wait_s: float = 0.0


def decide_fallback(
    error: OpenClawError,
    *,
    tries: int,
    shrink: int,
    left_s: float,
    jitter: float,
    empty: int = 1,
    last: bool = False,
    silence_left_s: float = SILENCE_S,
    limits: FallbackLimits = ANSWER,
) -> FallbackDecision:
    """*tries* counts the calls to this model, this one included; *left_s* is the time to the deadline; *jitter* is 0 to 1.

    *empty* counts the answers without a word, this one included; *last*: no other model is left; *silence_left_s*: see `SILENCE_S`.
    """
    backoff_s = 0.5 * 2 ** (tries - 1) * (0.5 + jitter)
    fail, next_model = FallbackAction.FAIL, FallbackAction.NEXT_MODEL
    refused = fail if limits.refusal_ends else next_model
    again, wait_s = False, 0.0
    match error:
        case RateLimited():
            wait_s = backoff_s if error.retry_after_s is None else error.retry_after_s
            again = tries < limits.rate_limit_tries and wait_s <= min(limits.rate_wait_s, left_s - 1)
            cause, action = Cause.MODEL_BUSY, next_model
        case RequestTooLarge():
            cause, action = Cause.TOO_LONG, FallbackAction.SHRINK if shrink < limits.shrinks else refused
        case ModelGone():
            cause, action = Cause.MODEL_GONE, next_model
        case ChatUnauthorized():
            cause, action = Cause.MODEL_KEY, FallbackAction.NEXT_SERVER
        case ModelSilent():
            is_over = silence_left_s < LEAST_SILENCE_S
            again = not is_over and last and tries < limits.tries_per_model
            cause, action = Cause.MODEL_DOWN, fail if is_over else next_model
        case EmptyAnswer():
            again = empty < limits.empty and empty == 1 and limits.tries_per_model > 1
            cause, action = Cause.EMPTY_ANSWER, fail if empty >= limits.empty else next_model
        case ToolCalled():
            again = tries < limits.tries_per_model
            cause, action = Cause.EMPTY_ANSWER, next_model
        case ChatUnavailable() | StreamCut():
            wait_s, again = backoff_s, tries < limits.tries_per_model and backoff_s < left_s
            cause, action = Cause.MODEL_DOWN, next_model
        case AnswerFiltered():
            cause, action = Cause.REFUSED, next_model
        case ChatRefused():
            cause, action = Cause.REFUSED, refused
        case _:
            cause, action = Cause.INTERNAL, fail
    if again:
        return FallbackDecision(action=FallbackAction.RETRY, cause=cause, wait_s=wait_s)
    return FallbackDecision(action=action, cause=cause)


# ---- keeping count


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The next call: its model, and what earlier calls have shown."""

    model: str
    shrink: int
    """How often the request was shortened: 0 is the whole."""
    patience_s: float
    """How long the model may be silent."""
    without_tools: bool
    """Set after a model called a tool that nobody runs, or when no model is left that takes tools."""
    without_thought: bool
    """Set after an empty answer: the model should think as little as it can."""


@dataclass(kw_only=True)
class Attempts:
    """The attempts at one request. `next` returns the call to make; `failed` takes its error. `next` returns None at the end."""

    models: Sequence[str]
    """In order of preference."""
    limits: FallbackLimits = ANSWER
    provider_of: Callable[[str], str] = lambda model: ""
    """The provider of a model: a server that refuses the key is not asked for its other models."""
    deadline_s: float = float("inf")
    """From now on."""
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    calls: int = field(default=0, init=False)
    causes: list[Cause] = field(default_factory=list, init=False)
    _left: list[str] = field(init=False)
    _tries: int = field(default=0, init=False)
    _shrink: int = field(default=0, init=False)
    _empty: int = field(default=0, init=False)
    _called_tool: bool = field(default=False, init=False)
    _refused_tools: list[str] = field(default_factory=list, init=False)
    _gave_up_tools: bool = field(default=False, init=False)
    _silence_left_s: float = field(default=SILENCE_S, init=False)

    def __post_init__(self) -> None:
        self._left = list(self.models)
        self._ends = self.clock() + self.deadline_s

    @property
    def cause(self) -> Cause:
        """Why there is no reply, once nothing is left."""
        return min(self.causes, key=CAUSE_PRIORITY.index, default=Cause.MODEL_DOWN)

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
            without_tools=self._called_tool or self._gave_up_tools,
            without_thought=self._empty > 0,
        )

    def failed(self, error: OpenClawError) -> float:
        """Note the error of the last call. Returns the seconds to wait before the next one."""
        self._note(error)
        decision = decide_fallback(
            error, tries=self._tries, shrink=self._shrink, left_s=self._ends - self.clock(), jitter=self.jitter(),
            empty=self._empty, last=self._is_last, silence_left_s=self._silence_left_s, limits=self.limits,
        )  # fmt: skip
        log.warning(
            "model.failed",
            model=self._left[0],
            error=type(error).__name__,
            then=decision.action.name.lower(),
            wait_s=round(decision.wait_s, 2),
        )
        self.causes.append(decision.cause)
        match decision.action:
            case FallbackAction.SHRINK:
                self._shrink += 1
                self._tries -= 1
            case FallbackAction.NEXT_MODEL:
                self._go_on(self._left[1:])
            case FallbackAction.NEXT_SERVER:
                refusing = self.provider_of(self._left[0])
                self._go_on([model for model in self._left if self.provider_of(model) != refusing])
            case FallbackAction.FAIL:
                self._go_on([])
        if not self._left and decision.action is not FallbackAction.FAIL:
            self._ask_without_tools()
        return decision.wait_s

    def _ask_without_tools(self) -> None:
        """Once no model is left: those that refused the request for its tools get it without."""
        if not self._refused_tools or self._gave_up_tools:
            return
        self._gave_up_tools = True
        log.warning("model.tools_refused", models=self._refused_tools)
        self._go_on(list(self._refused_tools))

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
            case ToolsRefused():
                self._refused_tools.append(self._left[0])


# ---- whole replies


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
    """Return the result of *ask* for the first attempt that works. Raises NoReply."""
    while (attempt := attempts.next()) is not None:
        try:
            return await ask(attempt)
        except OpenClawError as exc:
            wait_s = attempts.failed(exc)
        if wait_s:
            await sleep(wait_s)
    raise NoReply(attempts.cause)
