"""What `reconcile` finds within a second: lost news, runs, lists and leases, and rows of another type."""

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Task
from tests.core.store_world import World, task

LATER_MS = 9_000_000_000_000


async def reconcile(world: World, times: int = 2) -> None:
    """Repeated, since the second look finds what the first one made."""
    for _ in range(times):
        await world.lanes.reconcile(epoch=world.epoch)


async def goes_on(world: World, one: Task, *, orphan: bool = False) -> None:
    """The task is routed if it has to be, claimed by a new agent, answered and shown."""
    if await world.state(one) == "queued":
        if one.id not in await world.lanes.released():
            assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == [one.id]
        queued = await world.lanes.queued(one.id)
        assert await world.dispatch(queued.task, parts=queued.parts)
    world.agent = world.work("job-9")
    run = await world.claim()
    assert run.task.id == one.id
    await world.answered(run, "in the end")
    await world.shown(f"t:{one.id}")
    other = await world.agent.claim()
    assert (other is not None) == orphan
    if other is not None:  # a run that is nobody's any more: what comes of it is not carried out
        await world.answered(other, "twice")
    assert await world.lanes.released() == []
    assert await world.lanes.running_in(one.chat_id) is None
    assert (await world.history(one.chat_id))[-1] == ("assistant", "in the end")


@pytest.mark.parametrize(
    "lost",
    [["agent", "ready", "p"], ["agent", "wake", "p"], ["agent", "news"], ["agent", "leases"], ["agent", "jobs", "p"], ["ring"], ["ring.members"], ["pools"], ["busy", 1], ["waiting.since"]],
)  # fmt: skip
@pytest.mark.parametrize("state", ["queued", "released", "ready", "running", "preview"])
async def test_a_key_that_is_lost_holds_up_no_task(world: World, state: str, lost: list[object]) -> None:
    one = task(1)
    if state == "queued":
        await world.ask(one)
    elif state == "released":
        await world.ask(one)
        await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    else:
        await world.ready(one)
    if state in ("running", "preview"):
        run = await world.agent.claim()
        assert run is not None
        if state == "preview":
            await world.agent.write(run, "So")
    await world.script.read("DEL", world.script.keys(*lost))
    await reconcile(world)
    if state in ("running", "preview"):
        assert await world.pools.lost("u1", Cause.CRASH, job="job-1", epoch=world.epoch) == "requeued"
    await goes_on(world, one)


@pytest.mark.parametrize("gone", ["run", "run_id", "pool", "order"])
@pytest.mark.parametrize("state", ["ready", "running"])
async def test_a_task_whose_run_cannot_be_found_gets_another(world: World, state: str, gone: str) -> None:
    await world.ready(task(1))
    [name] = await world.pools.ready("p")
    if state == "running":
        await world.claim()
    if gone == "run":
        await world.script.read("DEL", world.script.keys("agent", "run", name))
    else:
        await world.script.read("HDEL", world.script.keys("task", "u1"), gone)
    await reconcile(world)
    if await world.field("u1", "run_id") == name and state == "running":
        assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) in ("requeued", "failed")
    if await world.state(task(1)) == "failed":
        await world.shown("t:u1")  # whoever has no pool is told
        assert await world.lanes.released() == []
        return
    await goes_on(world, task(1), orphan=(state, gone) == ("ready", "run_id"))


async def test_a_lease_that_was_lost_is_judged_anew(world: World) -> None:
    run = await world.claimed(task(1))
    await world.script.read("DEL", world.script.keys("agent", "leases"))
    assert await world.pools.overdue() == []
    await reconcile(world, 1)
    assert await world.pools.overdue() == ["u1"]
    await world.agent.renew(run)  # whoever has it goes on
    assert await world.pools.lost("u1", Cause.AGENT_LOST, only_overdue=True, epoch=world.epoch) == ""


async def test_a_claim_whose_news_were_lost_is_heard_of(world: World) -> None:
    await world.ready(task(1))
    assert await world.agent.claim() is not None
    await world.script.read("DEL", world.script.keys("agent", "news"))
    await reconcile(world, 1)
    assert await world.state(task(1)) == "running"
    assert (await world.opened("t:u1")).stage == "growing"


async def test_tasks_that_ended_or_vanished_hold_no_lane(world: World) -> None:
    for n, chat in ((1, 1), (2, 2)):
        await world.claimed(task(n, chat))
        await world.ask(task(n + 10, chat))
    await world.script.read("HSET", world.script.keys("task", "u1"), "state", "closed")
    await world.script.read("DEL", world.script.keys("task", "u2"))
    await reconcile(world)
    assert await world.lanes.released() == []
    assert sorted(await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)) == ["u11", "u12"]


async def test_one_row_of_another_type_hinders_no_other(world: World) -> None:
    for n in (1, 2, 3):
        await world.claimed(task(n, chat=n))
    await world.script.read("SET", world.script.keys("task", "u1"), "x")
    for name in ("turns", "chat", "lane"):
        await world.script.read("SET", world.script.keys(name, 2), "x")
    await world.script.read("DEL", world.script.keys("agent", "leases"))
    await reconcile(world)
    assert sorted(await world.pools.overdue()) == ["u2", "u3"]


async def test_an_old_leader_repairs_nothing(world: World) -> None:
    old = world.epoch
    await world.leadership.give_up_lead("me")
    await world.lead("other")
    await world.ready(task(1))
    await world.script.read("DEL", world.script.keys("agent", "ready", "p"))
    with pytest.raises(LostOwnership):
        await world.lanes.reconcile(epoch=old)
    assert await world.pools.ready("p") == []
