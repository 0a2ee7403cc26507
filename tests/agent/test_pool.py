"""An agent in a pool: a claim does not wait for what only an answer needs, and who can never answer, or takes no more, is not counted on."""

import asyncio
from dataclasses import replace

import pytest

from openclaw_agent.answering import Answering
from openclaw_agent.app import in_pool
from openclaw_agent.opening import NeverReady, Opening
from openclaw_agent.settings import InPool
from openclaw_core.errors import ChatUnauthorized, SettingsError, StoreUnavailable
from openclaw_core.tasks.outcome import Exit
from openclaw_core.tasks.work import PutBack
from tests.agent.desk import Desk, task, until

PLACE = InPool(pool="p", job="job-1", tasks_per_job=1, warm_max_age_s=900)


def opened(desk: Desk, loaded: asyncio.Event | None = None) -> Opening:
    """What answering needs, once it is *loaded*."""

    async def open_it() -> Answering:
        if loaded is not None:
            await loaded.wait()
        return desk.answering

    return Opening(open_it)


def started(desk: Desk, place: InPool = PLACE, *, loaded: asyncio.Event | None = None, stop: asyncio.Event | None = None) -> "asyncio.Task[Exit]":  # fmt: skip
    return asyncio.create_task(in_pool(place, desk.work, opened(desk, loaded), stop or asyncio.Event()))


async def test_a_job_that_was_made_for_a_task_takes_it_while_it_still_loads(desk: Desk) -> None:
    loaded = asyncio.Event()
    desk.work.hand_over(task(1))
    agent = started(desk, loaded=loaded)
    await until(lambda: desk.work.job == "claimed")
    assert desk.chat.calls == []
    loaded.set()

    assert await agent is Exit.DONE
    assert desk.markdown() == "The whole answer."


async def test_a_job_of_several_tasks_leaves_them_to_those_that_are_up(desk: Desk) -> None:
    loaded, stop = asyncio.Event(), asyncio.Event()
    desk.work.hand_over(task(1))
    agent = started(desk, replace(PLACE, tasks_per_job=20), loaded=loaded, stop=stop)
    await asyncio.sleep(0.1)
    assert desk.work.calls == []
    loaded.set()
    await until(lambda: desk.work.results)
    stop.set()

    assert await agent is Exit.DONE


async def test_nobody_counts_on_an_agent_after_its_last_task(desk: Desk) -> None:
    desk.work.hand_over(task(1))
    agent = started(desk, replace(PLACE, tasks_per_job=2))
    await until(lambda: desk.work.results and desk.work.job == "waiting")
    desk.work.hand_over(task(2))

    assert await agent is Exit.DONE
    assert desk.markdown("u2") == "The whole answer."
    assert desk.work.job == "retired"


async def test_nobody_counts_on_an_agent_that_gave_its_last_task_up(desk: Desk) -> None:
    desk.chat.script = [ChatUnauthorized("401")]
    desk.work.hand_over(task(1))

    assert await started(desk) is Exit.MISCONFIGURED
    assert desk.work.job == "retired"


async def test_nobody_counts_on_an_agent_that_has_waited_for_too_long(desk: Desk) -> None:
    assert await started(desk, replace(PLACE, warm_max_age_s=0.0)) is Exit.DONE
    assert desk.work.job == "retired"


async def test_an_agent_that_has_waited_for_too_long_ends_also_without_redis(desk: Desk) -> None:
    desk.work.faults["retire"] = [StoreUnavailable("away")]

    assert await started(desk, replace(PLACE, warm_max_age_s=0.0)) is Exit.DONE


async def test_a_retired_job_ends(desk: Desk) -> None:
    desk.work.hand_over(task(1))
    desk.work.job = "retired"

    assert await started(desk) is Exit.DONE
    assert desk.work.results == {}


async def test_an_agent_says_that_it_waits_only_when_it_could_begin(desk: Desk) -> None:
    loaded, stop = asyncio.Event(), asyncio.Event()
    agent = started(desk, loaded=loaded, stop=stop)
    await asyncio.sleep(0.1)
    assert desk.work.job == "created"
    loaded.set()
    await until(lambda: desk.work.job == "waiting")
    stop.set()

    assert await agent is Exit.DONE


async def test_a_process_that_can_never_answer_puts_its_run_back_untouched(desk: Desk) -> None:
    async def failing() -> Answering:
        raise SettingsError("no such key")

    desk.work.hand_over(task(1))
    with pytest.raises(NeverReady) as raised:
        await in_pool(PLACE, desk.work, Opening(failing), asyncio.Event())
    assert isinstance(raised.value.fault, SettingsError)
    assert (desk.work.results, desk.work.job) == ({"u1": PutBack()}, "created")


async def test_an_agent_goes_on_to_the_next_run_after_one_that_was_taken_away(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    desk.work.hand_over(task(1))
    agent = started(desk, replace(PLACE, tasks_per_job=2))
    await until(lambda: desk.chat.calls)
    desk.work.take_away("u1")
    desk.chat.goes_on.set()
    desk.work.hand_over(task(2))

    assert await agent is Exit.DONE
    assert list(desk.work.results) == ["u2"]


async def test_an_agent_told_to_stop_while_it_waits_ends_at_once(desk: Desk) -> None:
    stop = asyncio.Event()
    agent = started(desk, stop=stop)
    await until(lambda: "wait" in desk.work.calls)
    stop.set()
    async with asyncio.timeout(2):
        assert await agent is Exit.DONE


async def test_redis_that_is_away_is_asked_again(desk: Desk) -> None:
    desk.work.faults["claim"] = [StoreUnavailable("away")]
    desk.work.hand_over(task(1))

    assert await started(desk) is Exit.DONE
    assert desk.markdown() == "The whole answer."
