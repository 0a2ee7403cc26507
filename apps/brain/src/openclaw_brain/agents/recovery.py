"""Recovery: tasks of agents that ended, fell silent or overran go to another agent, or fail and their user is told why."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from openclaw_brain.agents.pool import PoolController
from openclaw_brain.agents.ports import JobEnded, Launcher
from openclaw_brain.loops import HEARTBEAT_S, Loop
from openclaw_core import logs
from openclaw_core.errors import StoreError, StoreFault
from openclaw_core.records import whole
from openclaw_core.store import Lanes, Pools
from openclaw_core.store.agent_work import LEASE_S
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)
STOP_GRACE_S = 2.0
LEASES_EVERY_S = 1.0
DEADLINES_EVERY_S = 5.0
DEADLINE_GRACE_S = 15.0
"""The agent keeps the deadline itself. The brain ends the task this much later."""


@dataclass(kw_only=True)
class Recovery:
    """*on_ended* is called after each end of a Job, *on_lost* after one that left its task. Both loops raise LostOwnership."""

    pools: Pools
    lanes: Lanes
    launcher: Launcher
    controller_of: Callable[[str], PoolController | None]
    successor_of: Callable[[str], str]
    """The pool that a lost task of a pool goes to."""
    epoch: int
    task_deadline_s: float
    on_ended: Callable[[], None] = lambda: None
    on_lost: Callable[[], None] = lambda: None
    lease_s: float = LEASE_S
    clock: Callable[[], float] = time.monotonic
    _ended: JobEnded | None = None
    """The end that is being handled: until then no other one is taken."""
    _answering_since: float = inf
    _deadlines_at: float = -inf
    _stops_at: float = -inf
    _ignoring: dict[str, float] = field(default_factory=dict)
    """Jobs whose run was taken from them, and since when."""

    async def follow_ends(self, loop: Loop) -> None:
        """Handle each end of a Job as it is reported."""
        await loop.run(self._next_end)

    async def _next_end(self) -> float:
        if self._ended is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    self._ended = await self.launcher.next_end()
        if self._ended is not None:
            try:
                if await self.handle_end(self._ended):
                    self.on_lost()
            except StoreFault:
                log.error("job.end_not_handled", hint="its lease ends by itself")
            self._ended = None
            self.on_ended()
        return 0

    async def handle_end(self, ended: JobEnded) -> bool:
        """Recover the task of a Job that ended. A fault before any claim is the pool's. Gives whether it left a task."""
        verdict = ""
        found = await self.pools.job(ended.pool, ended.name)
        state = found.state if found is not None else ""
        if found is not None and state == "claimed":
            task_id, cause = found.task_id, ended.cause or Cause.AGENT_LOST
            pool = self.successor_of(ended.pool)
            verdict = await self.pools.lost(task_id, cause, pool=pool, job=ended.name, epoch=self.epoch)
            if verdict:
                log.warning(
                    "job.lost", job=ended.name, task_id=task_id, cause=cause.value, detail=ended.detail, verdict=verdict
                )
            if ended.cause is not None:
                await self.pools.note_job(task_id, cause=ended.cause, detail=ended.detail, log_tail=ended.log_tail)
        controller = self.controller_of(ended.pool)
        if controller is not None:
            if ended.cause is not None and state in ("created", "waiting"):
                controller.failed(ended.cause, ended.detail)
                if ended.log_tail:
                    log.error("job.log_tail", job=ended.name, tail=ended.log_tail)
            elif ended.cause is None or state == "claimed":
                controller.backoff.reset()
        if controller is not None and state == "retired":
            controller.exited(ended.name)
        else:
            await self.pools.forget(ended.pool, ended.name)
        return bool(verdict)

    async def check_leases(self, loop: Loop) -> None:
        """Recover tasks whose lease ran out, whose deadline passed or whose agent ignores a stop; also repair the store
        (`Lanes.reconcile`).

        Only after Redis has answered, and this brain has led, for one lease without a break: an outage must not make every task look lost.
        """
        self._answering_since = self.clock()
        await loop.run(self._check, retry_s=LEASES_EVERY_S)

    async def _check(self) -> float:
        try:
            await self.lanes.reconcile(epoch=self.epoch)
            overdue = await self.pools.overdue()
            if self.clock() - self._answering_since >= self.lease_s:
                await self._each(overdue, self._expire)
                if self.clock() - self._deadlines_at >= DEADLINES_EVERY_S:
                    self._deadlines_at = self.clock()
                    await self._check_deadlines()
            if self.clock() - self._stops_at >= STOP_GRACE_S:
                self._stops_at = self.clock()
                await self._check_stops()
        except StoreFault:
            pass  # logged where it occurred; the next check repairs what is of another type
        except StoreError:
            self._answering_since = self.clock()
            raise
        return LEASES_EVERY_S

    async def _each(self, task_ids: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
        """Do *work* for each task. One that Redis refuses does not stop the others."""
        for task_id in task_ids:
            try:
                await work(task_id)
            except StoreFault:
                log.error("task.not_checked", task_id=task_id)

    async def _expire(self, task_id: str) -> None:
        verdict = await self.pools.lost(task_id, Cause.AGENT_LOST, only_overdue=True, epoch=self.epoch)
        if verdict:
            log.warning("lease.ran_out", task_id=task_id, verdict=verdict)

    async def _check_deadlines(self) -> None:
        released = await self.lanes.released()
        rows = await self.lanes.fields(released, "state", "attempt_ms") if released else []
        now_ms = round(time.time() * 1000)
        since = {
            task_id: row["attempt_ms"]
            for task_id, row in zip(released, rows, strict=True)
            if row["state"] in ("running", "preview")
            and now_ms - whole(row["attempt_ms"], now_ms) > (self.task_deadline_s + DEADLINE_GRACE_S) * 1000
        }

        async def fail(task_id: str) -> None:
            if await self.lanes.fail(task_id, Cause.DEADLINE, since=since[task_id], epoch=self.epoch):
                log.warning("task.deadline", task_id=task_id)

        await self._each(list(since), fail)

    async def _check_stops(self) -> None:
        """Delete Jobs that go on with a run that was taken from them, once they have had the time to notice."""
        now, gone = self.clock(), {}
        for pool in await self.pools.ids():
            claims = {name: job.run for name, job in (await self.pools.jobs(pool)).items() if job.state == "claimed"}
            for name in await self.pools.left(claims):
                gone[name] = self._ignoring.get(name, now)
        self._ignoring = gone
        alive = await self.launcher.alive()
        for name, since in gone.items():
            if now - since >= STOP_GRACE_S and name in alive:
                log.warning("stop.ignored", job=name)
                await self.launcher.delete(name)
