"""Run records: one row for each task that ended, newest last, at most about 20,000."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from openclaw_core.records import read, whole
from openclaw_core.store.client import Script
from openclaw_core.store.step_values import pairs
from openclaw_core.tasks.conversation import conversation_key

PAGE = 1000
"""Rows that are read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A row as `docs/data.md` describes it: no user text, and text for numbers. A field that a row does not have is empty."""

    task: str = ""
    state: str = ""
    cause: str = ""
    delivery: str = ""
    role: str = ""
    decision: str = ""
    attempt: str = ""
    job: str = ""
    warm: str = ""
    lost: str = ""
    run: str = ""
    """What it took and was made of: a `RunUsage`, as JSON."""
    order: str = ""
    """Digest of the role's snapshot."""
    tokens: str = ""
    """All that the task has taken, as its budgets count it."""
    micro_usd: str = ""
    """What all of it cost, in millionths of a dollar, as its budgets count it. Empty where a model of its answer has no price."""
    route_micro_usd: str = ""
    """Parts of `micro_usd`: routing, searches, recordings, and attempts that ended without an answer. The rest is the answer's."""
    search_micro_usd: str = ""
    recording_micro_usd: str = ""
    lost_micro_usd: str = ""
    route_tokens: str = ""
    route_ms: str = ""
    admitted_ms: str = ""
    queued_ms: str = ""
    released_ms: str = ""
    ready_ms: str = ""
    claimed_ms: str = ""
    attempt_ms: str = ""
    first_text_ms: str = ""
    answered_ms: str = ""
    through_ms: str = ""
    """When the task had its end, which was to be shown then."""
    ended_ms: str = ""
    timings: str = ""
    """What its agent did when, as JSON (`tasks.timings`); only while traces are on."""

    @property
    def row(self) -> dict[str, str]:
        """The fields that the row has."""
        return {name: value for name, value in asdict(self).items() if value}


class RunRecords:
    def __init__(self, script: Script) -> None:
        self._script = script

    async def newest(self, *, count: int) -> list[RunRecord]:
        """The newest rows first."""
        rows: list[Any] = await self._script.read("XREVRANGE", self._script.keys("runs"), "+", "-", "COUNT", count)
        return [read(RunRecord, pairs(fields)) for _, fields in rows]

    async def newest_first(self) -> AsyncIterator[tuple[str, RunRecord]]:
        """All rows with their ids, the newest first; a page is read when it is asked for."""
        before = "+"
        while True:
            rows: list[Any] = await self._script.read(
                "XREVRANGE", self._script.keys("runs"), before, "-", "COUNT", PAGE
            )
            for entry_id, fields in rows:
                before = f"({entry_id}"
                yield entry_id, read(RunRecord, pairs(fields))
            if len(rows) < PAGE:
                return

    async def find(self, task_id: str) -> RunRecord | None:
        """The row of a task; None if it has not ended, or its row has gone."""
        async for _, record in self.newest_first():
            if record.task == task_id:
                return record
        return None

    async def last_answer(self, chat_id: int, thread_id: int | None) -> RunRecord | None:
        """The row of the last answer that was shown in a chat or a topic; None if there is none, or its row has gone."""
        row = await self._script.read(
            "HGET", self._script.keys("chat", conversation_key(chat_id, thread_id)), "last_answer"
        )
        rows = await self._script.read("XRANGE", self._script.keys("runs"), row, row) if row else []
        return read(RunRecord, pairs(rows[0][1])) if rows else None

    async def last_id(self) -> str:
        """The id of the newest row; one that is before all where there is none."""
        rows: list[Any] = await self._script.read("XREVRANGE", self._script.keys("runs"), "+", "-", "COUNT", 1)
        return str(rows[0][0]) if rows else "0"

    async def after(self, entry_id: str, *, count: int = PAGE) -> list[tuple[str, RunRecord]]:
        """The rows that came after that one, the oldest first, *count* at most."""
        rows: list[Any] = await self._script.read(
            "XRANGE", self._script.keys("runs"), f"({entry_id}", "+", "COUNT", count
        )
        return [(str(found), read(RunRecord, pairs(fields))) for found, fields in rows]

    async def outcomes(self) -> dict[str, int]:
        """How many tasks ended how, as `state:cause`."""
        reply = await self._script.read("HGETALL", self._script.keys("outcomes"))
        return {name: whole(count) for name, count in pairs(reply).items()}
