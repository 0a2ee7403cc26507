"""Chats whose tasks no agent takes: each is told once for each cause, and the queue's deadline ends what waits."""

import time

import pytest

from openclaw_brain.agents.pool import PoolController, PoolLimits
from openclaw_brain.agents.ports import Pool
from openclaw_core.store import Script
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import GaveUp
from tests.core.store_world import ORDER, World, effect, task
from tests.fakes.launcher import FakeLauncher


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
