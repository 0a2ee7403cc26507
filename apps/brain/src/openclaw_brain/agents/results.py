"""Results of agents: read what they write into their runs, tell delivery of new text, and record what has ended."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.chat.delivery.displays import Change
from openclaw_core.errors import BadTask, StoreFault
from openclaw_core.store import Became, Lanes, News
from openclaw_core.store.pools import task_of
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.timings import Timing

log = logs.get(__name__)
WAIT_S = 2.0
"""Shorter than the time-out of a call to Redis, which it counts in."""
REGROW_S = 0.05
"""Between two checks of a run of which more may be coming."""
FAULT_S = 0.2
"""After a command that Redis refused: `Lanes.reconcile` repairs the data within a second."""


@dataclass(kw_only=True)
class ResultReader:
    """Raises LostOwnership. The callbacks tell others what has changed."""

    news: News
    lanes: Lanes
    epoch: int
    on_text: Callable[[str], None]
    """A running task has new text. Gets its display."""
    on_changed: Callable[[Mapping[str, Change]], None]
    """Displays have changed."""
    on_claimed: Callable[[str, str, str], Awaitable[None]]
    """An agent works on a task, or has done so. Gets its Job, the task and the role."""
    on_chat_free: Callable[[], None]
    """A task has ended, and its chat has another one that waits."""
    on_timings: Callable[[Sequence[Timing]], None] = lambda _: None
    """An agent has ended a run. Gets what it has measured."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _growing: set[str] = field(default_factory=set, repr=False)

    async def run(self, loop: Loop) -> None:
        """Read until cancelled."""
        async with asyncio.TaskGroup() as group:

            async def read() -> float:
                try:
                    await self._read(group)
                except StoreFault:
                    log.error("news.not_read", hint="what agents wrote is found again within a second")
                    return FAULT_S
                return 0

            await loop.run(read, outage="news")

    async def _read(self, group: asyncio.TaskGroup) -> None:
        runs, texts = await self.news.wait(timeout_s=WAIT_S)
        changes, chat_free = {}, False
        for run, found in zip(runs, await self.news.adopt(runs, epoch=self.epoch) if runs else (), strict=True):
            if found.became in (Became.BEGAN, Became.ENDED):
                changes[f"t:{found.task_id}"] = Change(version=found.version, row=found.row, run=run)
                if found.job:
                    await self.on_claimed(found.job, found.task_id, found.role)
            if found.timings:
                self.on_timings(found.timings)
            chat_free = chat_free or (found.became is Became.ENDED and found.others_wait)
            if found.became is Became.RUNNING:
                self.on_text(f"t:{found.task_id}")
            elif found.became is Became.GROWS and run not in self._growing:
                self._growing.add(run)
                group.create_task(self._regrow(run, found.task_id), name=f"grow {found.task_id}")
        if changes:
            self.on_changed(changes)
        for run in texts:
            self.on_text(f"t:{task_of(run)}")
        if chat_free:
            self.on_chat_free()

    async def _regrow(self, run: str, task_id: str) -> None:
        """Make one record of all that the user sent, for an agent that waits for it before its first word."""

        async def step() -> float | None:
            try:
                return None if await self.news.regrow(run, epoch=self.epoch) else REGROW_S
            except BadTask:
                log.error("task.unreadable", task_id=task_id)
                await self.lanes.fail(task_id, Cause.BAD_TASK, epoch=self.epoch)
                return None

        try:
            await Loop(sleep=self.sleep).run(step)
        finally:
            self._growing.discard(run)
