"""The atomic steps of agents and pools, against a real server: one owner, no lost task, no answer twice."""

import asyncio

import pytest

from openclaw_core.errors import BadTask, LostOwnership
from openclaw_core.outcome import Cause, Delivery
from openclaw_core.store import Answers
from tests.core.store_world import World, task


async def test_a_task_has_one_owner_and_a_late_write_of_another_attempt_is_refused(world: World) -> None:
    first = await world.claimed(task(1))
    assert await world.agent.claim() is None
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
    second = await Answers(world.script, pool="p", job="job-2").claim()
    assert second is not None
    assert second.attempt > first.attempt
    with pytest.raises(LostOwnership):
        await world.agent.answered(first, {"pages": []}, {})
    with pytest.raises(LostOwnership):
        await world.agent.intent(first, 0)


async def test_two_losses_before_the_answer_fail_the_task_and_its_user_is_told(world: World) -> None:
    await world.claimed(task(1))
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
    assert await world.agent.claim() is not None
    assert await world.pools.lost("u1", Cause.OUT_OF_MEMORY, epoch=world.epoch) == "failed"
    [notice] = await world.notices.waiting()
    assert (notice.kind, notice.args["cause"]) == ("failed", "out_of_memory")
    [run] = await world.runs.newest(count=10)
    assert (run.fields["state"], run.fields["cause"]) == ("failed", "out_of_memory")
    assert (await world.lanes.history(1))[0].note == "failed"


async def test_a_loss_after_the_answer_stands_uses_up_no_try_and_keeps_the_answer(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.agent.answered(claimed, {"pages": [{"text": "hi"}], "files": [], "answer": "hi"}, {})
    for _ in range(3):
        assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
        again = await world.agent.claim()
        assert again is not None
        assert again.outbox is not None
        assert again.outbox["answer"] == "hi"


async def test_handing_back_uses_up_no_try(world: World) -> None:
    claimed = await world.claimed(task(1))
    for _ in range(5):
        assert await world.agent.hand_back(claimed)
        again = await world.agent.claim()
        assert again is not None
        claimed = again
    assert (await world.lanes.fields(["u1"], "tries"))[0]["tries"] == "0"


async def test_close_stores_the_answer_frees_the_lane_and_records_the_run(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.ask(task(2))
    await world.agent.answered(claimed, {"pages": [], "files": [], "answer": "42"}, {"model": "m"})
    await world.agent.close(claimed, answer="42", role="coder", delivery=Delivery.DELIVERED)
    assert [(turn.speaker, turn.text) for turn in await world.lanes.history(1)] == [
        ("user", "hello"),
        ("assistant", "42"),
    ]
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u2"]
    [run] = await world.runs.newest(count=10)
    assert (run.fields["state"], run.fields["delivery"], run.fields["role"]) == ("closed", "delivered", "coder")


async def test_a_retired_job_claims_nothing_and_a_claimed_one_is_not_retired(world: World) -> None:
    await world.agent.check_in()
    assert await world.pools.retire("p", "job-1")
    assert not await world.agent.check_in()
    with pytest.raises(LostOwnership):
        await world.agent.claim()
    other = Answers(world.script, pool="p", job="job-2")
    await world.ask(task(1))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    await world.dispatch(task(1))
    assert await other.claim() is not None
    assert not await world.pools.retire("p", "job-2")


async def test_a_slot_keeps_its_message_over_attempts(world: World) -> None:
    claimed = await world.claimed(task(1))
    assert await world.agent.intent(claimed, 0) is None
    await world.agent.reserved(claimed, 0, 555)
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    again = await world.agent.claim()
    assert again is not None
    assert await world.agent.intent(again, 0) == 555


async def test_a_failure_is_edited_into_the_tasks_own_message(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.agent.reserved(claimed, 0, 555)
    await world.agent.give_up(claimed, Cause.MODEL_DOWN)
    [notice] = await world.notices.waiting()
    assert await world.notices.intent(notice.key, epoch=world.epoch) == 555
    await world.notices.done(notice.key, Delivery.DELIVERED, epoch=world.epoch)
    assert await world.notices.waiting() == []
    assert (await world.lanes.fields(["u1"], "delivery"))[0]["delivery"] == "delivered"


async def test_alone_runs_once_and_adds_the_turn_only_if_it_is_not_the_newest(world: World) -> None:
    await world.lanes.save_context(task(1, text="same words"), epoch=world.epoch)
    alone = Answers(world.script)
    one = task(2, text="same words")
    claimed = await alone.claim_alone(one)
    assert claimed is not None
    assert [turn.text for turn in await world.lanes.history(1)] == ["same words"]
    assert await alone.history(claimed) == ()
    await alone.answered(claimed, {"pages": []}, {})
    await alone.close(claimed, answer="a", role="coder", delivery=Delivery.DELIVERED)
    assert await alone.claim_alone(one) is None


async def test_an_unreadable_record_ends_as_bad_task(world: World) -> None:
    await world.ask(task(1))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    await world.dispatch(task(1))
    await world.script.read("HSET", world.script.keys("task", "u1"), "record", '{"v":99}')
    with pytest.raises(BadTask):
        await world.agent.claim()
    await world.agent.give_up_unreadable()
    assert [notice.args["cause"] for notice in await world.notices.waiting()] == ["bad_task"]


async def test_leases_run_out_by_the_servers_clock(world: World) -> None:
    short = Answers(world.script, pool="p", job="j", lease_s=0.01)
    await world.ask(task(1))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    await world.dispatch(task(1))
    claimed = await short.claim()
    assert claimed is not None
    while not await world.pools.overdue():
        pass
    assert await world.pools.overdue() == ["u1"]
    long = Answers(world.script, pool="p", job="j", lease_s=60)
    assert await long.renew(claimed) is None
    assert await world.pools.lost("u1", Cause.AGENT_LOST, only_overdue=True, epoch=world.epoch) == ""


async def test_a_claim_is_warm_if_the_agent_waited_before_the_task_was_ready(world: World) -> None:
    for n, job in ((1, "waits first"), (2, "comes later")):
        agent = Answers(world.script, pool="p", job=job)
        if n == 1:
            await agent.check_in()
        await asyncio.sleep(0.002)
        await world.ask(task(n, chat=n))
        await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
        await world.dispatch(task(n, chat=n))
        await asyncio.sleep(0.002)
        await agent.check_in()
        assert await agent.claim() is not None
    assert [row["warm"] for row in await world.lanes.fields(["u1", "u2"], "warm")] == ["1", "0"]


async def test_a_task_that_comes_back_to_a_pool_that_was_forgotten_can_still_be_found(world: World) -> None:
    for n, back in ((1, "hand_back"), (2, "put_back"), (3, "lost")):
        claimed = await world.claimed(task(n, chat=n))
        await world.pools.forget("p", "job-1")
        assert await world.pools.ids() == frozenset()
        if back == "lost":
            await world.pools.lost(f"u{n}", Cause.AGENT_LOST, epoch=world.epoch)
        else:
            await getattr(world.agent, back)(claimed)
        assert await world.pools.ids() == {"p"}, back
        await world.pools.forget("p", "job-1")
        await world.pools.move_ready("p", "q", epoch=world.epoch)
        assert await world.pools.ids() == {"q"}, back
        assert await world.pools.ready("q") == [f"u{n}"]
        await world.lanes.fail(f"u{n}", Cause.QUEUE_DEADLINE, epoch=world.epoch)
        await world.pools.forget("q", "none")


async def test_a_claim_is_left_when_its_task_has_ended_or_waits_again_or_is_another_jobs(world: World) -> None:
    claimed = await world.claimed(task(1))
    assert await world.pools.left({"job-1": "u1", "job-2": "u1", "job-3": "unknown"}) == ["job-2", "job-3"]
    await world.agent.hand_back(claimed)
    assert await world.pools.left({"job-1": "u1"}) == ["job-1"]
    again = await world.agent.claim()
    assert again is not None
    assert await world.pools.left({"job-1": "u1"}) == []
    await world.agent.give_up(again, Cause.MODEL_DOWN)
    assert await world.pools.left({"job-1": "u1"}) == ["job-1"]
    assert await world.pools.left({}) == []
