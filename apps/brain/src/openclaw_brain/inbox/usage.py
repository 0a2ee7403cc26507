"""The figures of /usage: what a user and the chat have spent, and what of it has a limit."""

import time
from collections.abc import Callable
from typing import Any

from openclaw_core.budgets.values import Period, Scope, Unit
from openclaw_core.store.budgets import Spending, amount_of

HERE = (Scope.USER, Scope.CHAT)
"""Whose spending a user is shown. What all have spent is for who runs the bot."""


async def usage_args(
    spending: Spending, *, user_id: int, chat_id: int, now_s: Callable[[], float] = time.time
) -> dict[str, Any]:
    """The arguments of a notice `usage`. In a private chat user and chat are one, so the chat is there only where it has a limit."""
    calendar = spending.budgets.calendar(now_s())
    spent = await spending.spent(calendar, user_id=user_id, chat_id=chat_id)
    limits = {(one.scope, one.period, one.unit): one.amount for one in spending.budgets.limits}
    limited = {scope for scope, _, _ in limits}
    return {
        "rows": [
            (scope, period, unit, amount_of(spent[scope][period], unit), limits.get((scope, period, unit), 0))
            for scope in HERE
            if scope is Scope.USER or user_id != chat_id or scope in limited
            for period in Period
            for unit in Unit
        ],
        "next_day": calendar.next_day,
        "next_month": calendar.next_month,
    }
