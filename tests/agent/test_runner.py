"""A run that is in hand: its lease, its loss, and how it is given back."""

import asyncio
from dataclasses import dataclass

import pytest

from openclaw_agent.loading import LoadFailed
from openclaw_agent.runner import do_run, renew_lease
from openclaw_core.errors import (
    ChatUnauthorized,
    LostOwnership,
    SettingsError,
    StoreFault,
    StoreFull,
    StoreMisconfigured,
    StoreUnavailable,
)
from openclaw_core.tasks.outcome import Cause, Exit
from openclaw_core.tasks.work import Answered, HandedBack, PutBack, Run
from tests.agent.harness import AgentHarness, task
from tests.fakes.time import FakeTime
from tests.fakes.work import FakeWork
from tests.waiting import until


async def test_a_lease_is_renewed_every_three_seconds_and_looked_at_in_between() -> None:
    work, time = FakeWork(), FakeTime()
    work.hand_over(task(1))
    run = await work.claim()
    assert run is not None
    renewing = asyncio.create_task(renew_lease(work, run, clock=time.clock, sleep=time.sleep))
    await until(lambda: work.calls.count("renew") >= 2)
    renewing.cancel()

    assert work.calls[:13] == ["claim", *["check"] * 5, "renew", *["check"] * 5, "renew"]  # one each half second


async def test_a_text_that_was_taken_shows_that_the_run_is_ours_for_half_a_second() -> None:
    work, time = FakeWork(), FakeTime()
    work.hand_over(task(1))
    run = await work.claim()
    assert run is not None

    async def pause(seconds: float) -> None:
        await time.sleep(seconds)
        if work.calls.count("write") < 2:
            await work.write(run, "so far")

    renewing = asyncio.create_task(renew_lease(work, run, clock=time.clock, sleep=pause))
    await until(lambda: work.calls.count("check") >= 2)
    renewing.cancel()
    assert work.calls[:5] == ["claim", "write", "write", "check", "check"]


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), StoreFull("full")])
async def test_a_lease_outlasts_an_absence_of_redis(fault: Exception) -> None:
    work, time = FakeWork(), FakeTime()
    work.faults = {"check": [fault] * 20, "renew": [fault] * 20}
    work.hand_over(task(1))
    run = await work.claim()
    assert run is not None
    renewing = asyncio.create_task(renew_lease(work, run, clock=time.clock, sleep=time.sleep))
    await until(lambda: not work.faults["renew"] and work.calls[-1] == "check")
    work.take_away("u1")
    with pytest.raises(LostOwnership):
        await renewing


async def test_a_task_that_was_stopped_or_taken_ends_the_work_within_a_second(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    running = asyncio.create_task(
        do_run(harness.work, harness.answerer, await harness.claimed(task(1)), asyncio.Event())
    )
    await until(lambda: harness.work.texts)
    written = dict(harness.work.texts)
    harness.work.take_away("u1")
    async with asyncio.timeout(30):
        assert await running is Exit.DONE
    harness.chat.goes_on.set()
    await asyncio.sleep(0.05)
    assert (harness.work.texts, harness.work.results) == (written, {})


async def test_sigterm_gives_the_run_back(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    stop = asyncio.Event()
    running = asyncio.create_task(do_run(harness.work, harness.answerer, await harness.claimed(task(1)), stop))
    await until(lambda: harness.chat.calls)
    stop.set()

    assert await running is Exit.TRY_AGAIN
    assert harness.work.results == {"u1": HandedBack()}


async def test_sigterm_lets_an_answer_that_is_being_handed_over_arrive(harness: AgentHarness) -> None:
    harness.work.ends_land.clear()
    stop = asyncio.Event()
    running = asyncio.create_task(do_run(harness.work, harness.answerer, await harness.claimed(task(1)), stop))
    await until(lambda: harness.work.calls[-1] == "end")
    stop.set()
    await asyncio.sleep(0.1)
    harness.work.ends_land.set()

    assert await running is Exit.DONE
    assert isinstance(harness.work.results["u1"], Answered)


async def test_sigterm_while_redis_is_away_does_not_keep_the_process(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    harness.work.faults["end"] = [StoreUnavailable("away")] * 99
    stop = asyncio.Event()
    running = asyncio.create_task(
        do_run(harness.work, harness.answerer, await harness.claimed(task(1)), stop, hand_back_s=0.2)
    )
    await until(lambda: harness.chat.calls)
    stop.set()

    assert await running is Exit.TRY_AGAIN
    assert harness.work.results == {}


async def test_a_task_that_was_stopped_meanwhile_is_not_given_back(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    stop = asyncio.Event()
    running = asyncio.create_task(do_run(harness.work, harness.answerer, await harness.claimed(task(1)), stop))
    await until(lambda: harness.chat.calls)
    harness.work.take_away("u1")
    stop.set()

    assert await running is Exit.DONE
    assert harness.work.results == {}


@dataclass
class Never:
    """Cannot be opened."""

    fault: Exception
    handing_over: bool = False

    async def answer(self, run: Run) -> Cause | None:
        raise LoadFailed(self.fault)


@dataclass
class Buggy:
    handing_over: bool = False

    async def answer(self, run: Run) -> Cause | None:
        raise ZeroDivisionError


async def test_a_process_that_can_never_answer_puts_its_run_back(harness: AgentHarness) -> None:
    with pytest.raises(LoadFailed):
        await do_run(harness.work, Never(SettingsError("no such key")), await harness.claimed(task(1)), asyncio.Event())
    assert harness.work.results == {"u1": PutBack()}
    assert harness.work.job == "created", "a fault before any claim is the pool's"


async def test_it_says_why_also_if_the_run_cannot_be_put_back(harness: AgentHarness) -> None:
    run = await harness.claimed(task(1))
    harness.work.take_away("u1")
    with pytest.raises(LoadFailed):
        await do_run(harness.work, Never(SettingsError("no such key")), run, asyncio.Event())


async def test_a_bug_is_left_to_crash_the_process(harness: AgentHarness) -> None:
    run = await harness.claimed(task(1))
    with pytest.raises(ZeroDivisionError):
        await do_run(harness.work, Buggy(), run, asyncio.Event())
    assert harness.work.results == {}


async def test_a_result_that_redis_refuses_leaves_the_run_to_its_lease(harness: AgentHarness) -> None:
    harness.work.faults["end"] = [StoreFault("a row of another type")]

    assert (
        await do_run(harness.work, harness.answerer, await harness.claimed(task(1)), asyncio.Event()) is Exit.TRY_AGAIN
    )


async def test_a_password_that_changes_under_us_is_told(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    harness.work.faults["check"] = [StoreMisconfigured("the password")]
    with pytest.raises(StoreMisconfigured):
        await do_run(harness.work, harness.answerer, await harness.claimed(task(1)), asyncio.Event())


@pytest.mark.parametrize(
    ("says", "code"), [("An answer.", Exit.DONE), (ChatUnauthorized("401"), Exit.MISCONFIGURED), ("\u200b", Exit.DONE)]
)
async def test_the_exit_code_says_whether_anybody_has_to_look(
    harness: AgentHarness, says: str | Exception, code: Exit
) -> None:
    harness.chat.script = [says]
    harness.chat.else_says = "\u200b"

    assert await do_run(harness.work, harness.answerer, await harness.claimed(task(1)), asyncio.Event()) is code
