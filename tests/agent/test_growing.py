"""What is sent while a model is asked already, and belongs to the task, is answered with it, and nothing of it is shown twice."""

from dataclasses import replace

import pytest

from openclaw_agent.answering import Result
from openclaw_core.store import Script
from openclaw_core.task import Material
from tests.agent.test_answering import Desk
from tests.core.store_world import World, effect, task


@pytest.fixture
async def desk(script: Script) -> Desk:
    store = World(script)
    await store.lead()
    return Desk(store)


LINKED = {"act": "1:9", "sent_s": 1, "open_s": -1}


async def forwarded(desk: Desk, n: int, text: str, **fields: object) -> None:
    """A forward of the person who asked task 1, in the same second."""
    part = replace(task(n, text=text), forwarded="all", materials=(Material(kind="file", file_id="f", name="a.txt"),))
    await desk.store.effects({**effect(part), **LINKED, "near_s": 1, **fields})


async def test_a_model_that_was_asked_too_early_is_asked_again_with_all_of_it(desk: Desk) -> None:
    desk.messenger.uploads["f"] = b"a few words"
    desk.chat.script = ["I see nothing.", "It is true."]
    await desk.store.effects({**effect(task(1, text="is this true?")), **LINKED})
    [task_id] = await desk.store.lanes.release(cap=1, at_most=1, epoch=desk.store.epoch)
    asked = (await desk.store.lanes.queued(task_id)).task
    await desk.store.lanes.save_context(asked, epoch=desk.store.epoch)
    assert await desk.store.dispatch(asked)
    claimed = await desk.store.agent.claim()
    assert claimed is not None
    await forwarded(desk, 2, "The moon is made of cheese.", hold_ms=200, hold_at_most_ms=1000)
    assert await desk.answer(claimed) == Result()
    first, second = (call.messages[-1].content for call in desk.chat.calls)
    assert first == "is this true?"
    assert [part in second for part in ("is this true?", "> The moon is made of cheese.", "> a few words")] == [
        True
    ] * 3
    assert desk.messenger.texts == ["It is true."]
    asked_turn, answer = await desk.store.lanes.history(1)
    assert "a few words" in asked_turn.text
    assert answer.text == "It is true."


async def test_what_comes_once_words_are_shown_is_a_task_of_its_own(desk: Desk) -> None:
    await desk.store.effects({**effect(task(1)), **LINKED})
    await desk.store.lanes.release(cap=1, at_most=1, epoch=desk.store.epoch)
    await desk.store.dispatch(task(1))
    claimed = await desk.store.agent.claim()
    assert claimed is not None
    assert await desk.store.agent.preview(claimed)
    await forwarded(desk, 2, "news")
    assert await desk.answer(claimed) == Result()
    assert len(desk.chat.calls) == 1
    assert await desk.store.lanes.waiting_in(1) == ["u2"]
