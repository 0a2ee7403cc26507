"""How many agents to start or to send away now: a pure plan, and the loop that carries it out by `create_agent_job`."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from openclaw_brain.agents.ports import Launcher, LaunchFailed, Pool
from openclaw_core import logs
from openclaw_core.errors import StoreFault
from openclaw_core.records import whole
from openclaw_core.store import Lanes, Pools
from openclaw_core.store.pools import JobState, task_of
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)

CREATED_S = 8.0
"""A Job that was written down and that the launcher does not know by then was never created, or is forgotten there; it checks in if it lives."""
SILENT_S = 15.0
"""A waiting agent checks in every 4 s; one that is silent for this long counts as gone."""
UNSEEN_S = 30.0
"""An end that the launcher hears is judged well within it, the tail of its log fetched."""
NOTICE_AFTER_S = 20.0
CREATES_AT_ONCE = 8
"""Calls to the launcher under way; more only queue at the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now: *create* new Jobs, *retire* these, *forget* those that are gone."""

    create: int = 0
    short: int = 0
    """How many more are wanted than may start now."""
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
    starting_cap: int = 1000,
    cause: Cause | None = None,
) -> Plan:
    """Keep `ready + warm` unbound Jobs alive and at most *cap* in all. With a *cause*, one probe Job at a time.

    At most *starting_cap* start at a time: a start is work for the node's processors, so that fifty at once all come up late, where
    fifty in turn come up one after the other, and agents that take several tasks leave nothing to do for the last of them.

    A Job unknown to the launcher still counts while it checks in: it may belong to the brain before us.
    """
    unbound, bound, gone = [], 0, []
    for name, job in sorted(jobs.items()):
        age_s = (now_ms - job.since_ms) / 1000
        if job.state == "claimed":
            if name in alive or job.task_id:
                bound += 1
        elif job.state == "retired":
            if name in alive:
                bound += 1  # on its way out, but still there: the cap is for all
            elif age_s > SILENT_S:
                gone.append(name)
        elif name in alive or age_s < (CREATED_S if job.state == "created" else SILENT_S):
            unbound.append(name)
        else:
            gone.append(name)
    wanted = min(ready + warm, max(0, cap - bound))
    if cause is not None:
        # One probe besides those that are up: agents that wait already say nothing of whether another would come up now.
        wanted = min(wanted, 1 + sum(jobs[name].state == "waiting" for name in unbound))
    # An idle surplus is kept for a while: the next burst is served by it.
    surplus = (
        [name for name in unbound if jobs[name].state == "waiting"][wanted + 4 :] if len(unbound) > wanted + 4 else []
    )
    starting = sum(jobs[name].state == "created" for name in unbound)
    missing = max(0, wanted - len(unbound))
    create = max(0, min(missing, starting_cap - starting))
    return Plan(create=create, short=missing - create, retire=tuple(surplus), forget=tuple(gone))


@dataclass(kw_only=True)
class Backoff:
    """1, 2, 4 … 60 s between tries while a pool has a cause."""

    cause: Cause | None = None
    pause_s: float = 0.0
    next_try: float = 0.0

    def failed(self, cause: Cause, now: float) -> None:
        self.cause = cause
        # A cluster that does not answer comes back for all at once; what else is wrong waits for a person.
        self.pause_s = min(5.0 if cause is Cause.CLUSTER else 60.0, max(1.0, self.pause_s * 2))
        self.next_try = now + self.pause_s

    def worked(self) -> None:
        self.cause, self.pause_s, self.next_try = None, 0.0, 0.0


@dataclass(kw_only=True)
class Unseen:
    """Claims of Jobs that the launcher does not know to be alive, and since when: an end that is heard is judged before long."""

    _since: dict[str, float] = field(default_factory=dict)

    def for_long(self, jobs: Mapping[str, JobState], alive: frozenset[str], now: float) -> dict[str, str]:
        """Those for which no end will be heard any more, each with the run that it claimed."""
        claims = {name: job.run for name, job in jobs.items() if job.state == "claimed" and name not in alive}
        self._since = {name: self._since.get(name, now) for name in claims}
        return {name: run for name, run in claims.items() if now - self._since[name] >= UNSEEN_S}


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
    """Agents of all pools together, and by it their finished Jobs make room."""
    at_most: int = 1000
    """Agents of this pool alone."""
    starting_cap: int = 1000
    queue_deadline_s: float
    coming: Callable[[], Collection[str]] = frozenset
    """Ids of tasks that will be ready in a moment, once they are routed: their agents start meanwhile."""
    backoff: Backoff = field(default_factory=Backoff)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    hurries: bool = field(default=False, init=False)
    """Whether the next look is to come soon, though nothing may be heard until then."""
    _unseen: Unseen = field(default_factory=Unseen)
    _up: set[str] = field(default_factory=set)
    """Agents that had checked in at the last look."""
    _gone: list[str] = field(default_factory=list)
    """Agents that have left in order: forgotten with the next one that is written down. Those that are not go as others do, that nobody saw leave."""
    _shown: dict[str, str] = field(default_factory=dict)
    """Claims that the launcher has been told of."""

    async def create_agent_job(self) -> str:
        """Start one agent, the only way there is: its number is written down before it is created. Raises LaunchFailed."""
        gone, self._gone = self._gone, []
        name = await self.pools.new_job(self.pool.id, f"agent-{self.pool.id}", epoch=self.epoch, gone=gone)
        started = self.clock()
        try:
            await self.launcher.create(name, self.pool)
        except LaunchFailed:
            await self.pools.forget(self.pool.id, name)
            raise
        log.info("job.created", job=name, took_s=round(self.clock() - started, 3))
        return name

    def left(self, name: str) -> None:
        """An agent has done its last task, and its process has ended."""
        self._gone.append(name)

    async def keep(self) -> None:
        """Carry out the plan of this moment. Raises LostOwnership, StoreUnavailable, StoreFull."""
        jobs = await self.pools.jobs(self.pool.id)
        ready = await self.pools.ready(self.pool.id)
        coming = set(self.coming()) - {job.task_id for job in jobs.values()}  # claimed between two looks
        alive = await self.launcher.alive()
        self._judge(jobs)
        now_ms = round(self.now() * 1000)
        todo = plan(
            {**self._unwritten(jobs, alive, now_ms), **jobs},
            alive=alive,
            ready=len({*map(task_of, ready), *coming}),
            warm=self.warm,
            cap=min(self.at_most, max(1, self.cap - self._elsewhere(alive))),
            now_ms=now_ms,
            starting_cap=self.starting_cap,
            cause=self.backoff.cause,
        )
        self.hurries = todo.short > 0 or self.backoff.cause is not None
        # Ends that no brain has seen, since none was there: they would count against the cap for ever.
        unseen = self._unseen.for_long(jobs, alive, self.clock())
        for name in (*todo.forget, *await self.pools.left(unseen)):
            await self.pools.forget(self.pool.id, name)
        for name in todo.retire:
            if await self.pools.retire(self.pool.id, name):
                log.info("job.retired", job=name)
        await self._show_claims(jobs)
        if todo.create and (self.backoff.cause is None or self.clock() >= self.backoff.next_try):
            await self.launcher.make_room(self.cap)
            await self._create(todo.create)

    async def _create(self, count: int) -> None:
        """Start *count* agents, a few at a time; the first refusal is the pool's cause."""
        places = asyncio.Semaphore(CREATES_AT_ONCE)

        async def one() -> None:
            async with places:
                if self.backoff.cause is not None and self.clock() < self.backoff.next_try:
                    return
                try:
                    await self.create_agent_job()
                except LaunchFailed as exc:
                    if self.backoff.cause is None or self.clock() >= self.backoff.next_try:
                        self.failed(exc.cause)

        await asyncio.gather(*(one() for _ in range(count)))

    def failed(self, cause: Cause, detail: str = "") -> None:
        """No agent comes up, and this is why."""
        self.backoff.failed(cause, self.clock())
        log.error(
            "pool.cannot_start", pool=self.pool.id, cause=cause.value, detail=detail, next_try_s=self.backoff.pause_s
        )

    def _judge(self, jobs: Mapping[str, JobState]) -> None:
        up = {name for name, job in jobs.items() if job.has_checked_in}
        if self.backoff.cause is not None and up - self._up:
            self.backoff.worked()
            log.info("pool.starts_again", pool=self.pool.id)
        self._up = up
        trouble = self.launcher.troubles().get(self.pool.id)
        if trouble is not None and self.backoff.cause is None:
            self.failed(trouble)

    def _elsewhere(self, alive: frozenset[str]) -> int:
        """Agents of other pools: the cap is for all together."""
        return sum(1 for name in alive if not name.startswith(f"agent-{self.pool.id}-"))

    def _unwritten(self, jobs: Mapping[str, JobState], alive: frozenset[str], now_ms: int) -> dict[str, JobState]:
        """Agents of this pool of which Redis knows nothing: forgotten while the launcher could not be asked, they may still come up."""
        mine = (name for name in alive if name.startswith(f"agent-{self.pool.id}-") and name not in jobs)
        return {name: JobState(state="created", since_ms=now_ms) for name in mine}

    async def _show_claims(self, jobs: Mapping[str, JobState]) -> None:
        claims = {name: job.task_id for name, job in jobs.items() if job.state == "claimed"}
        fresh = [(name, task) for name, task in claims.items() if self._shown.get(name) != task]
        self._shown = claims
        if not fresh:
            return
        rows = await self.lanes.fields([task for _, task in fresh], "role")
        for (name, task_id), row in zip(fresh, rows, strict=True):
            await self.launcher.claimed(name, task_id=task_id, role=row["role"] or "")

    async def tell_waiting(self) -> None:
        """Tasks that have waited for long: their chats are told while the pool has a cause, and the tasks end at the queue's deadline."""
        now_ms = round(self.now() * 1000)
        ready = [task_of(run) for run in await self.pools.ready(self.pool.id)]
        rows = await self.lanes.fields(ready, "ready_ms", "admitted_ms") if ready else []
        deadline_ms = now_ms - round(self.queue_deadline_s * 1000)
        late = [
            task_id for task_id, row in zip(ready, rows, strict=True) if whole(row["admitted_ms"], now_ms) < deadline_ms
        ]
        await self._end(late, state="ready")
        if self.backoff.cause is None or not ready:
            return
        # Those in lanes behind them wait for the same.
        await self._end(await self.lanes.waiting_since(deadline_ms), state="queued")
        long_ago_ms = now_ms - round(NOTICE_AFTER_S * 1000)
        waiting = [
            task_id
            for task_id, row in zip(ready, rows, strict=True)
            if task_id not in late and whole(row["ready_ms"], now_ms) < long_ago_ms
        ]
        waiting += await self.lanes.waiting_since(long_ago_ms)
        if waiting and (told := await self.lanes.tell_waiting(waiting, self.backoff.cause, epoch=self.epoch)):
            log.info("pool.waiting_told", chats=told, cause=self.backoff.cause.value)

    async def _end(self, late: Sequence[str], *, state: str) -> None:
        """Tasks that nobody will take any more fail, if they are in *state* still."""
        for task_id in late:
            try:
                await self.lanes.fail(
                    task_id, self.backoff.cause or Cause.QUEUE_DEADLINE, state=state, epoch=self.epoch
                )
            except StoreFault:
                log.error("task.not_told", task_id=task_id)
