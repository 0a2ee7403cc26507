"""Telegram's flood limits: a bucket for the bot, one for each chat, and one for reactions and chat actions."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from openclaw_standin.bot_api.wire import too_many

JITTER_S = 0.2
"""Calls do not arrive as evenly as they left: a sender that keeps to the limit exactly is not refused for that."""


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at *rate_per_s*, never more than *size*."""

    rate_per_s: float
    size: float
    tokens: float
    at_s: float

    def refill(self, now_s: float) -> None:
        self.tokens = min(self.size, self.tokens + (now_s - self.at_s) * self.rate_per_s)
        self.at_s = now_s

    def wait_s(self) -> float:
        """Seconds until a whole token is there; 0 if it is."""
        return max(0.0, (1 - self.tokens) / self.rate_per_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Messages, edits and files count against the first three, actions and reactions against the last."""

    bot_per_s: float = 30.0
    private_per_s: float = 1.0
    private_burst: float = 3.0
    group_per_min: float = 20.0
    light_per_s: float = 30.0


class Flood:
    """Says 429 when a bot goes faster than *limits*. Switched off, it lets everything pass."""

    def __init__(
        self, limits: Limits = Limits(), *, on: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self.on = on
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def take(self, chat_id: int, *, group: bool) -> None:
        """Count one message, edit or file. Raises Refused (429) with the seconds to wait, and counts nothing then."""
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
