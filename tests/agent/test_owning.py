"""A run that is in hand: its lease, its loss, and how it is given back."""

import asyncio
from dataclasses import dataclass

import pytest

from openclaw_agent import lease
from openclaw_agent.opening import NeverReady
from openclaw_agent.owning import own
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
from tests.agent.desk import Desk, task, until
from tests.fakes.time import FakeTime
from tests.fakes.work import FakeWork


async def test_a_lease_is_renewed_every_three_seconds_and_looked_at_in_between() -> None:
    work, time = FakeWork(), FakeTime()
    work.hand_over(task(1))
    run = await work.claim()
    assert run is not None
    keeping = asyncio.create_task(lease.keep(work, run, clock=time.clock, sleep=time.sleep))
    await until(lambda: work.calls.count("renew") >= 2)
    keeping.cancel()

    assert work.calls[:13] == ["claim", *["check"] * 5, "renew", *["check"] * 5, "renew"]  # one each half second


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), StoreFull("full")])
async def test_a_lease_outlasts_an_absence_of_redis(fault: Exception) -> None:
    work, time = FakeWork(), FakeTime()
    work.faults = {"check": [fault] * 20, "renew": [fault] * 20}
    work.hand_over(task(1))
    run = await work.claim()
    assert run is not None
    keeping = asyncio.create_task(lease.keep(work, run, clock=time.clock, sleep=time.sleep))
    await until(lambda: not work.faults["renew"] and work.calls[-1] == "check")
    work.take_away("u1")
    with pytest.raises(LostOwnership):
        await keeping


async def test_a_task_that_was_stopped_or_taken_ends_the_work_within_a_second(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    owning = asyncio.create_task(own(desk.work, desk.answering, await desk.claimed(task(1)), asyncio.Event()))
    await until(lambda: desk.work.texts)
    written = dict(desk.work.texts)
    desk.work.take_away("u1")
    async with asyncio.timeout(5):
        assert await owning is Exit.DONE
    desk.chat.goes_on.set()
    await asyncio.sleep(0.05)
    assert (desk.work.texts, desk.work.results) == (written, {})


async def test_sigterm_gives_the_run_back(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    stop = asyncio.Event()
    owning = asyncio.create_task(own(desk.work, desk.answering, await desk.claimed(task(1)), stop))
    await until(lambda: desk.chat.calls)
    stop.set()

    assert await owning is Exit.TRY_AGAIN
    assert desk.work.results == {"u1": HandedBack()}


async def test_sigterm_lets_an_answer_that_is_being_handed_over_arrive(desk: Desk) -> None:
    desk.work.ends_land.clear()
    stop = asyncio.Event()
    owning = asyncio.create_task(own(desk.work, desk.answering, await desk.claimed(task(1)), stop))
    await until(lambda: desk.work.calls[-1] == "end")
    stop.set()
    await asyncio.sleep(0.1)
    desk.work.ends_land.set()

    assert await owning is Exit.DONE
    assert isinstance(desk.work.results["u1"], Answered)


async def test_sigterm_while_redis_is_away_does_not_keep_the_process(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    desk.work.faults["end"] = [StoreUnavailable("away")] * 99
    stop = asyncio.Event()
    owning = asyncio.create_task(own(desk.work, desk.answering, await desk.claimed(task(1)), stop, hand_back_s=0.2))
    await until(lambda: desk.chat.calls)
    stop.set()

    assert await owning is Exit.TRY_AGAIN
    assert desk.work.results == {}


async def test_a_task_that_was_stopped_meanwhile_is_not_given_back(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    stop = asyncio.Event()
    owning = asyncio.create_task(own(desk.work, desk.answering, await desk.claimed(task(1)), stop))
    await until(lambda: desk.chat.calls)
    desk.work.take_away("u1")
    stop.set()

    assert await owning is Exit.DONE
    assert desk.work.results == {}


@dataclass
class Never:
    """Cannot be opened."""

    fault: Exception
    ending: bool = False

    async def answer(self, run: Run) -> Cause | None:
        raise NeverReady(self.fault)


@dataclass
class Buggy:
    ending: bool = False

    async def answer(self, run: Run) -> Cause | None:
        raise ZeroDivisionError


async def test_a_process_that_can_never_answer_puts_its_run_back(desk: Desk) -> None:
    with pytest.raises(NeverReady):
        await own(desk.work, Never(SettingsError("no such key")), await desk.claimed(task(1)), asyncio.Event())
    assert desk.work.results == {"u1": PutBack()}
    assert desk.work.job == "created", "a fault before any claim is the pool's"


async def test_it_says_why_also_if_the_run_cannot_be_put_back(desk: Desk) -> None:
    run = await desk.claimed(task(1))
    desk.work.take_away("u1")
    with pytest.raises(NeverReady):
        await own(desk.work, Never(SettingsError("no such key")), run, asyncio.Event())


async def test_a_bug_is_left_to_crash_the_process(desk: Desk) -> None:
    run = await desk.claimed(task(1))
    with pytest.raises(ZeroDivisionError):
        await own(desk.work, Buggy(), run, asyncio.Event())
    assert desk.work.results == {}


async def test_a_result_that_redis_refuses_leaves_the_run_to_its_lease(desk: Desk) -> None:
    desk.work.faults["end"] = [StoreFault("a row of another type")]

    assert await own(desk.work, desk.answering, await desk.claimed(task(1)), asyncio.Event()) is Exit.TRY_AGAIN


async def test_a_password_that_changes_under_us_is_told(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    desk.work.faults["check"] = [StoreMisconfigured("the password")]
    with pytest.raises(StoreMisconfigured):
        await own(desk.work, desk.answering, await desk.claimed(task(1)), asyncio.Event())


@pytest.mark.parametrize(
    ("says", "code"), [("An answer.", Exit.DONE), (ChatUnauthorized("401"), Exit.MISCONFIGURED), ("\u200b", Exit.DONE)]
)
async def test_the_exit_code_says_whether_anybody_has_to_look(desk: Desk, says: str | Exception, code: Exit) -> None:
    desk.chat.script = [says]
    desk.chat.else_says = "\u200b"

    assert await own(desk.work, desk.answering, await desk.claimed(task(1)), asyncio.Event()) is code
