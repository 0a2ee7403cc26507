"""Telegram's flood limits: a bucket for the bot, one for each chat, and one for reactions and chat actions."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from openclaw_standin.bot_api.wire import too_many

JITTER_S = 0.2
"""Calls arrive less evenly than they were sent. A sender that keeps the limit exactly must not be refused."""


@dataclass(slots=True)
class Bucket:
    """A token bucket: tokens come back at *rate_per_s*, up to *size*."""

    rate_per_s: float
    size: float
    tokens: float
    at_s: float

    def refill(self, now_s: float) -> None:
        self.tokens = min(self.size, self.tokens + (now_s - self.at_s) * self.rate_per_s)
        self.at_s = now_s

    def wait_s(self) -> float:
        """Seconds until there is a whole token; 0 if there is one."""
        return max(0.0, (1 - self.tokens) / self.rate_per_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodTimes:
    """`light_per_s` is for chat actions and reactions, the others for messages, edits and files."""

    bot_per_s: float = 30.0
    private_per_s: float = 1.0
    private_burst: float = 3.0
    group_per_min: float = 20.0
    light_per_s: float = 30.0


class Flood:
    """Refuses calls above *limits* with 429, unless it is switched off."""

    def __init__(
        self, limits: FloodTimes = FloodTimes(), *, on: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self.on = on
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def take(self, chat_id: int, *, group: bool) -> None:
        """Count one message, edit or file. Raises ErrorReply (429) with the seconds to wait; then nothing is counted."""
        limits = self._limits
        chat = (
            (limits.group_per_min / 60, limits.group_per_min) if group else (limits.private_per_s, limits.private_burst)
        )
        self._take({"bot": (limits.bot_per_s, limits.bot_per_s), f"chat:{chat_id}": chat})

    def take_light(self) -> None:
        """Count one chat action or reaction."""
        self._take({"light": (self._limits.light_per_s, self._limits.light_per_s)})

    def _take(self, wanted: dict[str, tuple[float, float]]) -> None:
        if not self.on:
            return
        now = self._clock()
        buckets = [self._bucket(name, rate, burst, now) for name, (rate, burst) in wanted.items()]
        wait_s = max(bucket.wait_s() for bucket in buckets)
        if wait_s > 0:
            raise too_many(math.ceil(wait_s))
        for bucket in buckets:
            bucket.tokens -= 1

    def _bucket(self, name: str, rate: float, burst: float, now: float) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            size = burst + rate * JITTER_S
            bucket = self._buckets[name] = Bucket(rate, size, size, now)
        bucket.refill(now)
        return bucket
