"""An agent in a pool: a claim does not wait for what only an answer needs, and who can never answer, or takes no more,
is not counted on.
"""

import asyncio
from dataclasses import replace

import pytest

from openclaw_agent.answering import RunAnswerer
from openclaw_agent.loading import LoadFailed, LoadingAnswerer
from openclaw_agent.runner import do_runs
from openclaw_agent.settings import InPool
from openclaw_core.errors import ChatUnauthorized, SettingsError, StoreUnavailable
from openclaw_core.tasks.outcome import Exit
from openclaw_core.tasks.work import PutBack
from tests.agent.harness import AgentHarness, task
from tests.waiting import until

PLACE = InPool(pool="p", job="job-1", tasks_per_job=1, warm_max_age_s=900)


def opened(harness: AgentHarness, loaded: asyncio.Event | None = None) -> LoadingAnswerer:
    """What answering needs, once it is *loaded*."""

    async def open_it() -> RunAnswerer:
        if loaded is not None:
            await loaded.wait()
        return harness.answerer

    return LoadingAnswerer(open_it)


def started(harness: AgentHarness, place: InPool = PLACE, *, loaded: asyncio.Event | None = None, stop: asyncio.Event | None = None) -> "asyncio.Task[Exit]":  # fmt: skip
    return asyncio.create_task(do_runs(place, harness.work, opened(harness, loaded), stop or asyncio.Event()))


async def test_a_job_that_was_made_for_a_task_takes_it_while_it_still_loads(harness: AgentHarness) -> None:
    loaded = asyncio.Event()
    harness.work.hand_over(task(1))
    agent = started(harness, loaded=loaded)
    await until(lambda: harness.work.job == "claimed")
    assert harness.chat.calls == []
    loaded.set()

    assert await agent is Exit.DONE
    assert harness.markdown() == "The whole answer."


async def test_a_job_of_several_tasks_leaves_them_to_those_that_are_up(harness: AgentHarness) -> None:
    loaded, stop = asyncio.Event(), asyncio.Event()
    harness.work.hand_over(task(1))
    agent = started(harness, replace(PLACE, tasks_per_job=20), loaded=loaded, stop=stop)
    await asyncio.sleep(0.1)
    assert harness.work.calls == []
    loaded.set()
    await until(lambda: harness.work.results)
    stop.set()

    assert await agent is Exit.DONE


async def test_nobody_counts_on_an_agent_after_its_last_task(harness: AgentHarness) -> None:
    harness.work.hand_over(task(1))
    agent = started(harness, replace(PLACE, tasks_per_job=2))
    await until(lambda: harness.work.results and harness.work.job == "waiting")
    harness.work.hand_over(task(2))

    assert await agent is Exit.DONE
    assert harness.markdown("u2") == "The whole answer."
    assert harness.work.job == "retired"


async def test_nobody_counts_on_an_agent_that_gave_its_last_task_up(harness: AgentHarness) -> None:
    harness.chat.script = [ChatUnauthorized("401")]
    harness.work.hand_over(task(1))

    assert await started(harness) is Exit.MISCONFIGURED
    assert harness.work.job == "retired"


async def test_nobody_counts_on_an_agent_that_has_waited_for_too_long(harness: AgentHarness) -> None:
    assert await started(harness, replace(PLACE, warm_max_age_s=0.0)) is Exit.DONE
    assert harness.work.job == "retired"


async def test_an_agent_that_has_waited_for_too_long_ends_also_without_redis(harness: AgentHarness) -> None:
    harness.work.faults["retire"] = [StoreUnavailable("away")]

    assert await started(harness, replace(PLACE, warm_max_age_s=0.0)) is Exit.DONE


async def test_a_retired_job_ends(harness: AgentHarness) -> None:
    harness.work.hand_over(task(1))
    harness.work.job = "retired"

    assert await started(harness) is Exit.DONE
    assert harness.work.results == {}


async def test_an_agent_says_that_it_waits_only_when_it_could_begin(harness: AgentHarness) -> None:
    loaded, stop = asyncio.Event(), asyncio.Event()
    agent = started(harness, loaded=loaded, stop=stop)
    await asyncio.sleep(0.1)
    assert harness.work.job == "created"
    loaded.set()
    await until(lambda: harness.work.job == "waiting")
    stop.set()

    assert await agent is Exit.DONE


async def test_a_process_that_can_never_answer_puts_its_run_back_untouched(harness: AgentHarness) -> None:
    async def failing() -> RunAnswerer:
        raise SettingsError("no such key")

    harness.work.hand_over(task(1))
    with pytest.raises(LoadFailed) as raised:
        await do_runs(PLACE, harness.work, LoadingAnswerer(failing), asyncio.Event())
    assert isinstance(raised.value.fault, SettingsError)
    assert (harness.work.results, harness.work.job) == ({"u1": PutBack()}, "created")


async def test_an_agent_goes_on_to_the_next_run_after_one_that_was_taken_away(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    harness.work.hand_over(task(1))
    agent = started(harness, replace(PLACE, tasks_per_job=2))
    await until(lambda: harness.chat.calls)
    harness.work.take_away("u1")
    harness.chat.goes_on.set()
    harness.work.hand_over(task(2))

    assert await agent is Exit.DONE
    assert list(harness.work.results) == ["u2"]


async def test_an_agent_told_to_stop_while_it_waits_ends_at_once(harness: AgentHarness) -> None:
    stop = asyncio.Event()
    agent = started(harness, stop=stop)
    await until(lambda: "wait" in harness.work.calls)
    stop.set()
    async with asyncio.timeout(30):
        assert await agent is Exit.DONE


async def test_redis_that_is_away_is_asked_again(harness: AgentHarness) -> None:
    harness.work.faults["claim"] = [StoreUnavailable("away")]
    harness.work.hand_over(task(1))

    assert await started(harness) is Exit.DONE
    assert harness.markdown() == "The whole answer."
