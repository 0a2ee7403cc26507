"""Pictures of a message: which model gets them, what the others are told, and what is left out."""

from dataclasses import replace
from typing import Any

import pytest

from openclaw_agent.attachments.pictures import NOTE_LEFT_OUT, PICTURES_MAX, picture_of
from openclaw_core.errors import ChatUnavailable, RateLimited, RequestTooLarge
from openclaw_core.ports import ModelAt
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.receipt import messages_digest
from openclaw_core.tasks.task import PICTURES_MAX_BYTES, Attachment
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence
from tests.agent.harness import AgentHarness, task
from tests.fakes.work import ORDER

PHOTO = Attachment(kind="picture", file_id="p")
FILE = Attachment(kind="file", file_id="f", name="a.txt")
JPEG, PNG, WEBP = b"\xff\xd8\xff\xe0 a cat", b"\x89PNG\r\n\x1a\n a plan", b"RIFF\x08\x00\x00\x00WEBP a map"
SEEING = replace(ORDER, models=("blind", "seeing"), seeing=("seeing",))
UNSEEN = f"\n\n_{wording.unseen_note('photo', 'en')}_"
AWAY = f"\n\n_{wording.sentence(Sentence.SEEING_MODEL_AWAY, 'en')}_"
LEFT_OUT = f"\n\n_{wording.sentence(Sentence.PICTURES_LEFT_OUT, 'en')}_"


@pytest.mark.parametrize(("content", "mime_type"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")])
def test_the_first_bytes_say_what_a_picture_is(content: bytes, mime_type: str) -> None:
    picture = picture_of(content)
    assert picture is not None
    assert (picture.mime_type, picture.data) == (mime_type, content)
    assert "cat" not in repr(picture)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"GIF89a", b"RIFF\x08\x00\x00\x00WAVE", b"%PDF-1.7", b"\x89PNG"])
def test_anything_else_is_no_picture_whatever_it_is_called(content: bytes) -> None:
    assert picture_of(content) is None


async def test_the_model_that_sees_is_asked_first_and_gets_the_picture(harness: AgentHarness) -> None:
    harness.files.contents = [JPEG]
    assert await harness.answer(task(1, "what is it?", attachments=(PHOTO,)), snapshot=SEEING) is None

    [call] = harness.chat.calls
    asked = call.messages[-1]
    assert call.model == "seeing"
    assert [one.data for one in asked.pictures] == [JPEG]
    assert asked.content.startswith("what is it?\n\n[Pictures with this message: 1. ")
    assert not any(one.pictures for one in call.messages[:-1])
    assert harness.markdown() == "The whole answer."
    assert harness.work.said["u1"] == "what is it?\n\n[a picture]"


async def test_the_receipt_of_an_answer_has_a_digest_of_its_picture(harness: AgentHarness) -> None:
    found = []
    for n, content in enumerate([JPEG, PNG, JPEG], 1):
        harness.files.contents = [content]
        await harness.answer(task(n, "what is it?", attachments=(PHOTO,)), snapshot=SEEING)
        result: Any = harness.work.results[f"u{n}"]
        found.append(result.usage.receipt.messages)
    assert found[0] != found[1]
    assert found[0] == found[2] == messages_digest(harness.chat.calls[0].messages)


async def test_a_message_without_a_picture_goes_to_the_models_as_before(harness: AgentHarness) -> None:
    await harness.answer(task(1), snapshot=SEEING)

    [call] = harness.chat.calls
    assert (call.model, call.messages[-1].content, call.messages[-1].pictures) == ("blind", "hello", ())


async def test_a_picture_alone_is_a_question_too(harness: AgentHarness) -> None:
    harness.files.contents = [PNG]
    await harness.answer(task(1, "", attachments=(PHOTO,)), snapshot=SEEING)

    [asked] = harness.asked()
    assert asked.startswith("Do what your role does with what the picture shows.")
    assert harness.work.said["u1"] == "[a picture]"


@pytest.mark.parametrize("error", [ChatUnavailable("503"), RequestTooLarge("413"), RateLimited(retry_after_s=900)])
async def test_where_the_model_that_sees_fails_another_answers_the_words_and_says_so(
    harness: AgentHarness, error: Exception
) -> None:
    harness.files.contents = [JPEG]
    harness.chat.script = [error] * (
        4 if isinstance(error, RequestTooLarge) else 2 if isinstance(error, ChatUnavailable) else 1
    )
    await harness.answer(task(1, "what is it?", attachments=(PHOTO,)), snapshot=SEEING)

    assert {call.model for call in harness.chat.calls[:-1]} == {"seeing"}
    last = harness.chat.calls[-1]
    assert last.model == "blind"
    assert last.messages[-1].pictures == ()
    assert last.messages[-1].content == "what is it?\n\n[A picture came with this message. You cannot see it.]"
    assert harness.markdown() == f"The whole answer.{AWAY}"


async def test_a_model_that_sees_at_another_server_gets_pictures_too(harness: AgentHarness) -> None:
    harness.files.contents = [JPEG]
    elsewhere = (ModelAt(name="seeing", provider="openrouter", id="maker/seeing"),)
    await harness.answer(task(1, "?", attachments=(PHOTO,)), snapshot=replace(SEEING, elsewhere=elsewhere))

    [call] = harness.chat.calls
    assert (call.model, len(call.messages[-1].pictures)) == ("maker/seeing", 1)


async def test_a_role_that_does_not_see_answers_the_words_and_fetches_nothing(harness: AgentHarness) -> None:
    await harness.answer(task(1, "what is it?", attachments=(PHOTO,)), snapshot=replace(SEEING, seeing=()))

    assert harness.asked() == ["what is it?\n\n[A picture came with this message. You cannot see it.]"]
    assert harness.markdown() == f"The whole answer.{UNSEEN}"


async def test_a_picture_alone_for_a_role_that_does_not_see_is_told(harness: AgentHarness) -> None:
    alone = task(1, "", attachments=(PHOTO,))
    assert await harness.answer(alone, snapshot=replace(SEEING, seeing=())) is Cause.FILE_UNSUPPORTED
    assert harness.chat.calls == []


@pytest.mark.parametrize("content", [None, b"<svg/>"], ids=["gone", "no picture"])
async def test_a_picture_that_cannot_be_read_is_told(harness: AgentHarness, content: bytes | None) -> None:
    harness.files.contents = [content]
    assert await harness.answer(task(1, "?", attachments=(PHOTO,)), snapshot=SEEING) is Cause.FILE_UNREADABLE


async def test_one_of_several_that_is_no_picture_leaves_the_others(harness: AgentHarness) -> None:
    harness.files.contents = [b"<svg/>", PNG]
    await harness.answer(task(1, "?", attachments=(PHOTO, PHOTO)), snapshot=SEEING)

    [call] = harness.chat.calls
    assert [one.data for one in call.messages[-1].pictures] == [PNG]
    assert "A picture\n> [It could not be read.]" in call.messages[-1].content


async def test_an_album_is_seen_as_far_as_a_request_has_room_for_it(harness: AgentHarness) -> None:
    harness.files.contents = [JPEG + bytes([n]) for n in range(PICTURES_MAX)]  # a further one is not even fetched
    await harness.answer(task(1, "?", attachments=(PHOTO,) * (PICTURES_MAX + 2)), snapshot=SEEING)

    [call] = harness.chat.calls
    assert [one.data for one in call.messages[-1].pictures] == harness.files.contents
    assert call.messages[-1].content.endswith(NOTE_LEFT_OUT)
    assert harness.markdown() == f"The whole answer.{LEFT_OUT}"


async def test_pictures_of_one_request_have_a_bound_together(harness: AgentHarness) -> None:
    large = JPEG + bytes(PICTURES_MAX_BYTES - 100)
    harness.files.contents = [large, large, PNG]
    await harness.answer(task(1, "?", attachments=(PHOTO,) * 3), snapshot=SEEING)

    [call] = harness.chat.calls
    assert [len(one.data) for one in call.messages[-1].pictures] == [len(large), len(PNG)]
    assert harness.markdown() == f"The whole answer.{LEFT_OUT}"


async def test_a_picture_and_a_file_are_given_together(harness: AgentHarness) -> None:
    harness.files.contents = [b"a few words", JPEG]
    await harness.answer(task(1, "?", attachments=(FILE, PHOTO)), snapshot=SEEING)

    [call] = harness.chat.calls
    assert "> a.txt\n> a few words" in call.messages[-1].content
    assert len(call.messages[-1].pictures) == 1


async def test_a_picture_takes_tokens_of_the_conversation(harness: AgentHarness) -> None:
    turns = tuple(Turn(task_id=f"u0{n}", speaker="user", text="word " * 400) for n in range(6))
    asked: list[Any] = []
    for n, attachments in enumerate([(), (PHOTO,), (PHOTO,) * 3], 1):
        harness.files.contents = [JPEG] * 3
        await harness.answer(task(n, "?", attachments=attachments), snapshot=SEEING, history=turns)
        asked.append(sum(len(one.content) for one in harness.chat.calls[-1].messages[1:-1]))

    whole, with_one, with_three = asked
    assert whole > with_one > with_three > 0
