"""What becomes of agents that end, fall silent, overrun or do not hear a stop, and what their tasks make of it."""

import asyncio
from dataclasses import dataclass, field

import pytest

from openclaw_brain.agents import recovery as module
from openclaw_brain.agents.pool import PoolController, PoolLimits
from openclaw_brain.agents.ports import JobEnded, Pool
from openclaw_brain.agents.recovery import Recovery
from openclaw_brain.loops import Loop
from openclaw_core.errors import StoreUnavailable
from openclaw_core.store import AgentWork, Pools, Script
from openclaw_core.store.pools import task_of
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import Answered, Run
from tests.core.store_world import ORDER, USAGE, World, task
from tests.fakes.launcher import FakeLauncher
from tests.waiting import until

POOL = Pool(template="p", hash8="0" * 8)


@dataclass(kw_only=True)
class Launcher(FakeLauncher):
    ends: "asyncio.Queue[JobEnded]" = field(default_factory=asyncio.Queue)

    async def next_end(self) -> JobEnded:
        return await self.ends.get()


class Scene:
    """A pool with one agent, `job-1`."""

    def __init__(self, script: Script) -> None:
        self.store = World(script)
        self.store.agent = self.agent("job-1")
        self.launcher = Launcher()
        self.now = 1000.0
        self.updates = 0

    async def open(self) -> "Scene":
        await self.store.lead()
        self.controller = PoolController(
            pool=POOL, pools=self.store.pools, lanes=self.store.lanes, launcher=self.launcher, epoch=self.store.epoch,
            limits=PoolLimits(warm=0, cap=10, queue_deadline_s=900),
        )  # fmt: skip
        self.recovery = Recovery(
            pools=self.store.pools, lanes=self.store.lanes, launcher=self.launcher, epoch=self.store.epoch, task_deadline_s=180,
            controller_of=lambda pool: self.controller if pool == POOL.id else None,
            successor_of=lambda _: "p-11111111", clock=lambda: self.now,
        )  # fmt: skip
        return self

    def agent(self, job: str) -> AgentWork:
        return self.store.work(job, pool=POOL.id)

    async def claimed(self, n: int = 1, *, chat: int = 1, agent: AgentWork | None = None) -> Run:
        one = task(n, chat=chat)
        await self.store.ask(one)
        await self.store.lanes.release(cap=10, at_most=10, epoch=self.store.epoch)
        assert await self.store.lanes.dispatch(
            one.with_snapshot(ORDER), pool=POOL.id, decision="rule", route_ms=1, route_tokens=0, epoch=self.store.epoch
        )
        return await self.store.claim(agent)

    async def stop(self, chat: int = 1) -> None:
        """The chat's user stops what runs."""
        self.updates += 1
        await self.store.effects({"op": "stop", "key": f"s{self.updates}", "chat": str(chat), "lang": "en"})

    async def stops(self, *, after_s: float) -> list[str]:
        """Look for what is not heard, then again *after_s* later; gives the Jobs that were deleted."""
        await self.recovery._check_stops()
        self.now += after_s
        await self.recovery._check_stops()
        return self.launcher.deleted

    async def ready(self, pool: str) -> list[str]:
        return [task_of(run) for run in await self.store.pools.ready(pool)]

    async def fields(self, *names: str) -> list[str | None]:
        [row] = await self.store.lanes.fields(["u1"], *names)
        return [row[name] for name in names]


@pytest.fixture
async def scene(script: Script) -> Scene:
    return await Scene(script).open()


def ended(cause: Cause | None, detail: str = "exit 1", tail: str = "last words") -> JobEnded:
    return JobEnded(name="job-1", pool=POOL.id, cause=cause, detail=detail, log_tail=tail)


async def test_a_lost_agents_task_goes_to_the_pool_of_today_and_its_record_tells_why(scene: Scene) -> None:
    await scene.claimed()
    await scene.recovery.handle_end(ended(Cause.OUT_OF_MEMORY, "OOMKilled"))
    assert await scene.fields("state", "pool", "tries") == ["ready", "p-11111111", "1"]
    assert await scene.ready("p-11111111") == ["u1"]
    assert await scene.fields("job_cause", "job_detail", "log_tail") == ["out_of_memory", "OOMKilled", "last words"]
    assert await scene.store.pools.jobs(POOL.id) == {}
    assert scene.controller.backoff.cause is None, "the pool can start agents: this one had come up"


async def test_a_record_is_refined_when_kubernetes_says_later_than_the_lease_what_became_of_the_agent(
    scene: Scene,
) -> None:
    await scene.claimed()
    assert (
        await scene.store.pools.lost("u1", Cause.AGENT_LOST, pool="p-11111111", epoch=scene.store.epoch) == "requeued"
    )
    await scene.controller.scale()  # meanwhile: its Job has ended, and the tail of its log is being fetched
    await scene.recovery.handle_end(ended(Cause.NODE_LOST, "not taken up by its node"))
    assert await scene.fields("state", "tries", "job_cause") == ["ready", "1", "node_lost"]


async def test_a_fault_before_any_claim_is_the_pools(scene: Scene) -> None:
    await scene.store.pools.new_job(POOL.id, "job", epoch=scene.store.epoch)
    await scene.recovery.handle_end(ended(Cause.IMAGE, "ImagePullBackOff"))
    assert scene.controller.backoff.cause is Cause.IMAGE
    assert await scene.store.pools.jobs(POOL.id) == {}


async def test_a_good_end_lifts_the_pools_cause(scene: Scene) -> None:
    scene.controller.failed(Cause.IMAGE)
    await scene.recovery.handle_end(ended(None, "exit 0"))
    assert scene.controller.backoff.cause is None


async def test_an_end_heard_while_redis_is_away_is_judged_when_it_is_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.claimed()
    job = Pools.job

    async def away(*_: object) -> object:
        monkeypatch.setattr(Pools, "job", job)
        raise StoreUnavailable("away")

    monkeypatch.setattr(Pools, "job", away)
    scene.launcher.ends.put_nowait(ended(Cause.CRASH))
    handled = asyncio.Event()
    scene.recovery.on_ended = handled.set
    following = asyncio.create_task(scene.recovery.follow_ends(Loop()))
    try:
        await asyncio.wait_for(handled.wait(), 20)
    finally:
        following.cancel()
    assert await scene.fields("state") == ["ready"]


async def test_the_loop_turns_while_nothing_ends_and_not_while_a_judgement_hangs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.01)
    beats = 0

    def heartbeat() -> None:
        nonlocal beats
        beats += 1

    async def hangs(_: JobEnded) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(scene.recovery, "handle_end", hangs)
    following = asyncio.create_task(scene.recovery.follow_ends(Loop(on_heartbeat=heartbeat)))
    try:
        await until(lambda: beats > 5)
        scene.launcher.ends.put_nowait(ended(None))
        await until(scene.launcher.ends.empty)
        await asyncio.sleep(0.05)
        before = beats
        await asyncio.sleep(0.1)
        assert beats == before
    finally:
        following.cancel()


async def test_a_lease_is_judged_only_after_redis_has_answered_for_one_lease_without_a_break(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await scene.claimed()
    await scene.store.script.read("ZADD", scene.store.script.keys("agent", "leases"), 1, run.name)
    looks, away = 0, False
    overdue = Pools.overdue

    async def look(pools: Pools, **how: int) -> list[str]:
        nonlocal looks
        looks += 1
        if away:
            raise StoreUnavailable("away")
        return await overdue(pools, **how)

    async def more_looks() -> None:
        seen = looks
        await until(lambda: looks > seen + 1)

    async def no_time(_: float) -> None:
        await asyncio.sleep(0.01)

    monkeypatch.setattr(Pools, "overdue", look)
    judging = asyncio.create_task(scene.recovery.check_leases(Loop(sleep=no_time)))
    try:
        scene.now += scene.recovery.lease_s - 1
        await more_looks()
        away = True
        await more_looks()
        away = False
        scene.now += scene.recovery.lease_s - 1
        await more_looks()
        assert await scene.fields("state") == ["running"], "an outage of Redis makes no task look dead"
        scene.now += 2
        await more_looks()
        assert await scene.fields("state") == ["ready"]
    finally:
        judging.cancel()


async def test_a_task_past_its_deadline_fails_though_its_agent_renews(scene: Scene) -> None:
    await scene.claimed()
    await scene.store.script.read("HSET", scene.store.script.keys("task", "u1"), "attempt_ms", 1)
    await scene.recovery._check_deadlines()
    assert await scene.fields("state", "cause") == ["failed", "deadline"]


async def test_a_lost_agents_last_result_is_carried_out_rather_than_asked_for_again(scene: Scene) -> None:
    run = await scene.claimed()
    assert await scene.store.agent.end(run, Answered(markdown="42", usage=USAGE))
    await scene.recovery.handle_end(ended(None, "exit 0"))  # heard before its news
    assert await scene.fields("state", "tries") == ["running", None]
    await scene.store.hear()
    assert await scene.fields("state") == ["answered"]


async def test_a_job_that_goes_on_with_a_run_that_was_taken_from_it_is_deleted_after_two_seconds(scene: Scene) -> None:
    await scene.claimed()
    scene.launcher.created.append("job-1")
    await scene.stop()
    assert await scene.stops(after_s=1.9) == [], "it has the time to hear of it"
    assert await scene.stops(after_s=0.1) == ["job-1"]
    assert await scene.stops(after_s=5) == ["job-1"], "once"


async def test_a_job_whose_run_another_one_has_now_is_deleted_too(scene: Scene) -> None:
    await scene.claimed()
    scene.launcher.created += ["job-1", "job-2"]
    assert await scene.store.pools.lost("u1", Cause.AGENT_LOST, pool=POOL.id, epoch=scene.store.epoch) == "requeued"
    await scene.store.claim(scene.agent("job-2"))
    assert await scene.stops(after_s=2) == ["job-1"]


@pytest.mark.parametrize("then", ["waits", "claims", "ends", "was never alive"])
async def test_a_job_that_heard_that_its_run_was_taken_is_left_alone(scene: Scene, then: str) -> None:
    await scene.claimed()
    scene.launcher.created.append("job-1")
    await scene.stop()
    await scene.recovery._check_stops()
    match then:
        case "waits":
            await scene.store.agent.check_in()
        case "claims":
            await scene.claimed(2, chat=2)
        case "ends":
            await scene.recovery.handle_end(ended(None, "exit 0"))
        case "was never alive":
            scene.launcher.created.clear()
    assert await scene.stops(after_s=10) == []


async def test_a_job_that_has_its_run_is_left_alone_however_long_it_takes_and_a_second_taking_counts_anew(
    scene: Scene,
) -> None:
    scene.launcher.created.append("job-1")
    run = await scene.claimed()
    assert await scene.stops(after_s=100) == []
    assert await scene.store.agent.write(run, "so far")
    assert await scene.stops(after_s=100) == []
    await scene.stop()
    await scene.recovery._check_stops()
    scene.now += 1.5
    await scene.store.agent.check_in()
    await scene.recovery._check_stops()
    await scene.claimed(2)
    await scene.stop()
    assert await scene.stops(after_s=1.5) == [], "the second stop has its own two seconds"
    assert await scene.stops(after_s=0.5) == ["job-1"]
