"""What agents write is heard: text reaches delivery, results are carried out, and a task that grows gets one record."""

import asyncio
from typing import Any

import pytest

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.errors import LostOwnership, StoreFault, StoreFull, StoreUnavailable
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.timings import Part, Timing
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack
from tests.brain.results_scene import Scene, becomes, grown, scene
from tests.core.store_world import USAGE, task
from tests.waiting import until

__all__ = ["scene"]


async def test_what_an_agent_has_measured_is_told_once_also_of_a_failed_run(scene: Scene) -> None:
    told: list[object] = []
    scene.reader.on_timings = told.append
    timings = (Timing(part=Part.MODEL, at_ms=0, ms=5, of="m", fault="model_busy"),)
    async with scene.reads():
        run = await scene.claimed()
        await scene.world.agent.end(run, GaveUp(cause=Cause.MODEL_BUSY, timings=timings))
        await until(becomes(scene, 1, "failed"))
        await until(lambda: told)
    assert told == [timings]


async def test_a_claim_and_each_text_reach_delivery(scene: Scene) -> None:
    async with scene.reads():
        run = await scene.claimed()
        await until(becomes(scene, 1, "running"))
        await until(lambda: scene.versions == {"t:u1": 1})
        [display] = await scene.world.displays.changed(0)
        assert (display.id, display.stage) == ("t:u1", Stage.GROWING)
        assert await scene.world.agent.write(run, "Four")
        await until(lambda: scene.grew == ["t:u1"])
        assert scene.redis.asked.count("adopt") == 1, "nothing is carried out for a text"
        assert await scene.world.state(task(1)) == "running"
        await scene.world.lanes.reconcile(epoch=scene.world.epoch)
        assert await scene.world.state(task(1)) == "preview"
        assert (await scene.world.displays.growing("t:u1")).text == "Four"
        assert await scene.world.agent.write(run, "Four.")
        await until(lambda: scene.grew == ["t:u1"] * 2)


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (Answered(markdown="Four.", usage=USAGE), "answered"),
        (GaveUp(cause=Cause.MODEL_DOWN), "failed"),
        (HandedBack(), "ready"),
        (PutBack(), "ready"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_result_is_carried_out_once_and_said(scene: Scene, result: Any, state: str) -> None:
    async with scene.reads():
        run = await scene.claimed()
        assert await scene.world.agent.end(run, result)
        await until(becomes(scene, 1, state))
        news = scene.world.script.keys("agent", "news")
        heard = scene.redis.asked.count("adopt")
        await scene.world.script.read("RPUSH", news, run.name)  # heard twice
        await until(lambda: scene.redis.asked.count("adopt") > heard)
    assert await scene.world.state(task(1)) == state
    said = ["hello", "Four."] if state == "answered" else ["hello"]
    assert [text for _, text in await scene.world.history()] == said


async def test_the_job_of_a_run_is_named_also_where_its_end_is_the_first_news(scene: Scene) -> None:
    first = await scene.claimed()
    async with scene.reads():
        await until(lambda: scene.claims)
    assert await scene.world.agent.end(first, Answered(markdown="Four.", usage=USAGE))
    second = await scene.claimed(2, chat=2)
    assert await scene.world.agent.end(second, Answered(markdown="Five.", usage=USAGE))
    async with scene.reads():
        await until(becomes(scene, 2, "answered"))
    assert set(scene.claims) == {(scene.world.agent.job, f"u{n}", "coder") for n in (1, 2)}


async def test_news_of_many_runs_are_heard_together_and_of_one_run_once(scene: Scene) -> None:
    runs = [await scene.claimed(n, chat=n) for n in range(1, 6)]
    for run in runs:
        assert await scene.world.agent.write(run, "Fo")
        assert await scene.world.agent.write(run, "Four")
    async with scene.reads():
        await until(lambda: scene.grew)
    assert scene.redis.asked.count("adopt") == 5
    assert sorted(scene.grew) == [f"t:u{n}" for n in range(1, 6)], "one hint for two texts"


async def test_what_was_heard_of_a_run_that_is_nobodys_any_more_changes_nothing(scene: Scene) -> None:
    run = await scene.claimed()
    assert await scene.world.agent.end(run, Answered(markdown="Four.", usage=USAGE))
    await scene.world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})  # too late: the result is there
    async with scene.reads():
        await until(becomes(scene, 1, "answered"))
        for name in ("u1.00", "u9.11", "garbage", "", "*", "u1", "." * 99):
            await scene.world.script.read("RPUSH", scene.world.script.keys("agent", "news"), name)
        await scene.claimed(2)
        await until(lambda: "t:u2" in scene.versions)
    assert scene.versions.keys() == {"t:u1", "t:u2"}
    assert scene.grew == []


# ---- tasks that grow


async def test_a_task_that_grows_gets_one_record_once_no_more_may_come(scene: Scene) -> None:
    run = await scene.claimed()
    async with scene.reads():
        await scene.more(run, "and this", hold_ms=60_000)
        assert not await scene.world.agent.write(run, "Four")
        await until(lambda: scene.redis.asked.count("regrow") > 2)
        assert await scene.world.agent.grown(run) is None, "more may come"
        await scene.more(run, "and that one too")
        assert not await scene.world.agent.write(run, "Four")  # it asks once more meanwhile
        await scene.world.script.read("HDEL", scene.world.script.keys("task", "u1"), "not_before_ms")
        await until(lambda: grown(scene, run))
        whole = await scene.world.agent.grown(run)
        assert whole is not None
        assert whole.task.text == "hello\nand this\nand that one too"
        assert await scene.world.agent.write(whole, "Four")
        asked = scene.redis.asked.count("regrow")
        await asyncio.sleep(0.2)
        assert scene.redis.asked.count("regrow") == asked, "nobody goes on asking"
    assert await scene.world.history() == [("user", "hello\nand this\nand that one too")]


async def test_an_answer_that_came_before_what_was_sent_with_it_is_asked_for_again(scene: Scene) -> None:
    run = await scene.claimed()
    async with scene.reads():
        await scene.more(run, "and this")
        assert not await scene.world.agent.end(run, Answered(markdown="Four.", usage=USAGE))
        await until(lambda: grown(scene, run))
        assert await scene.world.agent.end(run, Answered(markdown="Five.", usage=USAGE))
        await until(becomes(scene, 1, "answered"))
    assert [text for _, text in await scene.world.history()] == ["hello\nand this", "Five."]


async def test_a_task_that_is_stopped_while_it_grows_is_let_go(scene: Scene) -> None:
    run = await scene.claimed()
    async with scene.reads():
        await scene.more(run, "and this", hold_ms=60_000)
        assert not await scene.world.agent.write(run, "Four")
        await until(lambda: "regrow" in scene.redis.asked)
        await scene.world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
        await until(lambda: not scene.reader._growing)
    assert await scene.world.state(task(1)) == "cancelled"


async def test_a_task_with_a_part_that_nobody_can_read_fails_and_holds_up_no_other(scene: Scene) -> None:
    bad, good = await scene.claimed(1), await scene.claimed(2, chat=2)
    key = scene.world.script.keys("task", "u1")
    async with scene.reads():
        await scene.more(bad, "and this")
        await scene.world.script.read("HSET", key, "more1", "garbage")
        await scene.more(good, "and this")
        assert not await scene.world.agent.write(bad, "Four")
        assert not await scene.world.agent.write(good, "Four")
        await until(lambda: grown(scene, good))
        await until(becomes(scene, 1, "failed"))
    assert await scene.world.field("u1", "cause") == "bad_task"
    with pytest.raises(LostOwnership):
        await scene.world.agent.check(bad)


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), StoreFull("full"), StoreFault("refused")])
async def test_a_task_that_cannot_be_read_is_failed_also_if_redis_is_away_just_then(
    scene: Scene, fault: Exception
) -> None:
    run = await scene.claimed()
    scene.redis.fails["fail_task"] = [fault] * 3
    async with scene.reads():
        await scene.more(run, "and this")
        await scene.world.script.read("HSET", scene.world.script.keys("task", "u1"), "more1", "garbage")
        assert not await scene.world.agent.write(run, "Four")
        await until(becomes(scene, 1, "failed"))
    assert scene.redis.fails["fail_task"] == []
