"""The text of a run that grows, against a real server: pieces that come twice or are lost, and what is sent at the end."""

from dataclasses import replace
from typing import Any

import pytest

from tests.core.store_world import World, task


async def test_the_first_words_make_a_preview_and_each_write_is_news(world: World) -> None:
    run = await world.claimed(task(1))
    assert not (await world.displays.growing("t:u1")).began
    for text in ("One", "One two", "Anew"):
        assert await world.agent.write(run, text)
        assert await world.news.wait(timeout_s=1) == ([], [run.name])
        growing = await world.displays.growing("t:u1")
        assert (growing.text, growing.began) == (text, True)
    await world.lanes.reconcile(epoch=world.epoch)
    assert await world.state(task(1)) == "preview"


async def test_a_piece_that_comes_twice_or_after_a_lost_one_is_repaired_by_the_whole_text(world: World) -> None:
    run = await world.claimed(task(1))
    step = {"run": run.name, "job": "job-1"}
    assert await world.agents.step("write", **step, at=0, piece="One") == 1
    assert await world.agents.step("write", **step, at=3, piece=" two") == 1
    assert await world.agents.step("write", **step, at=3, piece=" two") == 0
    assert await world.agents.step("write", **step, at=99, piece="x") == 0
    assert (await world.displays.growing("t:u1")).text == "One two"
    assert await world.agent.write(run, "One two three")
    assert (await world.displays.growing("t:u1")).text == "One two three"


@pytest.mark.parametrize("written", ["Four", "Four and more", "For", "שלום 🙂"])
async def test_of_an_answer_only_what_was_not_written_yet_is_sent(world: World, written: str) -> None:
    run = await world.claimed(task(1))
    sent: list[str] = []
    steps = world.agents.steps

    async def watched(calls: Any) -> Any:
        sent.extend(args["result"]["markdown"] for op, args in calls if op == "finish")
        return await steps(calls)

    world.agents.steps = watched  # type: ignore[method-assign]
    assert await world.agent.write(run, written)
    answer = "Four and more" if written == "For" else f'{written}, "more"\n'
    await world.answered(run, answer)
    assert await world.displays.answer("t:u1") == answer
    assert sent == [answer if written == "For" else ', "more"\n']


async def test_an_answer_is_whole_where_another_text_stands_than_its_agent_thinks(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.write(run, "Four and")
    await world.run_fields(run, text="Fo")
    await world.answered(run, "Four and more")
    assert await world.displays.answer("t:u1") == "Four and more"


async def test_half_a_character_of_a_model_costs_no_answer(world: World) -> None:
    run = await world.claimed(task(1))
    assert await world.agent.write(run, "so \ud83d")
    await world.agent.amend(run, "heard \udc00")
    await world.answered(run, "so \ud83d")
    assert await world.displays.answer("t:u1") == "so ?"
    assert await world.history() == [("user", "heard ?"), ("assistant", "so ?")]


async def test_what_a_recording_says_replaces_the_users_turn(world: World) -> None:
    run = await world.claimed(replace(task(1), text=""))
    await world.agent.amend(run, "why is the sky blue")
    assert await world.agent.write(run, "Because")
    await world.hear()
    assert await world.history() == [("user", "why is the sky blue")]
    assert await world.script.read("HEXISTS", world.script.keys("agent", "run", run.name), "said") == 0
