"""Telegram's flood limits: one bucket for each chat, one for the bot, one for signs. All in memory, and nothing here sleeps.

A 429 rests its chat. The bot rests only if Telegram says so of the bot: three chats are refused within a second, and then a
probe, which is the next call of a chat that does not rest, is refused too. Since many chats may be refused for themselves,
the bot is probed again after 1, 2, 4 ... 60 s, and never rests longer than was asked.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from math import inf

from openclaw_core import logs
from openclaw_core.errors import FloodWait, MessengerUnauthorized, OpenClawError, Transient

log = logs.get(__name__)

# Telegram's published limits (telegram.constants.FloodLimit): 30 messages/s for a bot, 1/s in a chat with short bursts, 20/min in a group.
BOT_RATE_PER_S, BOT_BURST = 30.0, 30.0
PRIVATE_RATE_PER_S, PRIVATE_BURST = 1.0, 3.0
GROUP_RATE_PER_S, GROUP_BURST = 20 / 60, 5.0
SIGN_RATE_PER_S, SIGN_BURST = 30.0, 30.0
REFUSED_CHATS = 3
"""So many chats refused within `REFUSED_WITHIN_S`: the refusal may be of the bot."""
REFUSED_WITHIN_S = 1.0
TOKEN_PROBE_S = 5.0
"""Between two tries while Telegram does not know our token."""
REST_MIN_S, REST_MAX_S = 1.0, 60.0
"""Between two probes of a bot that rests, if more was asked."""
SWEEP_EVERY_S = 60.0
_TINY = 1e-6


class Rank(IntEnum):
    """Who goes first when calls have to wait."""

    FINAL = 0  # failures, final texts, and the message that one of them needs
    RESERVE = 1
    FIRST_WORDS = 2
    PREVIEW = 3
    SIGN = 4


# Tokens that a rank leaves for those before it.
BOT_RESERVE = (0, 4, 8, 12, 0)
CHAT_RESERVE = (0, 0, 1, 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Room that was taken for one call; what became of the call is to be told with it."""

    chat_id: int
    sign: bool = False
    probe: bool = False


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at *rate_per_s*, never more than *burst*."""

    rate_per_s: float
    burst: float
    level: float
    at: float

    def fill(self, now: float) -> None:
        if now > self.at:
            self.level = min(self.burst, self.level + (now - self.at) * self.rate_per_s)
            self.at = now

    def wait_s(self, tokens: float, now: float) -> float:
        """Seconds until *tokens* are there."""
        self.fill(now)
        missing = min(tokens, self.burst) - self.level
        return max(0.0, self.at - now) + missing / self.rate_per_s if missing > _TINY else max(0.0, self.at - now)


@dataclass(slots=True)
class _Gate:
    """Whether the bot as a whole may call. Closed, it lets one probe at a time pass, none before *until*."""

    closed: bool = False
    until: float = 0.0
    probing: bool = False
    rest_s: float = REST_MIN_S


class Limits:
    """Room for calls. *cautious*: another process may have used up the buckets just now, as after a change of leader."""

    def __init__(self, clock: Callable[[], float], *, cautious: bool = True) -> None:
        self._clock = clock
        self._cautious = cautious
        self._started = self._swept = now = clock()
        share = 1 / 3 if cautious else 1
        self._bot = Bucket(BOT_RATE_PER_S, BOT_BURST, BOT_BURST * share, now)
        self._signs = Bucket(SIGN_RATE_PER_S, SIGN_BURST, SIGN_BURST * share, now)
        self._chats: dict[int, Bucket] = {}
        self._gate = _Gate()
        self._refused: deque[tuple[float, int]] = deque()

    # ---- is there room

    def chat_wait_s(self, chat_id: int, rank: Rank, *, room: int = 1) -> float:
        """Seconds until the chat has room for *room* calls; 0 for now. The bot's limit is apart from it."""
        return self._chat(chat_id).wait_s(room + CHAT_RESERVE[rank], self._clock())

    def bot_wait_s(self, rank: Rank) -> float:
        """Seconds until the bot has room; infinite while a probe is under way."""
        now = self._clock()
        closed_s = 0.0
        if self._gate.closed:
            closed_s = inf if self._gate.probing else max(0.0, self._gate.until - now)
        return max(closed_s, self._bot.wait_s(1 + BOT_RESERVE[rank], now))

    def sign_wait_s(self) -> float:
        """Seconds until the bot has room for a sign; 1 while the bot rests, since a sign is no probe."""
        return 1.0 if self._gate.closed else self._signs.wait_s(1, self._clock())

    def rests_s(self, chat_id: int) -> float:
        """Seconds for which the chat rests after a refusal."""
        bucket = self._chats.get(chat_id)
        return max(0.0, bucket.at - self._clock()) if bucket else 0.0

    # ---- taking it

    def take(self, chat_id: int) -> Permit:
        """Take room for one call, after both waits were 0."""
        self._chat(chat_id).level -= 1
        self._bot.level -= 1
        probe = self._gate.closed
        self._gate.probing = probe or self._gate.probing
        self._sweep()
        return Permit(chat_id=chat_id, probe=probe)

    def take_sign(self, chat_id: int) -> Permit:
        """Take room for one sign, after `sign_wait_s` was 0."""
        self._signs.level -= 1
        return Permit(chat_id=chat_id, sign=True)

    def unused(self, permit: Permit) -> None:
        """No call was made after all."""
        self._chat(permit.chat_id).level += 1
        self._bot.level += 1
        self.unclear(permit)

    # ---- what became of the call

    def passed(self, permit: Permit) -> None:
        """Telegram answered, and not with 429 or 401."""
        if permit.probe:
            self._gate = _Gate()
            self._refused.clear()
            log.info("limits.bot_goes_on")

    def unclear(self, permit: Permit) -> None:
        """No answer: another call may be the probe."""
        if permit.probe:
            self._gate.probing = False

    def ended(self, permit: Permit, exc: OpenClawError) -> None:
        """The call ended with *exc*."""
        match exc:
            case FloodWait():
                self.refused(permit, exc.retry_after_s)
            case MessengerUnauthorized():
                self.unauthorized(permit)
            case Transient():
                self.unclear(permit)
            case _:
                self.passed(permit)

    def refused(self, permit: Permit, retry_after_s: float) -> None:
        """A 429: the chat rests for as long as was asked, the bot too if this was a probe."""
        now = self._clock()
        bucket = self._chat(permit.chat_id)
        bucket.fill(now)
        # One call when the rest is over, not a burst.
        bucket.level, bucket.at = min(bucket.level, 1.0), max(bucket.at, now + retry_after_s)
        log.warning("limits.refused", retry_after_s=retry_after_s, probe=permit.probe)
        if permit.probe:
            rest_s = self._gate.rest_s
            until = now + min(retry_after_s, rest_s)
            self._gate = _Gate(closed=True, until=until, rest_s=min(REST_MAX_S, rest_s * 2))
            return
        self._refused.append((now, permit.chat_id))
        while self._refused[0][0] <= now - REFUSED_WITHIN_S:
            self._refused.popleft()
        if not self._gate.closed and len({chat for _, chat in self._refused}) >= REFUSED_CHATS:
            self._gate = _Gate(closed=True, until=now)

    def unauthorized(self, permit: Permit) -> None:
        """A 401: nothing passes but one probe each `TOKEN_PROBE_S`."""
        log.error("limits.token_refused", hint="set TELEGRAM_TOKEN")
        until = max(self._gate.until if self._gate.closed else 0.0, self._clock() + TOKEN_PROBE_S)
        self._gate = _Gate(closed=True, until=until, probing=self._gate.probing and not permit.probe)

    # ---- memory

    def _chat(self, chat_id: int) -> Bucket:
        bucket = self._chats.get(chat_id)
        if bucket is None:
            now = self._clock()
            group = chat_id < 0
            rate, burst = (GROUP_RATE_PER_S, GROUP_BURST) if group else (PRIVATE_RATE_PER_S, PRIVATE_BURST)
            level = min(burst, 1 + rate * (now - self._started)) if self._cautious else burst
            bucket = self._chats[chat_id] = Bucket(rate, burst, level, now)
        return bucket

    def _sweep(self) -> None:
        """Forget chats whose bucket is as a new one would be."""
        now = self._clock()
        if now < self._swept + SWEEP_EVERY_S:
            return
        self._swept = now
        for chat_id, bucket in list(self._chats.items()):
            if bucket.wait_s(bucket.burst, now) == 0:
                del self._chats[chat_id]
