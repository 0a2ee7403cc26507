"""What is sent while a model is asked already, and belongs to the task, is answered with it, and nothing of it is written twice."""

import asyncio
from dataclasses import replace

import pytest

from openclaw_core.ports import Piece, Usage
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Attachment
from tests.agent.harness import AgentHarness, Pieces, task
from tests.waiting import until

WHOLE = replace(
    task(1, "is this true?"), quoted="The moon is made of cheese.", forwarded="some",
    attachments=(Attachment(kind="file", file_id="f", name="a.txt"),)
)  # fmt: skip


@pytest.fixture
def growing(harness: AgentHarness) -> AgentHarness:
    harness.files.contents = [b"a few words"]
    harness.chat.script = ["I see nothing.", "It is true."]
    return harness


async def test_a_model_that_was_asked_too_early_is_asked_again_with_all_of_it(growing: AgentHarness) -> None:
    run = await growing.claimed(task(1, "is this true?"))
    growing.work.send_more(WHOLE)
    assert await growing.answerer.answer(run) is None

    first, second = growing.asked()
    assert first == "is this true?"
    assert [part in second for part in ("is this true?", "> The moon is made of cheese.", "> a few words")] == [
        True
    ] * 3
    assert growing.markdown() == "It is true."
    assert growing.work.texts == {}
    assert "a few words" in growing.work.said["u1"]


async def test_first_words_are_not_written_once_it_has_grown(growing: AgentHarness) -> None:
    growing.answerer.chat = pieces = Pieces()
    answering = asyncio.create_task(growing.answerer.answer(await growing.claimed(task(1, "is this true?"))))
    await until(lambda: pieces.calls)
    growing.work.send_more(WHOLE)
    pieces.pieces.put_nowait(Piece(text="I see"))
    await until(lambda: len(pieces.calls) == 2)
    pieces.pieces.put_nowait(Piece(text="It is true.", usage=Usage()))

    assert await answering is None
    assert growing.markdown() == "It is true."
    assert "I see" not in str(growing.work.texts)


async def test_it_waits_until_all_of_it_was_sent(growing: AgentHarness) -> None:
    run = await growing.claimed(task(1, "is this true?"))
    growing.work.send_more(WHOLE, all_sent=False)
    answering = asyncio.create_task(growing.answerer.answer(run))
    await until(lambda: growing.work.calls.count("grown") > 3)
    assert len(growing.chat.calls) == 1
    growing.work.send_more(WHOLE)

    assert await answering is None
    assert growing.markdown() == "It is true."


async def test_more_that_never_comes_is_given_up_at_the_deadline(growing: AgentHarness) -> None:
    run = await growing.claimed(task(1, "is this true?"))
    growing.answerer.task_deadline_s = 0.2
    growing.work.send_more(WHOLE, all_sent=False)

    assert await growing.answerer.answer(run) is Cause.DEADLINE
