"""Runs of a task, against a real server: one owner, no lost task, no answer twice."""

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.store import Became
from openclaw_core.store.news import MAX_HANDBACKS
from openclaw_core.store.pools import mark_of
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import RunUsage, read_usage
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack, Result, Run
from tests.core.store_world import USAGE, World, effect, task

STOP = {"op": "stop", "key": "stopped:1", "chat": "1", "lang": "en"}


async def refused(world: World, run: Run) -> None:
    """Each step that names *run* is refused."""
    agent = world.agent
    for step in (
        agent.renew(run),
        agent.check(run),
        agent.write(run, "late"),
        agent.grown(run),
        agent.amend(run, "late"),
        agent.end(run, Answered(markdown="late", usage=RunUsage())),
        agent.end(run, HandedBack()),
    ):
        with pytest.raises(LostOwnership):
            await step


# ---- one owner


async def test_a_task_has_one_owner_and_late_writes_of_another_attempt_are_refused(world: World) -> None:
    first = await world.claimed(task(1))
    assert await world.agent.claim() is None
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
    second = await world.claim(world.work("job-2"))
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.name != second.name
    await refused(world, first)
    await world.agents.step("write", run=second.name, job="job-2", at=0, piece="mine")
    assert (await world.displays.growing("t:u1")).text == "mine"


@pytest.mark.parametrize("end", ["stop", "deadline", "lost", "answered"])
async def test_a_run_that_is_over_takes_nothing_more(world: World, end: str) -> None:
    run = await world.claimed(task(1))
    if end == "stop":
        await world.effects(STOP)
    elif end == "deadline":
        assert await world.lanes.fail("u1", Cause.DEADLINE, epoch=world.epoch)
    elif end == "lost":
        await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    else:
        await world.answered(run)
    await refused(world, run)
    assert await world.script.read("EXISTS", world.script.keys("agent", "run", run.name)) == 0
    assert await world.pools.overdue() == []
    assert await world.script.read("ZSCORE", world.script.keys("agent", "leases"), run.name) is None


async def test_between_its_end_and_the_leaders_ear_a_run_takes_nothing_more_either(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.end(run, Answered(markdown="42", usage=RunUsage()))
    with pytest.raises(LostOwnership):
        await world.agent.end(run, GaveUp(cause=Cause.MODEL_DOWN))
    with pytest.raises(LostOwnership):
        await world.agent.write(run, "late")
    assert await world.script.read("ZCARD", world.script.keys("agent", "leases")) == 0  # nobody judges it
    await world.hear()
    assert await world.displays.answer("t:u1") == "42"


async def test_news_of_a_run_that_is_not_the_tasks_any_more_change_nothing(world: World) -> None:
    first = await world.claimed(task(1))
    assert await world.agent.end(first, Answered(markdown="of the first", usage=RunUsage()))
    await world.script.read("DEL", world.script.keys("agent", "news"))
    await world.script.read("HDEL", world.script.keys("task", "u1"), "run_id")  # as if another had been made
    assert [heard.became for heard in await world.news.adopt([first.name], epoch=world.epoch)] == [Became.GONE]
    assert await world.state(task(1)) == "running"
    assert await world.script.read("EXISTS", world.script.keys("agent", "run", first.name)) == 0


async def test_a_task_of_a_lane_can_be_asked_for_again_with_its_effect(world: World) -> None:
    """An update that comes once more after its task has begun changes nothing."""
    await world.claimed(task(1))
    await world.effects(effect(task(1)))
    assert await world.state(task(1)) == "running"
    assert await world.lanes.waiting_in(1) == []


# ---- an answer that stands


async def test_an_answer_goes_to_the_history_frees_the_lane_and_is_recorded_once_it_is_shown(world: World) -> None:
    run = await world.claimed(task(1))
    await world.ask(task(2))
    await world.answered(run)
    assert await world.history() == [("user", "hello"), ("assistant", "42")]
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u2"]
    assert await world.runs.newest(count=10) == []
    await world.shown("t:u1")
    [row] = await world.runs.newest(count=10)
    assert {name: row.row[name] for name in ("state", "delivery", "role", "attempt", "job")} == {
        "state": "closed", "delivery": "delivered", "role": "coder", "attempt": "1", "job": "job-1",
    }  # fmt: skip
    assert read_usage(row.run) == USAGE
    assert (await world.inbox.chats([1]))[0]["last_role"] == "coder"


async def test_a_result_that_stands_is_carried_out_once_whoever_is_judged_meanwhile(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.end(run, Answered(markdown="42", usage=RunUsage()))
    for only_overdue in (False, True):
        assert await world.pools.lost("u1", Cause.CRASH, only_overdue=only_overdue, epoch=world.epoch) == ""
    assert not await world.lanes.fail("u1", Cause.DEADLINE, epoch=world.epoch)
    await world.effects(STOP)
    assert [(await world.notices())[0].args] == [{"stopped": 0, "waiting": 0, "late": 1}]
    for _ in range(3):
        await world.lanes.reconcile(epoch=world.epoch)
        await world.hear()
    assert await world.history() == [("user", "hello"), ("assistant", "42")]
    assert await world.state(task(1)) == "answered"


@pytest.mark.parametrize(
    "result", [Answered(markdown="42", usage=RunUsage()), GaveUp(cause=Cause.TOO_LONG), HandedBack(), PutBack()]
)
async def test_a_result_whose_news_were_lost_is_found_within_a_second(world: World, result: Result) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.end(run, result)
    await world.script.read("DEL", world.script.keys("agent", "news"))
    await world.lanes.reconcile(epoch=world.epoch)
    assert [heard.became for heard in await world.hear()] == [Became.ENDED]
    wanted = {Answered: "answered", GaveUp: "failed"}.get(type(result), "ready")
    assert await world.state(task(1)) == wanted


async def test_an_old_leader_carries_out_nothing(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.end(run, Answered(markdown="42", usage=RunUsage()))
    old = world.epoch
    await world.leadership.give_up_lead("me")
    await world.lead("other")
    with pytest.raises(LostOwnership):
        await world.news.adopt([run.name], epoch=old)
    assert await world.state(task(1)) == "running"
    await world.hear()
    assert await world.state(task(1)) == "answered"


# ---- what is lost, handed back, put back, given up


async def test_two_losses_before_the_answer_fail_the_task_and_its_user_is_told(world: World) -> None:
    await world.claimed(task(1))
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
    await world.claim()
    assert await world.pools.lost("u1", Cause.OUT_OF_MEMORY, epoch=world.epoch) == "failed"
    display = await world.opened("t:u1")
    assert (display.stage, display.cause) == ("failed", "out_of_memory")
    await world.shown("t:u1")
    [row] = await world.runs.newest(count=10)
    assert (row.state, row.cause, row.attempt) == ("failed", "out_of_memory", "2")
    assert (await world.lanes.history(1))[0].note == "failed"


async def test_a_job_that_was_lost_costs_a_try_only_while_it_has_the_task(world: World) -> None:
    await world.ready(task(1))
    assert await world.pools.lost("u1", Cause.CRASH, job="job-1", epoch=world.epoch) == ""  # it had not claimed
    await world.claim()
    assert await world.pools.lost("u1", Cause.CRASH, job="another", epoch=world.epoch) == ""
    assert await world.pools.lost("u1", Cause.CRASH, job="job-1", epoch=world.epoch) == "requeued"
    assert await world.pools.lost("u1", Cause.CRASH, job="job-1", epoch=world.epoch) == ""
    assert await world.pools.lost("none", Cause.CRASH, epoch=world.epoch) == ""


async def test_a_job_that_was_lost_before_anybody_heard_of_its_claim_costs_a_try_too(world: World) -> None:
    await world.ready(task(1))
    assert await world.agent.claim() is not None
    assert await world.state(task(1)) == "ready"
    assert await world.pools.lost("u1", Cause.CRASH, job="job-1", epoch=world.epoch) == "requeued"
    assert await world.field("u1", "tries") == "1"


async def test_handing_back_uses_up_no_try_and_ends_after_ten(world: World) -> None:
    await world.claimed(task(1))
    for n in range(MAX_HANDBACKS):
        [name] = await world.script.read("ZRANGE", world.script.keys("agent", "leases"), 0, -1)
        await world.agents.step(
            "finish", run=name, job="job-1", pool="p", last=False, never_started=False, result={"kind": "handed_back"}
        )
        await world.hear()
        run = await world.claim()
        assert run.attempt == n + 2
    assert await world.field("u1", "tries") is None
    await world.end(run, HandedBack())
    assert (await world.opened("t:u1")).cause is Cause.AGENT_LOST


async def test_a_task_that_comes_back_goes_before_those_that_have_not_begun(world: World) -> None:
    first = await world.claimed(task(1, chat=1))
    await world.ready(task(2, chat=2))
    await world.end(first, HandedBack())
    assert [run.partition(".")[0] for run in await world.pools.ready("p")] == ["u1", "u2"]


async def test_what_is_put_back_is_as_if_it_had_never_been_claimed(world: World) -> None:
    run = await world.claimed(task(1))
    await world.end(run, PutBack())
    assert await world.lanes.fields(["u1"], "state", "claimed_ms", "tries", "handbacks") == [
        {"state": "ready", "claimed_ms": None, "tries": None, "handbacks": None}
    ]
    assert (await world.pools.jobs("p"))["job-1"].state == "created"
    assert await world.agent.claim() is not None


async def test_what_an_agent_gives_up_is_told_with_its_cause(world: World) -> None:
    run = await world.claimed(task(1))
    await world.failed(run, Cause.MODEL_KEY)
    display = await world.opened("t:u1")
    assert (display.stage, display.cause) == ("failed", "model_key")
    assert await world.lanes.running_in(1) is None


async def test_a_task_that_comes_back_to_a_pool_that_was_forgotten_can_still_be_found(world: World) -> None:
    for n, back in ((1, HandedBack()), (2, PutBack()), (3, None)):
        run = await world.claimed(task(n, chat=n))
        await world.pools.forget("p", "job-1")
        assert await world.pools.ids() == frozenset()
        if back is None:
            await world.pools.lost(f"u{n}", Cause.AGENT_LOST, epoch=world.epoch)
        else:
            await world.end(run, back)
        assert await world.pools.ids() == {"p"}, back
        await world.pools.forget("p", "job-1")
        await world.pools.move_ready("p", "q", epoch=world.epoch)
        assert await world.pools.ids() == {"q"}, back
        assert [run.partition(".")[0] for run in await world.pools.ready("q")] == [f"u{n}"]
        assert await world.field(f"u{n}", "pool") == "q"
        await world.lanes.fail(f"u{n}", Cause.QUEUE_DEADLINE, epoch=world.epoch)
        assert await world.pools.ready("q") == []
        await world.pools.forget("q", "none")


async def test_a_run_is_left_when_it_has_ended_or_the_task_waits_again_or_is_another_jobs(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.pools.left({"job-1": mark_of(run.name), "job-2": mark_of(run.name), "job-3": "unknown"}) == [
        "job-2",
        "job-3",
    ]
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    assert await world.pools.left({"job-1": mark_of(run.name)}) == ["job-1"]
    again = await world.claim()
    assert await world.pools.left({"job-1": mark_of(again.name)}) == []
    await world.failed(again)
    assert await world.pools.left({"job-1": mark_of(again.name)}) == ["job-1"]
    assert await world.pools.left({}) == []
