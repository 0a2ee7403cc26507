"""A task that a process does by itself, in the store: the newest start owns it, and what its chat was not shown is
shown by the next start.
"""

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.store import AloneTasks, RedisDisplays
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack, Result
from tests.core.store_world import World, task


async def test_alone_runs_once_and_adds_the_turn_only_if_it_is_not_the_newest(world: World) -> None:
    await world.said(task(1, text="same words"))
    alone, one = AloneTasks(world.script, start="s"), task(2, text="same words")
    assert (await alone.begin(one)).state == "running"
    begun = await alone.begin(one)
    assert (begun.state, begun.history) == ("running", ())
    assert await alone.end("u2", Answered(markdown="a", usage=RunUsage())) == "answered"
    assert await alone.end("u2", GaveUp(cause=Cause.CRASH)) == "answered"
    assert await world.history() == [("user", "same words"), ("assistant", "a")]
    assert await world.displays.changed(0) == []  # its own process shows it
    assert (await alone.begin(one)).state == "answered"


async def test_alone_the_newest_start_owns_the_task(world: World) -> None:
    older, newer = (AloneTasks(world.script, start=name) for name in ("older", "newer"))
    await older.begin(task(1))
    await older.check("u1")
    await newer.begin(task(1))
    await older.begin(task(1))  # executed late
    shown = RedisDisplays(world.script, alone="older")
    for late in (
        older.check("u1"),
        older.end("u1", Answered(markdown="a", usage=RunUsage())),
        shown.reserved("t:u1", 0, 5),
        shown.part("t:u1", 1, "sending"),
        shown.shown("t:u1", 0, Delivery.DELIVERED),
    ):
        with pytest.raises(LostOwnership):
            await late
    assert await newer.end("u1", Answered(markdown="b", usage=RunUsage())) == "answered"
    assert await world.history() == [("user", "hello"), ("assistant", "b")]


@pytest.mark.parametrize("result", [Answered(markdown="a", usage=RunUsage()), GaveUp(cause=Cause.CRASH)], ids=str)
async def test_alone_an_end_that_was_not_shown_is_the_next_starts(world: World, result: Result) -> None:
    first, again = (AloneTasks(world.script, start=name) for name in ("first", "again"))
    assert not (await first.begin(task(1))).unshown
    await first.end("u1", result)
    assert (await again.begin(task(1))).unshown
    with pytest.raises(LostOwnership):
        await first.check("u1")
    await RedisDisplays(world.script, alone="again").shown("t:u1", 0, Delivery.DELIVERED)
    assert not (await first.begin(task(1))).unshown
    await again.check("u1")


@pytest.mark.parametrize("result", [HandedBack(), PutBack()])
async def test_alone_nothing_goes_back(world: World, result: Result) -> None:
    alone = AloneTasks(world.script, start="s")
    await alone.begin(task(1))
    assert await alone.end("u1", result) == "running"
