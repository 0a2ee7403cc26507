"""Completed steps of an answer in the store: each is kept once, goes with the task to its next agent, and is bounded;
and the status line.
"""

import json
from dataclasses import replace

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.ports import CallFault, FunctionCall
from openclaw_core.store.run_steps import status_from, status_json, step_json, steps_from
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import STATUS_MAX_CHARS, CodeRun, Doing, Ended, Status
from openclaw_core.tasks.work import HandedBack, PutBack, Result
from tests.core.store_world import World, completed_step, effect, task

SEARCHING = Status(doing=Doing.SEARCHING, subject="מגדלור")


@pytest.fixture(autouse=True)
async def lead(world: World) -> None:
    await world.lead()


async def test_a_run_without_tools_has_no_steps(world: World) -> None:
    run = await world.claimed(task(1))
    assert run.steps == ()
    assert await world.script.read("HMGET", world.script.keys("agent", "run", run.name), "steps", "status") == [
        None,
        None,
    ]


@pytest.mark.parametrize("result", [HandedBack(), PutBack()])
async def test_a_task_that_is_given_back_goes_on_behind_its_completed_steps(world: World, result: Result) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.step(run, 1, completed_step(1))
    assert await world.agent.step(run, 2, completed_step(2, "אור"))
    await world.end(run, result)
    assert (await world.claim()).steps == (completed_step(1), completed_step(2, "אור"))


async def test_a_task_whose_agent_is_lost_goes_on_behind_its_completed_steps(world: World) -> None:
    run = await world.claimed(task(1))
    await world.agent.step(run, 1, completed_step(1))
    await world.agent.status(run, SEARCHING)
    assert await world.pools.lost("u1", Cause.CRASH, job="job-1", epoch=world.epoch)
    again = await world.claim(world.work("job-2"))
    assert again.steps == (completed_step(1),)
    assert (await world.displays.growing("t:u1")).status is None


def test_a_run_of_code_is_kept_with_its_step_and_one_of_another_shape_is_done_again() -> None:
    ran = CodeRun(
        language="python",
        program=Ended(exit_code=0, seconds=0.3, output="42"),
        test=Ended(cause="timed_out", seconds=10.0, errors="…"),
        files=("t.csv",),
        pictures=1,
    )
    one = completed_step(1)
    step = replace(one, results=(replace(one.results[0], ran=ran),))
    stored = step_json(step)

    assert steps_from(stored) == (step,)
    assert "ran" not in json.loads(step_json(one))["results"][0]
    assert steps_from(stored.replace('"exit_code":0', '"exit_code":"0"')) == ()
    assert steps_from(stored.replace('"pictures":1', '"pictures":"1"')) == ()
    assert steps_from(stored.replace('"pictures":1', '"pictures":1,"newer":true')) == (step,)


async def test_a_step_is_kept_once_and_in_order(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.step(run, 2, completed_step(2))
    assert await world.agent.step(run, 1, completed_step(1))
    assert await world.agent.step(run, 1, completed_step(1, "another"))
    await world.end(run, HandedBack())
    assert (await world.claim()).steps == (completed_step(1),)


async def test_steps_together_are_bounded_and_what_is_beyond_is_done_again(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.step(run, 1, completed_step(1, "x" * 200_000))
    assert await world.agent.step(run, 2, completed_step(2, "x" * 62_000))
    assert await world.agent.step(run, 3, completed_step(3))
    await world.end(run, HandedBack())
    assert len((await world.claim()).steps) == 1


async def test_an_agent_that_has_lost_its_run_keeps_no_step_and_shows_no_status(world: World) -> None:
    run = await world.claimed(task(1))
    await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en", "task": "u1"})
    with pytest.raises(LostOwnership):
        await world.agent.step(run, 1, completed_step(1))
    with pytest.raises(LostOwnership):
        await world.agent.status(run, SEARCHING)


async def test_a_status_is_shown_until_there_are_words(world: World) -> None:
    run = await world.claimed(task(1))
    await world.agent.write(run, "I look.")
    await world.agent.status(run, SEARCHING)
    growing = await world.displays.growing("t:u1")
    assert (growing.text, growing.began, growing.status) == ("", False, SEARCHING)
    assert await world.agent.write(run, "Here it is.")
    growing = await world.displays.growing("t:u1")
    assert (growing.text, growing.began, growing.status) == ("Here it is.", True, None)


async def test_a_question_that_grows_is_answered_from_its_first_step(world: World) -> None:
    first = replace(task(11, chat=11, text="first:"), cut=True)
    act = {"act": "11:1", "group": ""}
    await world.effects({**effect(first), **act, "sent_s": 50, "open_s": 2})
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    await world.dispatch(first)
    run = await world.claim()
    assert await world.agent.step(run, 1, completed_step(1))
    await world.effects({**effect(task(12, chat=11)), **act, "sent_s": 51, "open_s": -1})
    assert not await world.agent.step(run, 2, completed_step(2))
    await world.hear()
    assert await world.news.regrow(run.name, epoch=world.epoch)
    whole = await world.agent.grown(run)
    assert whole is not None
    assert whole.steps == ()
    assert await world.agent.step(whole, 1, completed_step(1, "anew"))


# ---- as they are stored


def test_a_step_is_one_line_whatever_a_model_says() -> None:
    odd = replace(
        completed_step(1, "a\nb\u2028c\ud83d"),
        calls=(FunctionCall(id="c", name="look", arguments="{", fault=CallFault.NOT_JSON),),
        results=(replace(completed_step(1).results[0], fault="timed_out", pages=()),),
    )
    assert len(step_json(odd).splitlines()) == 1
    assert steps_from(step_json(odd) + "\n") == (odd,)


@pytest.mark.parametrize(
    "line",
    [
        "[",
        "[]",
        json.dumps({**json.loads(step_json(completed_step(2))), "v": 2}),
        json.dumps({**json.loads(step_json(completed_step(2))), "results": []}),
        json.dumps({**json.loads(step_json(completed_step(2))), "text": 5}),
    ],
)
def test_steps_are_read_up_to_one_that_cannot_be_read(line: str) -> None:
    assert steps_from(f"{step_json(completed_step(1))}\n{line}\n{step_json(completed_step(3))}\n") == (
        completed_step(1),
    )


def test_what_a_newer_release_adds_to_a_step_is_dropped() -> None:
    row = json.loads(step_json(completed_step(1)))
    row |= {"mood": "good", "results": [{**row["results"][0], "mood": "good"}]}
    assert steps_from(json.dumps(row)) == (completed_step(1),)


def test_a_status_is_read_within_its_bounds() -> None:
    assert status_from(status_json(SEARCHING)) == SEARCHING
    assert status_from('{"doing":"reading","subject":"a\\nb","n":"x"}') == Status(doing=Doing.READING, subject="a b")
    long = status_from(json.dumps({"doing": "reading", "subject": "a" * 9999}))
    assert long is not None
    assert len(long.subject) == STATUS_MAX_CHARS
    for odd in (None, "", "[", "[]", '{"doing":"dreaming"}'):
        assert status_from(odd) is None
