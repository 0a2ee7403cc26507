"""One pool of agents: the controller that carries out its plan."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from openclaw_brain.agents.plan import plan
from openclaw_brain.agents.ports import Launcher, LaunchFailed, Pool
from openclaw_core import logs
from openclaw_core.errors import StoreFault
from openclaw_core.records import whole
from openclaw_core.store import Lanes, Pools
from openclaw_core.store.pools import JobState, task_of
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)

MISSING_S = 30.0
"""An end that the launcher reports is handled well within it, with the last lines of its log."""
NOTICE_AFTER_S = 20.0
CREATES_AT_ONCE = 8
"""Calls to the launcher under way. More would only queue at the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How many agents may run, and how long tasks may wait for one."""

    warm: int
    """Agents that wait besides those that have work."""
    cap: int
    """Agents of all pools together. Finished Jobs are deleted by it."""
    pool_cap: int = 1000
    """Agents of one pool."""
    starting_cap: int = 1000
    """Agents of one pool that may be starting at a time."""
    queue_deadline_s: float
    sleep_after_s: float = 0.0
    """After so long without a task no agents wait any more, until the next one. 0: they always wait."""


@dataclass(kw_only=True)
class Backoff:
    """1, 2, 4 … 60 s between tries while a pool has a cause."""

    cause: Cause | None = None
    pause_s: float = 0.0
    next_try: float = 0.0

    def waits(self, now: float) -> bool:
        return self.cause is not None and now < self.next_try

    def failed(self, cause: Cause, now: float) -> None:
        self.cause = cause
        # An API server comes back by itself. Any other cause needs a person.
        self.pause_s = min(5.0 if cause is Cause.CLUSTER else 60.0, max(1.0, self.pause_s * 2))
        self.next_try = now + self.pause_s

    def reset(self) -> None:
        self.cause, self.pause_s, self.next_try = None, 0.0, 0.0


@dataclass(kw_only=True)
class MissingJobs:
    """Jobs with a claim that the launcher does not know to be alive, and since when."""

    _since: dict[str, float] = field(default_factory=dict)

    def overdue(self, jobs: Mapping[str, JobState], alive: frozenset[str], now: float) -> dict[str, str]:
        """Jobs whose end will not be reported any more, each with the run that it claimed."""
        claims = {name: job.run for name, job in jobs.items() if job.state == "claimed" and name not in alive}
        self._since = {name: self._since.get(name, now) for name in claims}
        return {name: run for name, run in claims.items() if now - self._since[name] >= MISSING_S}


@dataclass(kw_only=True)
class PoolController:
    """Keeps as many agents of one pool as its work needs."""

    pool: Pool
    pools: Pools
    lanes: Lanes
    launcher: Launcher
    epoch: int
    limits: PoolLimits
    in_routing: Callable[[], Collection[str]] = frozenset
    """Ids of tasks that are being routed: their agents start meanwhile."""
    backoff: Backoff = field(default_factory=Backoff)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    asleep: bool = field(default=False, init=False)
    """Whether no agents wait, since nobody has asked for long."""
    _asked_at: float = field(default=0.0, init=False)
    check_soon: bool = field(default=False, init=False)
    """Whether the next check is due soon, even if nothing is reported until then."""
    full: bool = field(default=False, init=False)
    """Whether the last check left room for no more agents. The end of one makes room."""
    _missing: MissingJobs = field(default_factory=MissingJobs)
    _checked_in: set[str] = field(default_factory=set)
    """Agents that had checked in at the last check."""
    _exited: list[str] = field(default_factory=list)
    """Agents that ended in order. The next recorded Job removes their records; else they are removed like missing ones."""
    _labelled: bool = field(default=False, init=False)
    """Whether Jobs are labelled whose claims an earlier leader has seen; the others are labelled as their news come."""

    def __post_init__(self) -> None:
        self._asked_at = self.clock()  # a new leader and a new template begin awake

    async def create_agent_job(self) -> str:
        """Start one agent. Every agent starts here: its number is recorded before it is created. Raises LaunchFailed."""
        gone, self._exited = self._exited, []
        name = await self.pools.new_job(self.pool.id, f"agent-{self.pool.id}", epoch=self.epoch, gone=gone)
        started = self.clock()
        try:
            await self.launcher.create(name, self.pool)
        except LaunchFailed:
            await self.pools.forget(self.pool.id, name)
            raise
        log.info("job.created", job=name, took_s=round(self.clock() - started, 3))
        return name

    def exited(self, name: str) -> None:
        """An agent has done its last task, and its process has ended."""
        self._exited.append(name)

    async def scale(self) -> None:
        """Plan, and carry out the plan. Raises LostOwnership, StoreUnavailable, StoreFull."""
        jobs = await self.pools.jobs(self.pool.id)
        ready = await self.pools.ready(self.pool.id)
        in_routing = set(self.in_routing()) - {job.task_id for job in jobs.values()}  # without those claimed since
        alive = await self.launcher.alive()
        self._update_backoff(jobs)
        now_ms = round(self.now() * 1000)
        elsewhere = self._elsewhere(alive)
        cap = min(self.limits.pool_cap, max(1, self.limits.cap - elsewhere))
        wanted = len({*map(task_of, ready), *in_routing})
        self._sleep_or_wake(asked=wanted > 0 or any(job.state == "claimed" for job in jobs.values()))
        todo = plan(
            {**self._unrecorded(jobs, alive, now_ms), **jobs},
            alive=alive,
            ready=wanted,
            warm=0 if self.asleep else self.limits.warm,
            cap=cap,
            now_ms=now_ms,
            starting_cap=self.limits.starting_cap,
            cause=self.backoff.cause,
        )
        self.full = len(alive) - elsewhere + todo.create >= cap
        self.check_soon = todo.postponed > 0 or self.backoff.cause is not None
        # Jobs that ended while no brain ran: they would count against the cap for ever.
        missing = self._missing.overdue(jobs, alive, self.clock())
        for name in (*todo.forget, *await self.pools.left(missing)):
            await self.pools.forget(self.pool.id, name)
        for name in todo.retire:
            if await self.pools.retire(self.pool.id, name):
                log.info("job.retired", job=name)
        if not self._labelled:
            await self._label_claims(jobs)
            self._labelled = True
        if todo.create and not self.backoff.waits(self.clock()):
            await self.launcher.delete_finished(self.limits.cap)
            await self._create(todo.create)

    def _sleep_or_wake(self, *, asked: bool) -> None:
        """Agents that wait already stay until they are WARM_MAX_AGE_S old: asleep, nobody takes their places."""
        if asked:
            self._asked_at = self.clock()
        after_s = self.limits.sleep_after_s
        asleep = 0 < after_s <= self.clock() - self._asked_at
        if asleep != self.asleep:
            log.info("pool.sleeps" if asleep else "pool.wakes", pool=self.pool.id)
            self.asleep = asleep

    async def _create(self, count: int) -> None:
        """Start *count* agents, a few at a time. The first refusal is the pool's cause."""
        places = asyncio.Semaphore(CREATES_AT_ONCE)

        async def one() -> None:
            async with places:
                try:
                    if not self.backoff.waits(self.clock()):
                        await self.create_agent_job()
                except LaunchFailed as exc:
                    if not self.backoff.waits(self.clock()):
                        self.failed(exc.cause)

        await asyncio.gather(*(one() for _ in range(count)))

    def failed(self, cause: Cause, detail: str = "") -> None:
        """Record why no agent starts, and back off."""
        self.backoff.failed(cause, self.clock())
        log.error(
            "pool.cannot_start", pool=self.pool.id, cause=cause.value, detail=detail, next_try_s=self.backoff.pause_s
        )

    def _update_backoff(self, jobs: Mapping[str, JobState]) -> None:
        up = {name for name, job in jobs.items() if job.has_checked_in}
        if self.backoff.cause is not None and up - self._checked_in:
            self.backoff.reset()
            log.info("pool.starts_again", pool=self.pool.id)
        self._checked_in = up
        trouble = self.launcher.troubles().get(self.pool.id)
        if trouble is not None and self.backoff.cause is None:
            self.failed(trouble)

    def _elsewhere(self, alive: frozenset[str]) -> int:
        """How many agents other pools have: the cap is for all together."""
        return sum(1 for name in alive if not name.startswith(f"agent-{self.pool.id}-"))

    def _unrecorded(self, jobs: Mapping[str, JobState], alive: frozenset[str], now_ms: int) -> dict[str, JobState]:
        """Agents of this pool without a record in Redis. It was removed while the launcher did not answer; they may still come up."""
        mine = (name for name in alive if name.startswith(f"agent-{self.pool.id}-") and name not in jobs)
        return {name: JobState(state="created", since_ms=now_ms) for name in mine}

    async def _label_claims(self, jobs: Mapping[str, JobState]) -> None:
        claims = [(name, job.task_id) for name, job in jobs.items() if job.state == "claimed"]
        rows = await self.lanes.fields([task for _, task in claims], "role") if claims else []
        for (name, task_id), row in zip(claims, rows, strict=True):
            await self.launcher.claimed(name, task_id, row["role"] or "")

    async def tell_waiting(self) -> None:
        """End tasks that are past the queue's deadline. While the pool has a cause, tell the chats of tasks that wait for long."""
        now_ms = round(self.now() * 1000)
        deadline_ms = now_ms - round(self.limits.queue_deadline_s * 1000)
        notice_ms = now_ms - round(NOTICE_AFTER_S * 1000)
        ready = [task_of(run) for run in await self.pools.ready(self.pool.id)]
        if self.backoff.cause is Cause.NO_TOOLS:  # an operator's choice, or a release before: nothing comes by waiting
            await self._end(ready, state="ready")
            return
        rows = await self.lanes.fields(ready, "ready_ms", "admitted_ms") if ready else []
        since = list(zip(ready, rows, strict=True))
        late = [task_id for task_id, row in since if whole(row["admitted_ms"], now_ms) < deadline_ms]
        await self._end(late, state="ready")
        if self.backoff.cause is None or not ready:
            return
        # The tasks in lanes behind them wait for the same agents.
        await self._end(await self.lanes.waiting_since(deadline_ms), state="queued")
        waiting = [
            task_id for task_id, row in since if task_id not in late and whole(row["ready_ms"], now_ms) < notice_ms
        ]
        waiting += await self.lanes.waiting_since(notice_ms)
        if waiting and (notified := await self.lanes.tell_waiting(waiting, self.backoff.cause, epoch=self.epoch)):
            log.info("pool.waiting_notified", chats=notified, cause=self.backoff.cause.value)

    async def _end(self, late: Sequence[str], *, state: str) -> None:
        """Fail these tasks, if they are still in *state*."""
        for task_id in late:
            try:
                await self.lanes.fail(
                    task_id, self.backoff.cause or Cause.QUEUE_DEADLINE, state=state, epoch=self.epoch
                )
            except StoreFault:
                log.error("task.not_failed", task_id=task_id)
