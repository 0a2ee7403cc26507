"""What agents write is heard also where Redis fails, and not by who leads no more."""

import asyncio
import logging

import pytest

from openclaw_brain.loops import Loop
from openclaw_core.errors import LostOwnership, StoreFault, StoreFull, StoreUnavailable
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import Answered, GaveUp, Run
from tests.brain.results_scene import Scene, becomes, grown, scene
from tests.core.store_world import USAGE, task
from tests.waiting import until

__all__ = ["scene"]


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), StoreFull("full"), StoreFault("refused")])
@pytest.mark.parametrize("step", ["news", "adopt", "regrow"])
async def test_what_was_said_while_redis_failed_is_heard_when_it_is_back(
    scene: Scene, step: str, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    run = await scene.claimed()
    scene.redis.fails[step] = [fault] * 3
    async with scene.reads():
        await scene.more(run, "and this")
        assert not await scene.world.agent.write(run, "Four")
        await until(lambda: _reconciled(scene, run))
        assert await scene.world.agent.end(run, Answered(markdown="Five.", usage=USAGE))
        await until(lambda: _answered(scene))
    assert scene.redis.fails[step] == []
    assert [text for _, text in await scene.world.history()] == ["hello\nand this", "Five."]


async def _reconciled(scene: Scene, run: Run) -> bool:
    """The leader's other loop repairs each second what was lost; the agent asks again by itself."""
    await scene.world.lanes.reconcile(epoch=scene.world.epoch)
    await scene.world.agent.write(run, "Four")
    return await grown(scene, run)


async def _answered(scene: Scene) -> bool:
    await scene.world.lanes.reconcile(epoch=scene.world.epoch)
    return await scene.world.state(task(1)) == "answered"


async def test_a_list_of_news_that_is_none_costs_few_lines_of_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    key, sleeps = scene.world.script.keys("agent", "news"), 0

    async def counted(seconds: float) -> None:
        nonlocal sleeps
        sleeps += 1
        assert seconds >= 0.1
        await asyncio.sleep(0.05)

    scene.sleep = counted
    await scene.world.script.read("SET", key, "x")
    with caplog.at_level(logging.ERROR):
        async with scene.reads():
            await until(lambda: sleeps > 3)
            await scene.world.lanes.reconcile(epoch=scene.world.epoch)
            run = await scene.claimed()
            await until(becomes(scene, 1, "running"))
            assert await scene.world.agent.end(run, GaveUp(cause=Cause.MODEL_DOWN))
            await until(becomes(scene, 1, "failed"))
    assert sum(line.getMessage() == "news.not_read" for line in caplog.records) <= sleeps


async def test_the_loop_turns_while_nothing_is_said_and_while_redis_is_away(scene: Scene) -> None:
    async with scene.reads():
        await until(lambda: scene.beats > 3)
        scene.redis.fails["news"] = [StoreUnavailable("away")] * 5
        before = scene.beats
        await until(lambda: not scene.redis.fails["news"])
        await until(lambda: scene.beats > before + 5)


async def test_who_leads_no_more_hears_nothing_and_says_so(scene: Scene) -> None:
    run = await scene.claimed()
    assert await scene.world.agent.end(run, Answered(markdown="Four.", usage=USAGE))
    await scene.world.leadership.give_up_lead("me")
    old, scene.world.epoch = scene.world.epoch, await scene.world.leadership.take_lead("another", ttl_s=8)
    assert old != scene.world.epoch
    with pytest.raises(ExceptionGroup) as lost:
        async with asyncio.timeout(20):
            await scene.reader.run(Loop())
    assert lost.group_contains(LostOwnership)
    assert await scene.world.state(task(1)) == "ready", "what it took from the list is found by the next one"
    assert (scene.grew, scene.ends) == ([], 0)
    await scene.world.lanes.reconcile(epoch=scene.world.epoch)
    await scene.world.hear()
    assert await scene.world.state(task(1)) == "answered"
