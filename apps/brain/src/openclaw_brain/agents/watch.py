"""What becomes of agents: ends of Jobs, leases that ran out, tasks past their deadline, stops that were not heard."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import inf

from openclaw_brain.agents.pool import PoolKeeper
from openclaw_brain.agents.ports import JobEnded, Launcher
from openclaw_core import logs
from openclaw_core.errors import StoreFault, StoreFull, StoreUnavailable
from openclaw_core.records import whole
from openclaw_core.store import Lanes, Pools
from openclaw_core.store.agent_work import LEASE_S
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)
STOP_HEARD_S = 2.0
TURN_S = 20.0
"""The longest that a waiting loop goes without a turn."""
DEADLINES_EVERY_S = 5.0
DEADLINE_GRACE_S = 15.0
"""The agent keeps the deadline itself; the brain steps in this much later."""


@dataclass(kw_only=True)
class Watch:
    """Judges, and lets the pool try again or the user be told. Every loop raises LostOwnership."""

    pools: Pools
    lanes: Lanes
    launcher: Launcher
    keeper_of: Callable[[str], PoolKeeper | None]
    current_pool: Callable[[str], str]
    epoch: int
    task_deadline_s: float
    lease_s: float = LEASE_S
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _unheard: dict[str, float] = field(default_factory=dict)
    """Jobs whose run was taken from them, and since when."""

    async def ends(
        self,
        *,
        turned: Callable[[], None],
        lost: Callable[[], None] = lambda: None,
        over: Callable[[], None] = lambda: None,
    ) -> None:
        """Judge each end of a Job as it comes. *over* is called after each, *lost* after one that left its task."""
        ends = self.launcher.ended()
        coming = asyncio.ensure_future(anext(ends))
        try:
            while True:
                turned()
                await asyncio.wait([coming], timeout=TURN_S)
                if not coming.done():
                    continue
                try:
                    if await self.judge(coming.result()):
                        lost()
                except StoreFault:
                    log.error("job.not_judged", hint="its lease ends by itself")
                except (StoreUnavailable, StoreFull):
                    await self.sleep(1)
                    continue
                coming = asyncio.ensure_future(anext(ends))
                over()
        finally:
            coming.cancel()

    async def judge(self, ended: JobEnded) -> bool:
        """One Job is over: its task, if it left one, goes on elsewhere; a fault before any claim is the pool's. Gives whether it left one."""
        verdict = ""
        state = (await self.pools.jobs(ended.pool)).get(ended.name)
        if state is not None and state.state == "claimed":
            verdict = await self.pools.lost(
                state.task_id,
                ended.cause or Cause.AGENT_LOST,
                pool=self.current_pool(ended.pool),
                job=ended.name,
                epoch=self.epoch,
            )
            if verdict:
                log.warning(
                    "job.lost",
                    job=ended.name,
                    task_id=state.task_id,
                    cause=(ended.cause or Cause.AGENT_LOST).value,
                    detail=ended.detail,
                    verdict=verdict,
                )
            if ended.cause is not None:
                await self.pools.note_job(
                    state.task_id, cause=ended.cause, detail=ended.detail, log_tail=ended.log_tail
                )
        keeper = self.keeper_of(ended.pool)
        if keeper is not None:
            if ended.cause is not None and state is not None and state.state in ("created", "waiting"):
                keeper.failed(ended.cause, ended.detail)
                if ended.log_tail:
                    log.error("job.log_tail", job=ended.name, tail=ended.log_tail)
            elif ended.cause is None or (state is not None and state.state == "claimed"):
                keeper.backoff.worked()
        if keeper is not None and state is not None and state.state == "retired":
            keeper.left(ended.name)
        else:
            await self.pools.forget(ended.pool, ended.name)
        return bool(verdict)

    async def leases(self, *, turned: Callable[[], None]) -> None:
        """Judge leases, but only after Redis has answered, and we have led, for one lease without a break:
        an outage of Redis or of the leader must not make every task look dead. Also repairs the store each time (`Lanes.reconcile`)."""
        answering_since, deadlines_at = self.clock(), -inf
        while True:
            turned()
            try:
                await self.lanes.reconcile(epoch=self.epoch)
                overdue = await self.pools.overdue()
                if self.clock() - answering_since >= self.lease_s:
                    await self._each(overdue, self._overdue)
                    if self.clock() - deadlines_at >= DEADLINES_EVERY_S:
                        deadlines_at = self.clock()
                        await self._deadlines()
                await self._stops()
            except StoreFault:
                pass  # logged where it came up; what is of another type is mended by then
            except (StoreUnavailable, StoreFull):
                answering_since = self.clock()
            await self.sleep(1)

    async def _each(self, task_ids: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
        """*work* for each task; one that Redis refuses holds up no other."""
        for task_id in task_ids:
            try:
                await work(task_id)
            except StoreFault:
                log.error("task.not_judged", task_id=task_id)

    async def _overdue(self, task_id: str) -> None:
        verdict = await self.pools.lost(task_id, Cause.AGENT_LOST, only_overdue=True, epoch=self.epoch)
        if verdict:
            log.warning("lease.ran_out", task_id=task_id, verdict=verdict)

    async def _deadlines(self) -> None:
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

    async def _stops(self) -> None:
        """End Jobs that go on with a run that was taken from them: they have had the time to hear of it."""
        now, gone = self.clock(), {}
        for pool in await self.pools.ids():
            claims = {name: job.run for name, job in (await self.pools.jobs(pool)).items() if job.state == "claimed"}
            for name in await self.pools.left(claims):
                gone[name] = self._unheard.get(name, now)
        self._unheard = gone
        alive = await self.launcher.alive()
        for name, since in gone.items():
            if now - since >= STOP_HEARD_S and name in alive:
                log.warning("stop.unheard", job=name)
                await self.launcher.delete(name)
