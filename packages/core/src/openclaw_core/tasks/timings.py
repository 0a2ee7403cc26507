"""The times of an agent's parts of a run: what it did, from when, for how long.

A trace is made of them (docs/traces.md). No word of a user.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar

from openclaw_core.ports import LimitsLeft, Usage
from openclaw_core.records import UNREADABLE, parsed, read
from openclaw_core.tasks.outcome import Cause

P = ParamSpec("P")
R = TypeVar("R")
PARTS_MAX = 80
"""Of one run; later ones are left out."""
NAME_MAX_CHARS = 100
DAY_MS = 86_400_000


class Part(StrEnum):
    """What an agent does for a run. A part that is missing here is a newer release's."""

    LOAD = "load"  # the libraries of an answer
    FILES = "files"  # fetching and reading what came with the message
    PROMPT = "prompt"
    MODEL = "model"  # one request to a model
    TOOL = "tool"  # one call of a tool
    HAND_OVER = "hand_over"  # begins here, ends when the leader has recorded the result


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One part. Times are milliseconds; *at_ms* counts from the claim."""

    part: Part
    at_ms: int
    ms: int = 0
    of: str = ""
    """The model or the tool."""
    fault: str = ""
    """Empty, or how it failed: the value of a Cause, or the fault of a call."""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    requests_left: int | None = None
    """Of a request to a model: percent of the key's limit that were left after it; None where the server does not say."""
    tokens_left: int | None = None


_DEFAULTS_BY_NAME = {one.name: one.default for one in fields(Timing)}
_DEFAULTS = tuple(_DEFAULTS_BY_NAME.values())


@dataclass(kw_only=True)
class Stopwatch:
    """Takes the timings of one run. *began_s* is the time of its claim by *clock*."""

    began_s: float
    clock: Callable[[], float] = time.monotonic
    timings: list[Timing] = field(default_factory=list)

    def took(self, part: Part, since_s: float, **more: str | int | None) -> None:
        """Note a part that began at *since_s* by the clock and ends now."""
        timing = Timing(part=part, at_ms=self._ms(self.began_s, since_s), ms=self._ms(since_s, self.clock()))
        if len(self.timings) < PARTS_MAX - 1:
            self.timings.append(replace(timing, **more))  # type: ignore[arg-type]

    def handed_over(self) -> tuple[Timing, ...]:
        """All timings, and last the hand-over that begins now. It is tried again where the user sent more."""
        return (*self.timings, Timing(part=Part.HAND_OVER, at_ms=self._ms(self.began_s, self.clock())))

    def asked(self, model: str, since_s: float, usage: Usage, left: LimitsLeft, cause: Cause | None) -> None:
        """Note a request to *model* that ends now."""
        fault = "" if cause is None else cause.value
        self.took(
            Part.MODEL, since_s, of=model, fault=fault, prompt_tokens=usage.prompt_tokens, answer_tokens=usage.answer_tokens,
            requests_left=left.requests, tokens_left=left.tokens,
        )  # fmt: skip

    @contextmanager
    def part(self, part: Part) -> Iterator[None]:
        """Time a block, also one that raises."""
        since_s = self.clock()
        try:
            yield
        finally:
            self.took(part, since_s)

    def once(self, part: Part, call: Callable[P, R]) -> Callable[P, R]:
        """*call*, of which the first time is noted: a prompt is built again for each attempt, of the same texts."""

        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            if any(one.part is part for one in self.timings):
                return call(*args, **kwargs)
            with self.part(part):
                return call(*args, **kwargs)

        return timed

    @staticmethod
    def _ms(from_s: float, to_s: float) -> int:
        return max(0, round((to_s - from_s) * 1000))


def timings_json(timings: Sequence[Timing]) -> str:
    """The timings as stored: each a list of its fields in order, without those at its end that have their defaults.

    New fields go to the end.
    """
    return json.dumps([_row(one) for one in timings], separators=(",", ":"))


def _row(timing: Timing) -> list[Any]:
    row = list(astuple(timing))
    while row[-1] == _DEFAULTS[len(row) - 1]:
        row.pop()
    return row


def timings_from(stored: str) -> tuple[Timing, ...]:
    """The timings that an agent has written, without those that cannot be read. An agent that is taken over may have written anything."""
    try:
        rows = parsed(stored) if stored else []
    except ValueError:
        return ()
    found: list[Timing] = []
    for row in rows[:PARTS_MAX] if isinstance(rows, list) else ():
        try:
            named = dict(zip(_DEFAULTS_BY_NAME, row, strict=False))
            timing = read(Timing, named, part=Part(named["part"]))
        except UNREADABLE:
            continue
        if _is_valid(timing):
            found.append(timing)
    return tuple(found)


def _is_valid(timing: Timing) -> bool:
    numbers = (timing.at_ms, timing.ms, timing.prompt_tokens, timing.answer_tokens)
    shares = (timing.requests_left, timing.tokens_left)
    return (
        all(type(number) is int and 0 <= number <= DAY_MS for number in numbers)
        and all(share is None or (type(share) is int and 0 <= share <= 100) for share in shares)
        and all(isinstance(name, str) and len(name) <= NAME_MAX_CHARS for name in (timing.of, timing.fault))
    )
