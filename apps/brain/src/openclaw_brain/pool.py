"""How many agents to start or to send away now: a pure plan, and the loop that carries it out by `create_agent_job`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from openclaw_brain.ports import Launcher, LaunchFailed, Pool
from openclaw_core import logs
from openclaw_core.errors import StoreFull, StoreUnavailable
from openclaw_core.outcome import Cause
from openclaw_core.store import Lanes, Pools
from openclaw_core.store.pools import JobState

log = logs.get(__name__)

STARTING_S = 60.0
"""A Job that has not checked in by then counts as gone."""
SILENT_S = 15.0
"""A waiting agent checks in every 4 s; one that is silent for this long counts as gone."""
NOTICE_AFTER_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now: *create* new Jobs, *retire* these, *forget* those that are gone."""

    create: int = 0
    retire: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()


def plan(
    jobs: Mapping[str, JobState],
    *,
    alive: frozenset[str],
    ready: int,
    warm: int,
    cap: int,
    now_ms: int,
    cause: Cause | None = None,
) -> Plan:
    """Keep `ready + warm` unbound Jobs alive and at most *cap* in all. With a *cause*, one probe Job at a time.

    A Job unknown to the launcher still counts while it checks in: it may belong to the brain before us.
    """
    unbound, bound, gone = [], 0, []
    for name, job in sorted(jobs.items()):
        age_s = (now_ms - job.since_ms) / 1000
        if job.state == "claimed":
            if name in alive or job.task_id:
                bound += 1
        elif job.state == "retired":
            if name not in alive and age_s > SILENT_S:
                gone.append(name)
        elif name in alive or age_s < (STARTING_S if job.state == "created" else SILENT_S):
            unbound.append(name)
        else:
            gone.append(name)
    wanted = min(ready + warm, max(0, cap - bound))
    if cause is not None:
        wanted = min(wanted, 1)
    # An idle surplus is kept for a while: the next burst is served by it.
    surplus = (
        [name for name in unbound if jobs[name].state == "waiting"][wanted + 4 :] if len(unbound) > wanted + 4 else []
    )
    return Plan(create=max(0, wanted - len(unbound)), retire=tuple(surplus), forget=tuple(gone))


@dataclass(kw_only=True)
class Backoff:
    """1, 2, 4 … 60 s between tries while a pool has a cause."""

    cause: Cause | None = None
    since: float = 0.0
    pause_s: float = 0.0
    next_try: float = 0.0

    def failed(self, cause: Cause, now: float) -> None:
        if self.cause is None:
            self.since = now
        self.cause = cause
        self.pause_s = min(60.0, max(1.0, self.pause_s * 2))
        self.next_try = now + self.pause_s

    def worked(self) -> None:
        self.cause, self.pause_s, self.next_try = None, 0.0, 0.0


@dataclass(kw_only=True)
class PoolKeeper:
    """One pool: as many agents as its work needs."""

    pool: Pool
    pools: Pools
    lanes: Lanes
    launcher: Launcher
    epoch: int
    warm: int
    cap: int
    queue_deadline_s: float
    backoff: Backoff = field(default_factory=Backoff)
    clock: Callable[[], float] = time.monotonic

    async def create_agent_job(self) -> str:
        """Start one agent, the only way there is: its number is written down before it is created. Raises LaunchFailed."""
        name = await self.pools.new_job(self.pool.id, f"agent-{self.pool.template}-{self.pool.hash8}", epoch=self.epoch)
        started = self.clock()
        try:
            await self.launcher.create(name, self.pool)
        except LaunchFailed:
            await self.pools.forget(self.pool.id, name)
            raise
        log.info("job.created", job=name, took_s=round(self.clock() - started, 3))
        return name

    async def forever(self, *, nudge: asyncio.Event, turned: Callable[[], None]) -> None:
        """Keep the pool until cancelled. Raises LostOwnership."""
        looked_at_queue = 0.0
        while True:
            turned()
            nudge.clear()
            try:
                await self.keep()
                if self.clock() - looked_at_queue >= 1:
                    looked_at_queue = self.clock()
                    await self.tell_waiting()
            except (StoreUnavailable, StoreFull):
                await asyncio.sleep(1)
                continue
            try:
                async with asyncio.timeout(0.2):
                    await nudge.wait()
            except TimeoutError:
                pass

    async def keep(self) -> None:
        """Carry out the plan of this moment."""
        jobs = await self.pools.jobs(self.pool.id)
        ready = await self.pools.ready(self.pool.id)
        alive = await self.launcher.alive()
        todo = plan(
            jobs,
            alive=alive,
            ready=len(ready),
            warm=self.warm,
            cap=self.cap,
            now_ms=round(time.time() * 1000),
            cause=self.backoff.cause,
        )
        for name in todo.forget:
            await self.pools.forget(self.pool.id, name)
        for name in todo.retire:
            if await self.pools.retire(self.pool.id, name):
                log.info("job.retired", job=name)
        if self.backoff.cause is not None and self.clock() < self.backoff.next_try:
            return
        for _ in range(todo.create):
            try:
                await self.create_agent_job()
            except LaunchFailed as exc:
                self.backoff.failed(exc.cause, self.clock())
                log.error(
                    "pool.cannot_start", pool=self.pool.id, cause=exc.cause.value, next_try_s=self.backoff.pause_s
                )
                return

    async def tell_waiting(self) -> None:
        """Tasks that have been ready for long: a notice while the pool has a cause, the end at the queue's deadline."""
        ready = await self.pools.ready(self.pool.id)
        if not ready:
            return
        now_ms = time.time() * 1000
        for task_id, row in zip(ready, await self.lanes.fields(ready, "ready_ms", "admitted_ms"), strict=True):
            if now_ms - float(row["admitted_ms"] or now_ms) > self.queue_deadline_s * 1000:
                await self.lanes.fail(task_id, self.backoff.cause or Cause.QUEUE_DEADLINE, epoch=self.epoch)
            elif self.backoff.cause is not None and now_ms - float(row["ready_ms"] or now_ms) > NOTICE_AFTER_S * 1000:
                await self.lanes.tell_waiting(task_id, self.backoff.cause, epoch=self.epoch)
