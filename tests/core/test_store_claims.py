"""Claims of runs, against a real server: which agent gets a run, what it is given, and when it may have another one."""

import asyncio
import zlib

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.store.lanes import Dispatched
from openclaw_core.store.pools import mark_of
from openclaw_core.tasks.outcome import Cause
from tests.core.store_world import ORDER, World, task
from tests.core.test_store_attempts import STOP


async def test_a_retired_job_claims_nothing_and_a_claimed_one_is_not_retired(world: World) -> None:
    await world.agent.check_in()
    assert await world.pools.retire("p", "job-1")
    assert not await world.agent.check_in()
    with pytest.raises(LostOwnership):
        await world.agent.claim()
    await world.ready(task(1))
    run = await world.claim(world.work("job-2"))
    assert not await world.pools.retire("p", "job-2")
    job = (await world.pools.jobs("p"))["job-2"]
    assert (job.state, job.task_id, job.run) == ("claimed", "u1", mark_of(run.name))


async def test_a_claim_that_is_executed_late_leaves_the_job_its_second_run(world: World) -> None:
    late = {"pool": "p", "job": "job-1", "call": "c", "lease_ms": 15000}
    await world.ready(task(1))
    assert await world.agents.step("claim", **late)
    await world.hear()
    await world.effects(STOP)
    assert await world.agents.step("claim", **late) == []
    assert (await world.pools.jobs("p"))["job-1"].state == "waiting"
    second = await world.claimed(task(2, chat=2))
    assert await world.agents.step("claim", **late) == []
    job = (await world.pools.jobs("p"))["job-1"]
    assert (job.state, job.run) == ("claimed", mark_of(second.name))


async def test_a_check_in_after_the_end_of_a_run_counts_again(world: World) -> None:
    await world.claimed(task(1))
    assert await world.agent.check_in()
    assert (await world.pools.jobs("p"))["job-1"].state == "claimed"
    await world.effects(STOP)
    assert await world.agent.check_in()
    assert (await world.pools.jobs("p"))["job-1"].state == "waiting"


async def test_a_claim_is_warm_if_the_agent_waited_before_the_task_was_ready(world: World) -> None:
    for n, job in ((1, "waits first"), (2, "comes later")):
        agent = world.work(job)
        if n == 1:
            await agent.check_in()
        await asyncio.sleep(0.002)
        await world.ready(task(n, chat=n))
        await asyncio.sleep(0.002)
        await agent.check_in()
        await world.claim(agent)
    assert [row["warm"] for row in await world.lanes.fields(["u1", "u2"], "warm")] == ["1", "0"]


async def test_a_run_carries_all_that_an_answer_needs_and_the_order_only_where_it_is_not_known(world: World) -> None:
    await world.inbox.set_files_at("http://brain", epoch=world.epoch)
    await world.answered(await world.claimed(task(1)))
    run = await world.claimed(task(2, text="and now?"))
    assert (run.task.text, run.snapshot, run.attempt) == ("and now?", ORDER, 1)
    assert await world.agent.files_at(run) == "http://brain"
    assert [(turn.speaker, turn.text) for turn in run.history] == [("user", "hello"), ("assistant", "42")]
    assert run.task.snapshot is None
    assert len(await orders(world)) == 1


async def test_a_run_that_stands_twice_in_its_list_is_claimed_once(world: World) -> None:
    run = await world.claimed(task(1))
    await world.script.read("RPUSH", world.script.keys("agent", "ready", "p"), run.name, "u9.ff", "no run")
    assert await world.work("job-2").claim() is None
    await world.agent.renew(run)


async def test_an_order_that_was_lost_is_sent_again(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    [order] = await orders(world)
    await world.script.read("DEL", order)
    world.agent = world.work("job-2")  # it has not read the order yet
    run = await world.claimed(task(2))
    assert run.snapshot == ORDER
    assert await world.script.read("TTL", order) > 6 * 86400


@pytest.mark.parametrize("stored", [b"", b"x", zlib.compress(b"{}")[:-2], zlib.compress(b"no JSON")])
async def test_an_order_that_cannot_be_read_ends_the_task_with_its_cause(world: World, stored: bytes) -> None:
    await world.ready(task(1))
    [packed] = await orders(world)
    await world.script.read("SET", packed, stored)
    assert await world.agent.claim() is None
    await world.hear()
    assert (await world.opened("t:u1")).cause is Cause.BAD_TASK


async def orders(world: World) -> list[str]:
    return [key async for key in world.script.redis.scan_iter(world.script.keys("agent", "order", "*"))]


async def test_leases_run_out_by_the_servers_clock(world: World) -> None:
    await world.ready(task(1))
    run = await world.claim(world.work(lease_s=0.01))
    while not await world.pools.overdue():
        pass
    assert await world.pools.overdue() == ["u1"]
    await world.work(lease_s=60).renew(run)
    assert await world.pools.overdue() == []
    assert await world.pools.lost("u1", Cause.AGENT_LOST, only_overdue=True, epoch=world.epoch) == ""


async def test_a_repeated_hand_over_makes_no_second_run(world: World) -> None:
    await world.ready(task(1))
    assert not await world.dispatch(task(1))
    assert len(await world.pools.ready("p")) == 1
    await world.claim()
    assert await world.lanes.dispatch(
        task(1).with_snapshot(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    ) is Dispatched.GONE  # fmt: skip
