"""Budgets in the store: the limits, a reservation for each task that is out, and what users, chats and all have spent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from openclaw_core.budgets.values import Budgets, Calendar, Limit, Period, Room, Scope, Spend, Unit
from openclaw_core.records import whole
from openclaw_core.store.client import Script
from openclaw_core.store.step_values import fenced, fenced_list, pairs


class Reserved(IntEnum):
    """What became of a task that asked for a reservation."""

    GONE = 0  # the task is not out, or not queued any more
    DONE = 1
    REFUSED = 2  # a limit is reached: the task has failed, and its chat is told
    WAITS = 3  # only what other tasks have reserved is in the way: it waits in its lane, and is released again
    LATE = 4  # it has waited for too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """The answer to a task that asked. *room* is that of one that may go on."""

    state: Reserved
    room: Room = field(default_factory=Room)


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """How much of a limit is spent in its present period."""

    limit: Limit
    spent: int

    @property
    def share(self) -> float:
        return self.spent / self.limit.amount


async def set_budgets(script: Script, budgets: Budgets, *, epoch: int) -> None:
    """Write the limits down for the tasks that are released from now on. Raises LostOwnership."""
    fenced(await script.step("set_budgets", limits=dict(budgets.by_field()), epoch=epoch))


async def reserve(
    script: Script, task_id: str, most: Spend, calendar: Calendar, *, epoch: int, wait_s: float = 900
) -> Reservation:
    """Reserve *most* for a released task, before a model is asked for it. Raises LostOwnership.

    Where a limit is reached, the task fails in the same step. Where only what others have reserved is in the way, the task
    goes back into its lane, for *wait_s* seconds at most. A task that has begun is never refused.
    """
    reply = await script.step(
        "reserve_budget",
        task=task_id,
        tokens=most.tokens,
        micro_usd=most.micro_usd,
        day=calendar.day,
        month=calendar.month,
        next_day=calendar.next_day,
        next_month=calendar.next_month,
        wait_ms=round(wait_s * 1000),
        epoch=epoch,
    )
    state, *room = fenced_list(reply)
    tokens, micro_usd = (int(one) if one else None for one in room or ("", ""))
    return Reservation(state=Reserved(int(state)), room=Room(tokens=tokens, micro_usd=micro_usd))


def spend_fields(
    calendar: Calendar, routing: Spend, *, recording_micro_usd: int = 0, model: str, asked_tokens: int
) -> dict[str, Any]:
    """What `Lanes.dispatch` needs so that a task is counted.

    *routing* is spent already, and each routing of a task counts. Its recordings count once. Where an attempt ends
    without its counts, *asked_tokens* and the text that came are counted by the price of *model*.
    """
    return {
        "day": calendar.day,
        "month": calendar.month,
        "tokens": routing.tokens or None,
        "micro_usd": routing.micro_usd or None,
        "recording_micro_usd": recording_micro_usd or None,
        "model": model,
        "asked_tokens": asked_tokens,
    }


class Spending:
    """What has been spent, as anybody may read it."""

    def __init__(self, script: Script, budgets: Budgets) -> None:
        self._script = script
        self.budgets = budgets

    async def spent(self, calendar: Calendar, *, user_id: int, chat_id: int) -> dict[Scope, dict[Period, Spend]]:
        """What a user, a chat and all together have spent in the periods of *calendar*."""
        keys = {
            Scope.USER: self._script.keys("spent", "user", user_id),
            Scope.CHAT: self._script.keys("spent", "chat", chat_id),
            Scope.ALL: self._script.keys("spent", "all"),
        }
        rows = await self._script.reads([("HGETALL", key) for key in keys.values()])
        return {scope: spent_of(pairs(row or {}), calendar) for scope, row in zip(keys, rows, strict=True)}

    async def used_by_all(self, calendar: Calendar) -> list[Used]:
        """How much is spent of each limit of all together. Raises StoreUnavailable."""
        limits = [one for one in self.budgets.limits if one.scope is Scope.ALL]
        if not limits:
            return []
        [row] = await self._script.reads([("HGETALL", self._script.keys("spent", "all"))])
        spent = spent_of(pairs(row or {}), calendar)
        return [Used(limit=one, spent=amount_of(spent[one.period], one.unit)) for one in limits]


def spent_of(row: Mapping[str, str], calendar: Calendar) -> dict[Period, Spend]:
    """What a hash `spent:…` says of the present periods: nothing is spent in one that it does not name yet."""
    present = {Period.DAY: calendar.day, Period.MONTH: calendar.month}
    return {
        period: Spend(tokens=whole(row.get(f"{period}_tokens")), micro_usd=whole(row.get(f"{period}_micro_usd")))
        if row.get(period) == name
        else Spend()
        for period, name in present.items()
    }


def amount_of(spent: Spend, unit: Unit) -> int:
    return spent.tokens if unit is Unit.TOKENS else spent.micro_usd
