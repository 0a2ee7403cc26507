"""What agents write is heard here: progress and text go to delivery, results are carried out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from openclaw_core import logs
from openclaw_core.errors import BadTask, StoreFault, StoreFull, StoreUnavailable
from openclaw_core.store import Became, Lanes, News
from openclaw_core.store.pools import task_of
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)
WAIT_S = 2.0
"""Shorter than the time-out of a call to Redis, which it counts in."""
GROW_S = 0.05
"""Between two looks at a run of which more may be coming."""
FAULT_S = 0.2
"""After a fault of Redis' own: what stands wrong is put right within a second."""


@dataclass(kw_only=True)
class Hearing:
    """Raises LostOwnership. *grew* is told the display of a running task that has new text, *changed* the versions of displays that have changed,
    *began* that an agent has begun with its work, *room* that a chat waits for the place of a task that has ended."""

    news: News
    lanes: Lanes
    epoch: int
    grew: Callable[[str], None]
    changed: Callable[[Mapping[str, int]], None]
    began: Callable[[], None]
    room: Callable[[], None]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _growing: set[str] = field(default_factory=set, repr=False)

    async def forever(self, *, turned: Callable[[], None]) -> None:
        """Hear until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                turned()
                try:
                    await self._once(group)
                except StoreFault:
                    log.error("news.not_heard", hint="what was said is found again within a second")
                    await self.sleep(FAULT_S)
                except (StoreUnavailable, StoreFull):
                    log.warning("store.unavailable", during="news")
                    await self.sleep(1)

    async def _once(self, group: asyncio.TaskGroup) -> None:
        runs, texts = await self.news.wait(timeout_s=WAIT_S)
        versions, began, room = {}, False, False
        for run, heard in zip(runs, await self.news.adopt(runs, epoch=self.epoch) if runs else (), strict=True):
            if heard.became in (Became.BEGAN, Became.ENDED):
                versions[f"t:{heard.task_id}"] = heard.version
            began = began or heard.became is Became.BEGAN
            room = room or (heard.became is Became.ENDED and heard.others_wait)
            if heard.became is Became.RUNNING:
                self.grew(f"t:{heard.task_id}")
            elif heard.became is Became.GROWS and run not in self._growing:
                self._growing.add(run)
                group.create_task(self._regrow(run, heard.task_id), name=f"grow {heard.task_id}")
        if versions:
            self.changed(versions)
        for run in texts:
            self.grew(f"t:{task_of(run)}")
        if began:
            self.began()
        if room:
            self.room()

    async def _regrow(self, run: str, task_id: str) -> None:
        """One record of all that was sent, for an agent that is about to write its first word."""
        try:
            while not await self._regrown(run, task_id):
                await self.sleep(GROW_S)
        finally:
            self._growing.discard(run)

    async def _regrown(self, run: str, task_id: str) -> bool:
        """Whether nothing is left to do for *run*."""
        try:
            try:
                return await self.news.regrow(run, epoch=self.epoch)
            except BadTask:
                log.error("task.unreadable", task_id=task_id)
                await self.lanes.fail(task_id, Cause.BAD_TASK, epoch=self.epoch)
                return True
        except (StoreUnavailable, StoreFull):
            await self.sleep(1)
            return False
