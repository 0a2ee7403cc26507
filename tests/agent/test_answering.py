"""One run to its end: what the model is asked, what is handed over, and why there may be no answer."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from openclaw_core.errors import (
    ChatUnauthorized,
    LostOwnership,
    RateLimited,
    StoreFault,
    StoreFull,
    StoreUnavailable,
    StreamCut,
)
from openclaw_core.ports import ModelAt, Piece, Usage
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.receipt import Receipt, digest, messages_digest
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.task import Attachment
from openclaw_core.tasks.timings import Part
from openclaw_core.tasks.work import GaveUp
from tests.agent.harness import AgentHarness, Pieces, task
from tests.fakes.work import ORDER
from tests.waiting import until

VOICE = Attachment(kind="voice", file_id="v", name="recording.ogg")
FILE = Attachment(kind="file", file_id="f", name="a.txt")


async def test_an_answer_is_handed_over_whole_with_what_it_took(harness: AgentHarness) -> None:
    assert await harness.answer(task(1)) is None

    assert harness.markdown() == "The whole answer."
    usage: Any = harness.work.results["u1"]
    [call] = harness.chat.calls
    receipt = Receipt(
        prompt=digest(call.messages[0].content.split("\n\n# Today")[0]), messages=messages_digest(call.messages)
    )
    assert usage.usage == RunUsage(
        model="m", calls=1, prompt_tokens=10, answer_tokens=5, first_token_ms=0, receipt=receipt
    )


async def test_the_model_reads_the_turns_that_the_run_brings(harness: AgentHarness) -> None:
    before = (
        Turn(task_id="u0", speaker="user", text="sort a list"),
        Turn(task_id="u0", speaker="assistant", text="sorted(values)"),
    )
    await harness.answer(task(1, "reverse it"), history=before)

    [call] = harness.chat.calls
    assert [message.content for message in call.messages[1:]] == ["sort a list", "sorted(values)", "reverse it"]


async def test_a_model_that_another_server_has_is_asked_there_and_recorded_by_its_name(harness: AgentHarness) -> None:
    elsewhere = (ModelAt(name="m", provider="openrouter", id="maker/m"),)
    await harness.answer(task(1), snapshot=replace(ORDER, elsewhere=elsewhere))

    assert [(call.provider, call.model) for call in harness.chat.calls] == [("openrouter", "maker/m")]
    usage: Any = harness.work.results["u1"]
    assert usage.usage.model == "m"


async def test_a_short_answer_is_one_step(harness: AgentHarness) -> None:
    await harness.answer(task(1))

    assert harness.work.calls == ["claim", "end"]


async def test_an_answer_is_written_while_it_grows(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    answering = asyncio.create_task(harness.answer(task(1)))
    await until(lambda: harness.work.texts)
    harness.chat.goes_on.set()

    assert await answering is None
    assert harness.work.texts["u1"][0] == "The whol"
    assert harness.markdown() == "The whole answer."


async def test_what_is_written_last_is_the_answer(harness: AgentHarness) -> None:
    """A write that is still on its way when the answer ends finds no run."""
    harness.answerer.chat = pieces = Pieces()
    answering = asyncio.create_task(harness.answer(task(1)))
    for piece in (Piece(text="x" * 100), Piece(text="y"), Piece(usage=Usage())):
        pieces.pieces.put_nowait(piece)
        await asyncio.sleep(0.02)

    await answering
    assert harness.work.calls[-1] == "end"


async def test_after_a_broken_stream_the_answer_is_written_from_its_beginning(harness: AgentHarness) -> None:
    harness.chat.script = [StreamCut("cut")]
    harness.chat.else_says = "Anew. " * 40
    await harness.answer(task(1))

    assert harness.markdown() == "Anew. " * 40
    assert len(harness.chat.calls) == 2


@pytest.mark.parametrize("unseen", ["\u200b\u200b", "\u00ad \u2060", "\u200f\n"])
async def test_an_answer_that_nobody_can_see_is_none(harness: AgentHarness, unseen: str) -> None:
    harness.chat.else_says = unseen

    assert await harness.answer(task(1)) is Cause.EMPTY_ANSWER
    assert harness.work.results == {"u1": GaveUp(cause=Cause.EMPTY_ANSWER)}
    assert harness.work.texts == {}


async def test_a_refusal_is_handed_over_with_its_cause(harness: AgentHarness) -> None:
    harness.chat.script = [ChatUnauthorized("401")]

    assert await harness.answer(task(1)) is Cause.MODEL_KEY
    assert harness.work.results == {"u1": GaveUp(cause=Cause.MODEL_KEY)}


async def test_a_model_that_takes_too_long_is_given_up(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    harness.answerer.task_deadline_s = 0.05

    assert await harness.answer(task(1)) is Cause.DEADLINE
    assert harness.work.results == {"u1": GaveUp(cause=Cause.DEADLINE)}


# ---- Redis


async def test_writes_that_redis_misses_are_made_up_for(harness: AgentHarness) -> None:
    harness.chat.goes_on.clear()
    harness.work.faults["write"] = [StoreUnavailable("away"), StoreFull("full")]
    answering = asyncio.create_task(harness.answer(task(1)))
    await until(lambda: harness.work.texts)
    harness.chat.goes_on.set()

    assert await answering is None
    assert harness.work.texts["u1"][0] == "The whol"


async def test_an_answer_waits_until_redis_is_there_also_beyond_the_deadline(harness: AgentHarness) -> None:
    harness.answerer.task_deadline_s = 1
    harness.work.ends_land.clear()
    harness.work.faults["end"] = [StoreUnavailable("away")] * 3
    answering = asyncio.create_task(harness.answer(task(1)))
    await until(lambda: harness.work.calls and harness.work.calls[-1] == "end")
    await asyncio.sleep(1.2)
    harness.work.ends_land.set()

    assert await answering is None
    assert harness.markdown() == "The whole answer."


async def test_a_result_that_redis_refuses_ends_the_attempt(harness: AgentHarness) -> None:
    harness.work.faults["end"] = [StoreFault("a row of another type")]

    with pytest.raises(StoreFault):
        await harness.answer(task(1))
    assert not harness.answerer.handing_over


async def test_a_run_that_was_taken_away_is_written_no_more(harness: AgentHarness) -> None:
    harness.answerer.chat = pieces = Pieces()
    answering = asyncio.create_task(harness.answer(task(1)))
    pieces.pieces.put_nowait(Piece(text="some words"))
    await until(lambda: harness.work.texts)
    harness.work.take_away("u1")
    pieces.pieces.put_nowait(Piece(text=" and more"))

    with pytest.raises(LostOwnership):
        await answering
    assert (harness.work.texts, harness.work.results) == ({"u1": ["some words"]}, {})


# ---- what came with the message


async def test_a_recording_is_answered_and_remembered_by_what_it_says(harness: AgentHarness) -> None:
    harness.files.contents = [b"sound"]
    harness.chat.hears = ["why is the sky blue"]
    await harness.answer(task(1, "", attachments=(VOICE,)))

    assert harness.asked() == ["why is the sky blue"]
    assert harness.work.said == {"u1": "why is the sky blue"}


async def test_a_file_that_holds_no_text_fails_with_its_cause_and_asks_no_model(harness: AgentHarness) -> None:
    harness.files.contents = [b"\x00\x01"]

    assert await harness.answer(task(1, attachments=(FILE,))) is Cause.FILE_UNREADABLE
    assert (harness.chat.calls, harness.work.results) == ([], {"u1": GaveUp(cause=Cause.FILE_UNREADABLE)})


async def test_a_long_file_is_answered_with_a_word_that_it_was_cut(harness: AgentHarness) -> None:
    harness.files.contents = [b"line of words\n" * 5000]
    await harness.answer(task(1, "sum up", attachments=(FILE,)))

    assert "a.txt" in harness.asked()[0]
    assert "The file is longer than I can read at once" in harness.markdown()
    assert harness.work.said["u1"].startswith("sum up\n\n[the file a.txt]\nline of words")
    assert len(harness.work.said["u1"]) < 2000


async def test_words_that_came_with_a_picture_are_answered_with_a_word_that_it_was_not_seen(
    harness: AgentHarness,
) -> None:
    await harness.answer(task(1, unseen="photo", lang="he"))

    assert harness.markdown().startswith("The whole answer.\n\n_")
    assert harness.markdown().endswith("אין כאן אפשרות לראות תמונות, והתשובה היא למילים בלבד._")


async def test_an_answer_that_was_cut_says_so_outside_of_its_code(harness: AgentHarness) -> None:
    harness.answerer.chat = pieces = Pieces()
    pieces.pieces.put_nowait(Piece(text="```python\nprint(", usage=Usage(), truncated=True))
    await harness.answer(task(1))

    code, note = harness.markdown().rsplit("\n\n", 1)
    assert code == "```python\nprint(\n```"
    assert note.startswith("_")


async def test_what_an_answer_took_is_handed_over_by_parts(harness: AgentHarness) -> None:
    run = replace(await harness.claimed(task(1, attachments=(FILE,))), claimed_s=harness.time.clock() - 2)
    harness.files.contents = [b"a text"]
    harness.chat.script = [RateLimited(retry_after_s=1.0), "The whole answer."]
    await harness.answerer.answer(run)

    timings = harness.work.results["u1"].timings  # type: ignore[union-attr]
    parts = [(one.part.value, one.of, one.fault, one.at_ms, one.ms) for one in timings]
    assert parts == [
        ("load", "", "", 0, 2000), ("files", "", "", 2000, 0), ("prompt", "", "", 2000, 0), ("model", "m", "model_busy", 2000, 0),
        ("model", "m", "", 3000, 0), ("hand_over", "", "", 3100, 0),
    ]  # fmt: skip
    assert [(one.prompt_tokens, one.answer_tokens) for one in timings if one.part is Part.MODEL] == [(0, 0), (10, 5)]


async def test_a_failed_run_says_what_it_took_too(harness: AgentHarness) -> None:
    harness.chat.script = [ChatUnauthorized("401")]
    assert await harness.answer(task(1)) is Cause.MODEL_KEY
    timings = harness.work.results["u1"].timings  # type: ignore[union-attr]
    assert [(one.part.value, one.fault) for one in timings] == [
        ("load", ""), ("prompt", ""), ("model", "model_key"), ("hand_over", ""),
    ]  # fmt: skip
