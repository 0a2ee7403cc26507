"""Feedback on answers: one row for each that was given, newest last, at most about 20,000.

It stands beside run records, which never change.
"""

from dataclasses import dataclass
from typing import Any

from openclaw_core.records import UNREADABLE
from openclaw_core.store.client import Script
from openclaw_core.store.run_records import PAGE
from openclaw_core.store.step_values import pairs
from openclaw_core.tasks.feedback import Feedback, FeedbackKind, by_task


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRow:
    """Feedback on the answer of *task*. *kind* is None where a newer release has another one."""

    entry_id: str
    task: str
    kind: FeedbackKind | None


class FeedbackRecords:
    def __init__(self, script: Script) -> None:
        self._script = script

    async def after(self, entry_id: str) -> list[FeedbackRow]:
        """The rows that came after that one, the oldest first, PAGE at most."""
        rows: list[Any] = await self._script.read(
            "XRANGE", self._script.keys("feedback"), f"({entry_id}", "+", "COUNT", PAGE
        )
        return [_row(str(found), fields) for found, fields in rows or ()]

    async def by_task(self) -> dict[str, Feedback]:
        """All that is kept, by the task of the answer."""
        given: list[FeedbackRow] = []
        while page := await self.after(given[-1].entry_id if given else "0"):
            given += page
            if len(page) < PAGE:
                break
        return by_task((row.task, row.kind) for row in given if row.kind)


def _row(entry_id: str, fields: Any) -> FeedbackRow:
    try:
        values = pairs(fields)
        return FeedbackRow(entry_id=entry_id, task=values.get("task", ""), kind=FeedbackKind(values["kind"]))
    except UNREADABLE:
        return FeedbackRow(entry_id=entry_id, task="", kind=None)
