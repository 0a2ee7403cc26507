"""The preview of an answer in steps: what is written into the run, in which order, and how often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from openclaw_agent.steps.preview import StepPreview
from openclaw_core.errors import StoreUnavailable
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.work import PREVIEW_EVERY_S
from tests.agent.harness import task
from tests.fakes.time import FakeTime
from tests.fakes.work import FakeWork
from tests.waiting import until

SEARCHING = Status(doing=Doing.SEARCHING, subject="light")
READING = Status(doing=Doing.READING, subject="a.org")
LONG = "word " * 30


async def up_to_bracket(text: str) -> str:
    """What a chat may see: nothing from an open bracket on."""
    return text.partition("[")[0]


@asynccontextmanager
async def written() -> AsyncIterator[tuple[StepPreview, FakeWork, FakeTime]]:
    work, time = FakeWork(), FakeTime()
    work.hand_over(task(1))
    run = await work.claim()
    assert run is not None
    preview = StepPreview(work=work, run=run, shown=up_to_bracket, clock=time.clock, sleep=time.sleep)
    writing = asyncio.create_task(preview.keep_written())
    try:
        yield preview, work, time
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_a_status_is_written_once_and_words_follow_it() -> None:
    async with written() as (preview, work, _):
        preview.tell(SEARCHING)
        await until(lambda: work.statuses)
        preview.tell(READING)
        await until(lambda: len(work.statuses["u1"]) == 2)
        preview.add(LONG)
        await until(lambda: work.texts)
        assert work.statuses["u1"] == [SEARCHING, READING]
        assert work.texts["u1"] == [LONG]


async def test_what_a_model_says_before_its_calls_gives_way_to_the_status() -> None:
    async with written() as (preview, work, _):
        preview.add(LONG)
        await until(lambda: work.texts)
        preview.tell(SEARCHING)
        await until(lambda: work.statuses)
        assert preview.text == ""
        preview.add(LONG + "and more")
        await until(lambda: len(work.texts["u1"]) == 2)
        assert work.calls.index("write") < work.calls.index("status") < len(work.calls) - 1


async def test_a_word_before_a_call_is_not_shown_at_all() -> None:
    async with written() as (preview, work, _):
        preview.add("I look.")
        await asyncio.sleep(0)
        preview.tell(SEARCHING)
        await until(lambda: work.statuses)
        assert work.texts == {}


async def test_what_the_next_words_may_change_is_held_back() -> None:
    async with written() as (preview, work, _):
        preview.add("[" + LONG)
        await asyncio.sleep(0.05)
        assert work.texts == {}
        preview.clear()
        preview.add(f"{LONG}[1")
        await until(lambda: work.texts)
        assert work.texts["u1"] == [LONG]


async def test_a_status_is_written_again_after_an_absence_of_redis() -> None:
    async with written() as (preview, work, _):
        work.faults = {"status": [StoreUnavailable("away")] * 3}
        preview.tell(SEARCHING)
        await until(lambda: work.statuses)
        assert work.calls.count("status") == 4


@pytest.mark.parametrize("n", [5])
async def test_statuses_are_written_as_often_as_a_chat_can_show_them(n: int) -> None:
    async with written() as (preview, work, time):
        began = time.clock()
        for at in range(n):
            preview.tell(Status(doing=Doing.SEARCHING, subject=str(at)))
            await until(lambda at=at: len(work.statuses.get("u1", ())) > at)  # type: ignore[misc]
        assert time.clock() - began >= (n - 1) * PREVIEW_EVERY_S
