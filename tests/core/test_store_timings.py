"""Timings of agents in the store: kept with the run record where traces are on, and nowhere else."""

import pytest

from openclaw_core.store import News
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.timings import Part, Timing, timings_from
from openclaw_core.tasks.work import Answered, GaveUp, Result
from tests.core.store_world import USAGE, World, task

TIMINGS = (Timing(part=Part.LOAD, at_ms=0, ms=3), Timing(part=Part.MODEL, at_ms=4, ms=900, of="m"))
ANSWERED = Answered(markdown="Four.", usage=USAGE, timings=TIMINGS)
GAVE_UP = GaveUp(cause=Cause.MODEL_DOWN, timings=TIMINGS)


@pytest.mark.parametrize(("result", "state"), [(ANSWERED, "closed"), (GAVE_UP, "failed")])
async def test_timings_stand_in_the_run_record_where_traces_are_on(world: World, result: Result, state: str) -> None:
    world.news = News(world.script, timings=True)
    await world.end(await world.claimed(task(1)), result)
    await world.shown("t:u1")

    [run] = await world.runs.newest(count=1)
    assert (run.state, timings_from(run.timings)) == (state, TIMINGS)
    times = [run.queued_ms, run.released_ms, run.ready_ms, run.attempt_ms, run.through_ms, run.ended_ms]
    assert all(times)
    assert times == sorted(times, key=int)
    assert not await world.script.read("HGET", world.script.keys("task", "u1"), "timings")


async def test_timings_are_dropped_where_traces_are_off(world: World) -> None:
    await world.end(await world.claimed(task(1)), ANSWERED)
    await world.shown("t:u1")

    [run] = await world.runs.newest(count=1)
    assert (run.state, run.timings) == ("closed", "")


async def test_an_agent_without_timings_is_of_the_release_before(world: World) -> None:
    world.news = News(world.script, timings=True)
    await world.end(await world.claimed(task(1)), Answered(markdown="Four.", usage=USAGE))
    await world.shown("t:u1")

    [run] = await world.runs.newest(count=1)
    assert (run.state, run.timings) == ("closed", "")


async def test_timings_that_are_too_large_are_dropped_and_the_answer_is_not(world: World) -> None:
    world.news = News(world.script, timings=True)
    many = tuple(Timing(part=Part.TOOL, at_ms=1, of="x" * 100) for _ in range(200))
    await world.end(await world.claimed(task(1)), Answered(markdown="Four.", usage=USAGE, timings=many))
    await world.shown("t:u1")

    [run] = await world.runs.newest(count=1)
    assert (run.state, run.timings) == ("closed", "")
