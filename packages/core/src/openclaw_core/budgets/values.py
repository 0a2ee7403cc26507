"""Limits of what may be spent, and the days and months for which they count. Money is in millionths of a dollar, as integers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum


class Scope(StrEnum):
    """Whose spending a limit counts."""

    USER = "user"
    CHAT = "chat"
    ALL = "all"


class Period(StrEnum):
    """For how long."""

    DAY = "day"
    MONTH = "month"


class Unit(StrEnum):
    """In what."""

    TOKENS = "tokens"
    MICRO_USD = "micro_usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most *amount* of *unit* for each *scope* in each *period*."""

    scope: Scope
    period: Period
    unit: Unit
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Tokens and money together."""

    tokens: int = 0
    micro_usd: int = 0

    def __add__(self, other: "Spend") -> "Spend":
        return Spend(tokens=self.tokens + other.tokens, micro_usd=self.micro_usd + other.micro_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much is left of all limits of a task besides what is spent and what other tasks have reserved. None: there is no limit in this unit."""

    tokens: int | None = None
    micro_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The day and the month of a moment, and when the next ones begin."""

    day: str
    """As `2026-11-30`."""
    month: str
    """As `2026-11`."""
    next_day: str
    """When the next day begins, for people: `2026-12-01 00:00 UTC`."""
    next_month: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolPrices:
    """Prices of what is not paid by tokens, in millionths of a dollar; 0: free, or not known."""

    search_micro_usd: float = 0.0
    """Of one search."""
    recording_micro_usd_per_s: float = 0.0
    """Of a second of a recording that is transcribed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """All of `budgets.yaml`."""

    limits: tuple[Limit, ...] = ()
    prices: ToolPrices = field(default_factory=ToolPrices)
    zone: tzinfo = UTC
    zone_name: str = "UTC"

    def calendar(self, now_s: float) -> Calendar:
        """The day and month at a Unix time, in the time zone of the budgets."""
        now = datetime.fromtimestamp(now_s, self.zone)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        tomorrow = midnight + timedelta(days=1)  # of the wall clock: a day of summer time's begin has 23 hours
        first = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        return Calendar(
            day=f"{now:%Y-%m-%d}",
            month=f"{now:%Y-%m}",
            next_day=f"{tomorrow:%Y-%m-%d %H:%M} {self.zone_name}",
            next_month=f"{first:%Y-%m-%d %H:%M} {self.zone_name}",
        )

    def by_field(self) -> Mapping[str, int]:
        """The limits as the store keeps them, by `user:day:tokens` and the like."""
        return {f"{one.scope}:{one.period}:{one.unit}": one.amount for one in self.limits}
