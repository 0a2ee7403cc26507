"""What is sent in one act is one task, also while it waits in a pool, and while an agent has it and has written nothing."""

from dataclasses import replace
from typing import Any

import pytest

from openclaw_core.store import Became
from openclaw_core.store.lanes import Dispatched
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.task import Task, from_json
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, Run
from tests.core.store_world import ORDER, World, effect, task

FIRST = replace(task(1, text="first:"), cut=True)
ANSWER = Answered(markdown="42", usage=RunUsage())


def act(one: Task, *, at_s: int = 50, open_s: int = 2, **more: object) -> dict[str, object]:
    """*one* as part of what a person sends in a row."""
    return {**effect(one), "act": "1:9", "sent_s": at_s, "open_s": open_s, "group": "", **more}


def part(n: int, text: str) -> Task:
    return replace(task(n, text=text), cut=True)


async def claimed(world: World) -> Run:
    await world.effects(act(FIRST))
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u1"]
    assert await world.dispatch(FIRST)
    return await world.claim()


async def more(world: World, n: int, text: str, **also: Any) -> None:
    await world.effects(act(part(n, text), at_s=51, **also))


async def test_what_is_sent_while_the_task_waits_is_read_with_it(world: World) -> None:
    await world.effects(act(FIRST))
    await more(world, 2, "second")
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    queued = await world.lanes.queued("u1")
    assert (queued.task.text, queued.parts) == ("first:second", 1)
    assert await world.lanes.dispatch(
        queued.task.with_snapshot(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    ) is Dispatched.GROWN  # fmt: skip
    assert await world.dispatch(queued.task, parts=1)
    run = await world.claim()
    assert run.task.text == "first:second"
    assert await world.lanes.fields(["u1"], "more_n", "more1") == [{"more_n": None, "more1": None}]


async def test_a_task_that_may_grow_is_held_back_for_a_while_only(world: World) -> None:
    await world.effects(act(FIRST, hold_ms=60_000, hold_at_most_ms=60_000))
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == []
    await more(world, 2, "the end")  # nothing more is waited for
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u1"]


async def test_what_is_sent_before_a_claim_takes_the_task_back_out_of_the_pool_each_time(world: World) -> None:
    await world.effects(act(FIRST))
    for n in (2, 3):
        await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
        queued = await world.lanes.queued("u1")
        assert await world.dispatch(queued.task, parts=queued.parts)
        await more(world, n, f" {n}")
        assert await world.state(FIRST) == "queued"
        assert await world.pools.ready("p") == []
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    queued = await world.lanes.queued("u1")
    await world.dispatch(queued.task, parts=queued.parts)
    run = await world.claim()
    assert (run.task.text, run.attempt) == ("first: 2 3", 1)


async def test_before_its_first_word_an_agent_gets_all_that_was_sent(world: World) -> None:
    run = await claimed(world)
    await more(world, 2, " second")
    assert not await world.agent.write(run, "early")
    assert [heard.became for heard in await world.hear()] == [Became.GROWS]
    assert await world.agent.grown(run) is None
    assert await world.news.regrow(run.name, epoch=world.epoch)
    whole = await world.agent.grown(run)
    assert whole is not None
    assert whole.task.text == "first: second"
    assert await world.history() == [("user", "first: second")]
    assert await world.agent.write(whole, "Now.")
    await world.answered(whole)
    assert await world.history() == [("user", "first: second"), ("assistant", "42")]


async def test_an_answer_without_a_preview_is_not_taken_before_all_of_it_was_read(world: World) -> None:
    run = await claimed(world)
    await more(world, 2, " second")
    assert not await world.agent.end(run, ANSWER)
    assert [heard.became for heard in await world.hear()] == [Became.GROWS]
    assert await world.news.regrow(run.name, epoch=world.epoch)
    whole = await world.agent.grown(run)
    assert whole is not None
    assert await world.agent.end(whole, ANSWER)


async def test_after_the_first_word_what_is_sent_is_another_task(world: World) -> None:
    run = await claimed(world)
    assert await world.agent.write(run, "So")
    await more(world, 2, " second")  # also where the leader has not heard of it yet
    assert await world.lanes.waiting_in(1) == ["u2"]
    assert await world.agent.end(run, ANSWER)


async def test_after_the_result_what_is_sent_is_another_task(world: World) -> None:
    run = await claimed(world)
    assert await world.agent.end(run, GaveUp(cause=Cause.MODEL_DOWN))
    await more(world, 2, " second")
    assert await world.lanes.waiting_in(1) == ["u2"]


async def test_while_still_more_may_come_nothing_is_made_one_record(world: World) -> None:
    run = await claimed(world)
    await more(world, 2, " second", hold_ms=60_000, hold_at_most_ms=60_000)
    assert not await world.agent.write(run, "early")
    await world.hear()
    assert not await world.news.regrow(run.name, epoch=world.epoch)
    assert not await world.script.step("regrow", run=run.name, parts=7, record="{}", turn="{}", epoch=world.epoch)
    await more(world, 3, " third")
    for read in (0, 1):  # it was read before the third came
        assert not await world.script.step(
            "regrow", run=run.name, parts=read, record="{}", turn="{}", epoch=world.epoch
        )
    assert await world.news.regrow(run.name, epoch=world.epoch)
    whole = await world.agent.grown(run)
    assert whole is not None
    assert whole.task.text == "first: second third"


async def test_a_question_for_the_rest_that_nobody_heard_is_found_again(world: World) -> None:
    run = await claimed(world)
    await more(world, 2, " second")
    assert not await world.agent.write(run, "early")
    await world.script.read("DEL", world.script.keys("agent", "news"))  # with the leader that had taken them
    await world.lanes.reconcile(epoch=world.epoch)
    assert [heard.became for heard in await world.hear()] == [Became.GROWS]
    await world.script.read("DEL", world.script.keys("agent", "leases"))
    await world.lanes.reconcile(epoch=world.epoch)
    assert await world.pools.overdue() == ["u1"]  # an agent that died while it waits is found all the same


@pytest.mark.parametrize("end", ["handed back", "lost"])
async def test_a_task_that_has_grown_comes_back_with_all_its_words(world: World, end: str) -> None:
    run = await claimed(world)
    await more(world, 2, " second")
    if end == "lost":
        assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
    else:
        await world.end(run, HandedBack())
    assert await world.lanes.waiting_in(1) == ["u1"]
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u1"]
    queued = await world.lanes.queued("u1")
    assert queued.task.text == "first: second"
    assert await world.dispatch(queued.task, parts=1)
    assert await world.history() == [("user", "first: second")]
    assert (await world.claim()).task.text == "first: second"


async def test_a_task_that_has_grown_and_failed_is_asked_again_with_all_its_words(world: World) -> None:
    run = await claimed(world)
    await more(world, 2, " second")
    await world.failed(run)
    assert (await world.lanes.asked("u1")).text == "first: second"
    await world.shown("t:u1")
    assert (await world.lanes.asked("u1")).text == "first: second"


async def test_a_late_regrow_of_another_run_changes_nothing(world: World) -> None:
    run = await claimed(world)
    await more(world, 2, " second")
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    before = await world.lanes.fields(["u1"], "record", "more_n", "more1")
    assert await world.script.step("regrow", run=run.name, parts=1, record="{}", turn="{}", epoch=world.epoch) == 1
    assert await world.lanes.fields(["u1"], "record", "more_n", "more1") == before


async def test_no_more_than_a_hundred_messages_are_one_task(world: World) -> None:
    await world.effects(act(FIRST))
    await world.script.read("HSET", world.script.keys("task", "u1"), "more_n", 100)
    await more(world, 2, "one too many")
    assert await world.lanes.waiting_in(1) == ["u1", "u2"]


async def test_what_only_joins_is_no_task_of_its_own(world: World) -> None:
    await world.effects(act(part(2, "a forward"), only_joins=True, heard="x", heard_of="102"))
    assert await world.lanes.waiting() == 0
    assert await world.script.read("EXISTS", world.script.keys("heard", 1, 102)) == 0


async def test_a_command_ends_the_act(world: World) -> None:
    await world.effects(act(FIRST))
    await world.effects({"op": "end_act", "act": "1:9", "chat": "1"})
    await more(world, 2, " second")
    assert await world.lanes.waiting_in(1) == ["u1", "u2"]


async def test_an_album_is_one_task_however_far_apart_its_messages_come(world: World) -> None:
    await world.effects(act(FIRST, group="g"))
    await world.effects(act(part(2, " b"), at_s=90, group="g"), act(part(3, " c"), at_s=20, open_s=-1))
    assert await world.lanes.waiting_in(1) == ["u1", "u3"]
    record = await world.field("u1", "more1")
    assert from_json(record or "").text == " b"
