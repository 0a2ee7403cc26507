"""One run to its end: what the model is asked, what is handed over, and why there may be no answer."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from openclaw_core.errors import (
    ChatUnauthorized,
    LostOwnership,
    StoreFault,
    StoreFull,
    StoreUnavailable,
    StreamCut,
)
from openclaw_core.ports import ModelAt, Piece, Usage
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Material
from openclaw_core.tasks.work import GaveUp
from tests.agent.desk import Desk, Pieces, task, until
from tests.fakes.work import ORDER

VOICE = Material(kind="voice", file_id="v", name="recording.ogg")
FILE = Material(kind="file", file_id="f", name="a.txt")


async def test_an_answer_is_handed_over_whole_with_what_it_took(desk: Desk) -> None:
    assert await desk.answer(task(1)) is None

    assert desk.markdown() == "The whole answer."
    usage: Any = desk.work.results["u1"]
    assert usage.usage == {
        "model": "m", "calls": 1, "prompt_tokens": 10, "cached_tokens": 0, "answer_tokens": 5, "counted": True, "model_ms": 0, "first_token_ms": 0,
    }  # fmt: skip


async def test_the_model_reads_the_turns_that_the_run_brings(desk: Desk) -> None:
    before = (
        Turn(task_id="u0", speaker="user", text="sort a list"),
        Turn(task_id="u0", speaker="assistant", text="sorted(values)"),
    )
    await desk.answer(task(1, "reverse it"), history=before)

    [call] = desk.chat.calls
    assert [message.content for message in call.messages[1:]] == ["sort a list", "sorted(values)", "reverse it"]


async def test_a_model_that_another_server_has_is_asked_there_and_recorded_by_its_name(desk: Desk) -> None:
    elsewhere = (ModelAt(name="m", provider="openrouter", id="maker/m"),)
    await desk.answer(task(1), order=replace(ORDER, elsewhere=elsewhere))

    assert [(call.provider, call.model) for call in desk.chat.calls] == [("openrouter", "maker/m")]
    usage: Any = desk.work.results["u1"]
    assert usage.usage["model"] == "m"


async def test_a_short_answer_is_one_step(desk: Desk) -> None:
    await desk.answer(task(1))

    assert desk.work.calls == ["claim", "end"]


async def test_an_answer_is_written_while_it_grows(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    answering = asyncio.create_task(desk.answer(task(1)))
    await until(lambda: desk.work.texts)
    desk.chat.goes_on.set()

    assert await answering is None
    assert desk.work.texts["u1"][0] == "The whol"
    assert desk.markdown() == "The whole answer."


async def test_what_is_written_last_is_the_answer(desk: Desk) -> None:
    """A write that is still on its way when the answer ends finds no run."""
    desk.answering.chat = pieces = Pieces()
    answering = asyncio.create_task(desk.answer(task(1)))
    for piece in (Piece(text="x" * 100), Piece(text="y"), Piece(usage=Usage())):
        pieces.pieces.put_nowait(piece)
        await asyncio.sleep(0.02)

    await answering
    assert desk.work.calls[-1] == "end"


async def test_after_a_broken_stream_the_answer_is_written_from_its_beginning(desk: Desk) -> None:
    desk.chat.script = [StreamCut("cut")]
    desk.chat.else_says = "Anew. " * 40
    await desk.answer(task(1))

    assert desk.markdown() == "Anew. " * 40
    assert len(desk.chat.calls) == 2


@pytest.mark.parametrize("unseen", ["\u200b\u200b", "\u00ad \u2060", "\u200f\n"])
async def test_an_answer_that_nobody_can_see_is_none(desk: Desk, unseen: str) -> None:
    desk.chat.else_says = unseen

    assert await desk.answer(task(1)) is Cause.EMPTY_ANSWER
    assert desk.work.results == {"u1": GaveUp(cause=Cause.EMPTY_ANSWER)}
    assert desk.work.texts == {}


async def test_a_refusal_is_handed_over_with_its_cause(desk: Desk) -> None:
    desk.chat.script = [ChatUnauthorized("401")]

    assert await desk.answer(task(1)) is Cause.MODEL_KEY
    assert desk.work.results == {"u1": GaveUp(cause=Cause.MODEL_KEY)}


async def test_a_model_that_takes_too_long_is_given_up(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    desk.answering.task_deadline_s = 0.05

    assert await desk.answer(task(1)) is Cause.DEADLINE
    assert desk.work.results == {"u1": GaveUp(cause=Cause.DEADLINE)}


# ---- Redis


async def test_writes_that_redis_misses_are_made_up_for(desk: Desk) -> None:
    desk.chat.goes_on.clear()
    desk.work.faults["write"] = [StoreUnavailable("away"), StoreFull("full")]
    answering = asyncio.create_task(desk.answer(task(1)))
    await until(lambda: desk.work.texts)
    desk.chat.goes_on.set()

    assert await answering is None
    assert desk.work.texts["u1"][0] == "The whol"


async def test_an_answer_waits_until_redis_is_there_also_beyond_the_deadline(desk: Desk) -> None:
    desk.answering.task_deadline_s = 0.2
    desk.work.ends_land.clear()
    desk.work.faults["end"] = [StoreUnavailable("away")] * 3
    answering = asyncio.create_task(desk.answer(task(1)))
    await asyncio.sleep(0.4)
    desk.work.ends_land.set()

    assert await answering is None
    assert desk.markdown() == "The whole answer."


async def test_a_result_that_redis_refuses_ends_the_attempt(desk: Desk) -> None:
    desk.work.faults["end"] = [StoreFault("a row of another type")]

    with pytest.raises(StoreFault):
        await desk.answer(task(1))
    assert not desk.answering.ending


async def test_a_run_that_was_taken_away_is_written_no_more(desk: Desk) -> None:
    desk.answering.chat = pieces = Pieces()
    answering = asyncio.create_task(desk.answer(task(1)))
    pieces.pieces.put_nowait(Piece(text="some words"))
    await until(lambda: desk.work.texts)
    desk.work.take_away("u1")
    pieces.pieces.put_nowait(Piece(text=" and more"))

    with pytest.raises(LostOwnership):
        await answering
    assert (desk.work.texts, desk.work.results) == ({"u1": ["some words"]}, {})


# ---- what came with the message


async def test_a_recording_is_answered_and_remembered_by_what_it_says(desk: Desk) -> None:
    desk.files.contents = [b"sound"]
    desk.chat.hears = ["why is the sky blue"]
    await desk.answer(task(1, "", materials=(VOICE,)))

    assert desk.asked() == ["why is the sky blue"]
    assert desk.work.said == {"u1": "why is the sky blue"}


async def test_a_file_that_holds_no_text_fails_with_its_cause_and_asks_no_model(desk: Desk) -> None:
    desk.files.contents = [b"\x00\x01"]

    assert await desk.answer(task(1, materials=(FILE,))) is Cause.FILE_UNREADABLE
    assert (desk.chat.calls, desk.work.results) == ([], {"u1": GaveUp(cause=Cause.FILE_UNREADABLE)})


async def test_a_long_file_is_answered_with_a_word_that_it_was_cut(desk: Desk) -> None:
    desk.files.contents = [b"line of words\n" * 5000]
    await desk.answer(task(1, "sum up", materials=(FILE,)))

    assert "a.txt" in desk.asked()[0]
    assert "The file is longer than I can read at once" in desk.markdown()
    assert desk.work.said["u1"].startswith("sum up\n\n[the file a.txt]\nline of words")
    assert len(desk.work.said["u1"]) < 2000


async def test_words_that_came_with_a_picture_are_answered_with_a_word_that_it_was_not_seen(desk: Desk) -> None:
    await desk.answer(task(1, unseen="photo", lang="he"))

    assert desk.markdown().startswith("The whole answer.\n\n_")
    assert desk.markdown().endswith("אין כאן אפשרות לראות תמונות, והתשובה היא למילים בלבד._")


async def test_an_answer_that_was_cut_says_so_outside_of_its_code(desk: Desk) -> None:
    desk.answering.chat = pieces = Pieces()
    pieces.pieces.put_nowait(Piece(text="```python\nprint(", usage=Usage(), truncated=True))
    await desk.answer(task(1))

    code, note = desk.markdown().rsplit("\n\n", 1)
    assert code == "```python\nprint(\n```"
    assert note.startswith("_")
