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
from openclaw_core.tasks.work import GaveUp
from tests.core.store_world import ORDER, World, effect, task
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


class Waiting:
    """Chats with a task each, of which *cap* are out for a pool that cannot start any agent."""

    def __init__(self, script: Script) -> None:
        self.world = World(script)
        self.pool = Pool(template="p", hash8="0" * 8)
        self.ahead_s = 0.0
        self.told: list[tuple[int, str]] = []
        """Chats with the cause that they were told."""

    async def open(self, *, chats: int = 12, cap: int = 4, cause: Cause | None = Cause.QUOTA) -> "Waiting":
        await self.world.lead()
        self.launcher = FakeLauncher(cause=cause)
        self.controller = PoolController(
            pool=self.pool, pools=self.world.pools, lanes=self.world.lanes, launcher=self.launcher, epoch=self.world.epoch,
            limits=PoolLimits(warm=0, cap=cap, queue_deadline_s=900), now=lambda: time.time() + self.ahead_s,
        )  # fmt: skip
        for n in range(1, chats + 1):
            await self.asks(n, chat=n)
        await self.release(cap)
        return self

    async def asks(self, n: int, *, chat: int) -> None:
        await self.world.effects({**effect(task(n, chat=chat)), "admitted_ms": str(round(time.time() * 1000))})

    async def release(self, cap: int) -> None:
        for task_id in await self.world.lanes.release(cap=cap, at_most=cap, epoch=self.world.epoch):
            queued = await self.world.lanes.queued(task_id)
            await self.world.lanes.dispatch(
                queued.task.with_snapshot(ORDER), pool=self.pool.id, decision="rule", route_ms=1, route_tokens=0, epoch=self.world.epoch
            )  # fmt: skip

    async def look(self, times: int = 1) -> None:
        """The loop turns, and delivery shows what there is."""
        for _ in range(times):
            await self.controller.scale()
            await self.controller.tell_waiting()
            self.told += [(one.chat_id, one.args["cause"]) for one in await self.world.notices()]
            await self.world.show_all()

    async def states(self, *names: str) -> list[str | None]:
        return [row["state"] for row in await self.world.lanes.fields(names, "state")]


async def test_every_chat_that_waits_is_told_once_also_those_behind_a_full_cap(script: Script) -> None:
    waiting = await Waiting(script).open(chats=12, cap=4)
    await waiting.look(3)
    assert waiting.told == [], "not before they have waited for long"
    waiting.ahead_s = 21
    await waiting.look(28)
    assert sorted(waiting.told) == [(chat, "quota") for chat in range(1, 13)]


async def test_a_chat_is_told_again_of_another_cause_or_when_it_waits_anew_and_of_several_tasks_once(
    script: Script,
) -> None:
    waiting = await Waiting(script).open(chats=2, cap=4)
    await waiting.asks(3, chat=1)
    waiting.ahead_s = 21
    await waiting.look(3)
    assert sorted(waiting.told) == [(1, "quota"), (2, "quota")]
    waiting.told.clear()
    for cause in (Cause.IMAGE, Cause.QUOTA, Cause.IMAGE, Cause.QUOTA):
        waiting.controller.failed(cause)
        await waiting.look()
    assert sorted(waiting.told) == [(1, "image"), (2, "image")], "causes that take turns are told once each"
    waiting.told.clear()
    agent = waiting.world.work("job-1", pool=waiting.pool.id)
    run = await waiting.world.claim(agent)
    assert await agent.end(run, GaveUp(cause=Cause.MODEL_DOWN))
    await waiting.world.hear()
    await waiting.release(4)  # the second task of the chat
    waiting.ahead_s = 50
    await waiting.look(3)
    assert waiting.told == [(1, "quota")], "its first wait was over, that of the other goes on"


async def test_a_chat_whose_own_task_runs_is_not_told_that_nobody_can_start(script: Script) -> None:
    waiting = await Waiting(script).open(chats=2, cap=4)
    await waiting.world.claim(waiting.world.work("job-1", pool=waiting.pool.id))
    await waiting.asks(3, chat=1)
    waiting.ahead_s = 21
    await waiting.look(3)
    assert waiting.told == [(2, "quota")]


async def test_nobody_is_told_to_wait_by_a_pool_that_can_start_or_that_nobody_waits_for(script: Script) -> None:
    waiting = await Waiting(script).open(chats=12, cap=4, cause=None)
    waiting.ahead_s = 21
    await waiting.look(3)
    assert waiting.told == []
    for n in range(4):
        await waiting.world.claim(waiting.world.work(f"job-{n}", pool=waiting.pool.id))
    waiting.controller.failed(Cause.IMAGE)
    await waiting.controller.tell_waiting()
    assert await waiting.world.notices() == [], "all that are out run, and the others wait for them"


@pytest.mark.parametrize(("refuses", "told"), [(Cause.QUOTA, "quota"), (None, "queue_deadline")])
async def test_the_queues_deadline_ends_what_no_agent_took(script: Script, refuses: Cause | None, told: str) -> None:
    waiting = await Waiting(script).open(chats=6, cap=4, cause=refuses)
    waiting.ahead_s = 899
    await waiting.look()
    assert await waiting.states("u1", "u4", "u6") == ["ready", "ready", "queued"]
    waiting.ahead_s = 901
    await waiting.look()
    await waiting.release(4)
    await waiting.look()
    rows = await waiting.world.lanes.fields([f"u{n}" for n in range(1, 7)], "state", "cause")
    assert [(row["state"], row["cause"]) for row in rows] == [("failed", told)] * 6


async def test_the_queues_deadline_ends_what_waits_in_lanes_behind_those_that_no_agent_took(script: Script) -> None:
    waiting = await Waiting(script).open(chats=6, cap=4)
    waiting.ahead_s = 901
    await waiting.look()
    assert await waiting.states("u5", "u6") == ["failed", "failed"], "at once, not four at a time"
    assert await waiting.world.lanes.waiting() == 0
