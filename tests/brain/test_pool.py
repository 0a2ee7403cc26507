"""How many agents a pool keeps: pure decisions, then the loop's back-off with a launcher that refuses."""

import asyncio
import time

import pytest

from openclaw_brain.agents.plan import Plan, plan
from openclaw_brain.agents.pool import MISSING_S, PoolController, PoolLimits
from openclaw_brain.agents.ports import Pool
from openclaw_core.store import Lanes, Leadership, Pools, Script
from openclaw_core.store.pools import JobState
from openclaw_core.tasks.outcome import Cause
from tests.core.store_world import ORDER, World, task
from tests.fakes.launcher import FakeLauncher

NOW = 1_000_000_000


def waiting(age_s: float = 1) -> JobState:
    return JobState(state="waiting", since_ms=NOW - int(age_s * 1000))


def decide(
    jobs: dict[str, JobState],
    *,
    ready: int = 0,
    warm: int = 0,
    cap: int = 10,
    starting_cap: int = 1000,
    cause: Cause | None = None,
    alive: set[str] | None = None,
) -> Plan:
    return plan(
        jobs,
        alive=frozenset(jobs if alive is None else alive),
        ready=ready,
        warm=warm,
        cap=cap,
        now_ms=NOW,
        starting_cap=starting_cap,
        cause=cause,
    )


def test_ready_and_warm_agents_are_kept() -> None:
    assert decide({}, ready=2, warm=3).create == 5
    assert decide({"a": waiting()}, ready=2, warm=3).create == 4


def test_the_cap_counts_agents_that_are_busy() -> None:
    busy = {f"b{n}": JobState(state="claimed", task_id="u") for n in range(8)}
    assert decide(busy, ready=5, warm=2, cap=10).create == 2


def test_an_agent_on_its_way_out_is_replaced_at_once_but_never_over_the_cap() -> None:
    leaving = {"a": JobState(state="retired", since_ms=NOW)}
    assert decide(leaving, warm=1, alive={"a"}) == Plan(create=1)
    assert decide(leaving, warm=1, cap=1, alive={"a"}) == Plan()
    assert decide({"a": JobState(state="retired", since_ms=NOW - 60_000)}, alive=set()) == Plan(forget=("a",))


def test_few_start_at_a_time_and_those_that_wait_do_not_count_as_starting() -> None:
    assert decide({}, ready=50, cap=250, starting_cap=8).create == 8
    starting = {f"s{n}": JobState(state="created", since_ms=NOW) for n in range(6)}
    assert decide(starting, ready=50, cap=250, starting_cap=8).create == 2
    assert decide({**starting, "a": waiting(), "b": waiting()}, ready=50, cap=250, starting_cap=8).create == 2
    assert decide({"a": waiting()}, ready=3, starting_cap=8).create == 2


def test_with_a_cause_there_is_one_probe_at_a_time() -> None:
    assert decide({}, ready=9, cause=Cause.IMAGE).create == 1
    assert decide({"probe": JobState(state="created", since_ms=NOW)}, ready=9, cause=Cause.IMAGE).create == 0


def test_agents_that_wait_already_do_not_stand_for_the_probe() -> None:
    """They came up before the fault: without a probe of its own the pool would never hear that it is mended."""
    waits = {"warm": JobState(state="waiting", since_ms=NOW)}
    assert decide(waits, warm=2, cause=Cause.ADMISSION).create == 1
    assert (
        decide({**waits, "probe": JobState(state="created", since_ms=NOW)}, warm=9, cause=Cause.ADMISSION).create == 0
    )
    assert decide(waits, warm=1, cause=Cause.ADMISSION).create == 0


def test_a_silent_agent_that_no_launcher_knows_is_replaced() -> None:
    assert decide({"a": waiting(age_s=60)}, ready=1, alive=set()) == Plan(create=1, forget=("a",))


def test_an_agent_of_the_brain_before_us_counts_while_it_checks_in() -> None:
    assert decide({"a": waiting(age_s=3)}, ready=1, alive=set()) == Plan()


def test_a_large_surplus_is_retired_and_a_small_one_kept_for_the_next_burst() -> None:
    many = {f"a{n:02}": waiting() for n in range(9)}
    assert len(decide(many, warm=1).retire) == 4
    assert decide({"a": waiting(), "b": waiting()}).retire == ()


async def test_creating_backs_off_and_goes_on_when_it_works_again(script: Script) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=8)
    now = [0.0]
    launcher = FakeLauncher(cause=Cause.QUOTA)
    controller = PoolController(
        pool=Pool(template="agent", hash8="0" * 8), pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
        limits=PoolLimits(warm=3, cap=10, queue_deadline_s=900), clock=lambda: now[0],
    )  # fmt: skip
    pauses = []
    for _ in range(8):
        await controller.scale()
        pauses.append(controller.backoff.pause_s)
        now[0] = controller.backoff.next_try
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    launcher.cause = None
    controller.backoff.reset()
    await controller.scale()
    assert len(launcher.created) == 3
    assert launcher.created[0].startswith("agent-agent-00000000-")


async def test_a_pool_that_nobody_asks_keeps_no_agents_waiting_until_a_task_comes(script: Script) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=60)
    now, routing = [0.0], set[str]()
    launcher = FakeLauncher()
    controller = PoolController(
        pool=Pool(template="agent", hash8="0" * 8), pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
        limits=PoolLimits(warm=2, cap=10, queue_deadline_s=900, sleep_after_s=60), clock=lambda: now[0],
        in_routing=lambda: routing,
    )  # fmt: skip

    async def created_after(at_s: float) -> int:
        """How many are started at that time, where none of before is left."""
        now[0] = at_s
        for name in await controller.pools.jobs(controller.pool.id):
            await controller.pools.forget(controller.pool.id, name)
        launcher.created.clear()
        await controller.scale()
        return len(launcher.created)

    assert await created_after(59) == 2
    assert await created_after(60) == 0
    assert controller.asleep
    routing.add("u1")
    assert await created_after(5000) == 3, "for the task, and those that wait"
    routing.clear()
    assert await created_after(5059) == 2
    assert await created_after(5060) == 0


async def test_agents_of_a_changed_template_are_started_where_nobody_has_asked_for_long(script: Script) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=60)
    now, launcher = [0.0], FakeLauncher()

    def controller_of(hash8: str) -> PoolController:
        return PoolController(
            pool=Pool(template="agent", hash8=hash8), pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
            limits=PoolLimits(warm=2, cap=10, queue_deadline_s=900, sleep_after_s=60), clock=lambda: now[0],
        )  # fmt: skip

    before = controller_of("0" * 8)
    now[0] = 5000
    await before.scale()
    assert (before.asleep, launcher.created) == (True, [])

    await controller_of("1" * 8).scale()
    assert len(launcher.created) == 2


async def test_without_the_setting_agents_always_wait(script: Script) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=60)
    now = [0.0]
    launcher = FakeLauncher()
    controller = PoolController(
        pool=Pool(template="agent", hash8="0" * 8), pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
        limits=PoolLimits(warm=2, cap=10, queue_deadline_s=900), clock=lambda: now[0],
    )  # fmt: skip
    now[0] = 1e9
    await controller.scale()
    assert len(launcher.created) == 2


@pytest.mark.parametrize("lead", [True, False])
async def test_only_the_leader_creates_agents(script: Script, lead: bool) -> None:
    from openclaw_core.errors import LostOwnership

    epoch = await Leadership(script).take_lead("me", ttl_s=8)
    launcher = FakeLauncher()
    controller = PoolController(
        pool=Pool(template="agent", hash8="0" * 8), pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch - (not lead),
        limits=PoolLimits(warm=1, cap=10, queue_deadline_s=900),
    )  # fmt: skip
    if lead:
        await controller.scale()
    else:
        with pytest.raises(LostOwnership):
            await controller.scale()
    assert len(launcher.created) == lead
    await asyncio.sleep(0)


async def test_a_trouble_of_jobs_that_may_still_start_is_the_pools_cause_until_an_agent_comes_up(
    script: Script,
) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=8)
    launcher = FakeLauncher()
    pool = Pool(template="agent", hash8="0" * 8)
    controller = PoolController(
        pool=pool, pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
        limits=PoolLimits(warm=2, cap=10, queue_deadline_s=900),
    )  # fmt: skip
    await controller.scale()
    launcher.trouble[pool.id] = Cause.NO_ROOM
    await controller.scale()
    assert controller.backoff.cause is Cause.NO_ROOM
    assert len(launcher.created) == 2  # they stay, since a new node may be on its way

    launcher.trouble.clear()
    await World(script).work(launcher.created[0], pool=pool.id).check_in()
    await controller.scale()
    assert controller.backoff.cause is None


async def test_the_cap_is_for_all_pools_together(script: Script) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=8)
    launcher = FakeLauncher(created=[f"agent-other-11111111-{n}" for n in range(8)])
    controller = PoolController(
        pool=Pool(template="agent", hash8="0" * 8), pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
        limits=PoolLimits(warm=5, cap=10, queue_deadline_s=900),
    )  # fmt: skip
    await controller.scale()
    assert len(launcher.created) == 10


async def test_agents_start_while_their_tasks_are_routed_and_each_task_counts_once(script: Script) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=8)
    launcher = FakeLauncher()
    pool = Pool(template="agent", hash8="0" * 8)
    under_way = {"u1", "u2"}
    controller = PoolController(
        pool=pool, pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
        limits=PoolLimits(warm=1, cap=10, queue_deadline_s=900), in_routing=lambda: under_way,
    )  # fmt: skip
    await controller.scale()
    assert len(launcher.created) == 3
    await script.read(
        "RPUSH", script.keys("agent", "ready", pool.id), f"u1.{0:032x}"
    )  # routed, and its routing has not been seen to end
    await controller.scale()
    assert len(launcher.created) == 3
    await script.read("LPOP", script.keys("agent", "ready", pool.id))
    await script.read("HSET", script.keys("agent", "jobs", pool.id), launcher.created[0], f"claimed u1.{0:032x}")
    await controller.scale()
    assert len(launcher.created) == 3
    under_way.clear()
    await controller.scale()
    assert len(launcher.created) == 3


async def test_a_new_leader_labels_jobs_whose_claims_the_one_before_has_seen(script: Script) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=8)
    launcher = FakeLauncher()
    pool = Pool(template="agent", hash8="0" * 8)
    await script.read("HSET", script.keys("agent", "jobs", pool.id), "agent-1", f"claimed u1.{0:032x}")
    await script.read("HSET", script.keys("task", "u1"), "role", "coder")
    controller = PoolController(
        pool=pool, pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
        limits=PoolLimits(warm=1, cap=10, queue_deadline_s=900),
    )  # fmt: skip
    await controller.scale()
    assert launcher.labels == {"agent-1": ("u1", "coder")}


async def test_an_agent_whose_end_no_brain_has_seen_stops_counting_against_the_cap(script: Script) -> None:
    world = World(script)
    await world.lead()
    now, pool = 100.0, Pool(template="p", hash8="0" * 8)
    world.agent = world.work("job-1", pool=pool.id)
    controller = PoolController(
        pool=pool, pools=world.pools, lanes=world.lanes, launcher=FakeLauncher(), epoch=world.epoch,
        limits=PoolLimits(warm=0, cap=1, queue_deadline_s=900),
        clock=lambda: now,
    )  # fmt: skip
    await world.ask(task(1))
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        task(1).with_snapshot(ORDER), pool=pool.id, decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    )
    assert await world.agent.claim() is not None
    await controller.scale()
    assert list(await world.pools.jobs(pool.id)) == ["job-1"], "an agent of the brain before is at work"

    await world.pools.lost("u1", Cause.AGENT_LOST, epoch=world.epoch)  # its Job has gone while no brain looked
    await controller.scale()
    assert list(await world.pools.jobs(pool.id)) == ["job-1"], "its end may be about to be heard, with its cause"
    now += MISSING_S
    await controller.scale()
    await controller.scale()
    assert list(await world.pools.jobs(pool.id)) == [f"agent-{pool.id}-1"], "the one place is the new agent's"


async def test_a_job_that_was_written_down_and_never_created_is_replaced_within_ten_seconds(script: Script) -> None:
    world = World(script)
    await world.lead()
    pool, launcher = Pool(template="p", hash8="0" * 8), FakeLauncher()
    ahead_s = 0.0
    controller = PoolController(
        pool=pool, pools=world.pools, lanes=world.lanes, launcher=launcher, epoch=world.epoch,
        limits=PoolLimits(warm=0, cap=10, queue_deadline_s=900),
        now=lambda: time.time() + ahead_s,
    )  # fmt: skip
    await world.ask(task(1))
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        task(1).with_snapshot(ORDER), pool=pool.id, decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    )
    phantom = await world.pools.new_job(pool.id, f"agent-{pool.id}", epoch=world.epoch)  # and its brain was killed
    await controller.scale()
    assert launcher.created == [], "it may be on its way"
    ahead_s = 10.0
    await controller.scale()
    await controller.scale()
    assert len(launcher.created) == 1
    assert phantom not in await world.pools.jobs(pool.id)


async def test_an_agent_that_the_launcher_knows_and_redis_does_not_counts_until_it_checks_in(script: Script) -> None:
    epoch = await Leadership(script).take_lead("me", ttl_s=8)
    launcher = FakeLauncher(created=["agent-agent-00000000-7"])  # forgotten while the API server was away
    controller = PoolController(
        pool=Pool(template="agent", hash8="0" * 8), pools=Pools(script), lanes=Lanes(script), launcher=launcher, epoch=epoch,
        limits=PoolLimits(warm=1, cap=10, queue_deadline_s=900),
    )  # fmt: skip
    await controller.scale()
    assert launcher.created == ["agent-agent-00000000-7"]
