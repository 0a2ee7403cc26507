"""Recordings and files become words, or one sentence says why not."""

import asyncio
from typing import Any

import pytest

from openclaw_agent.attachments.to_text import AttachmentReader, UnreadableAttachment, decoded, with_attachments
from openclaw_agent.prompt import FILE_HEAD, SENT_HEAD, cuts, messages
from openclaw_core.errors import (
    ChatUnauthorized,
    ChatUnavailable,
    ModelGone,
    RateLimited,
    RequestTooLarge,
)
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Attachment, RoleSnapshot, Task
from tests.agent.harness import FakeFiles
from tests.fakes.chat import FakeChat

VOICE = Attachment(kind="voice", file_id="v", name="recording.ogg", size_bytes=3)
FILE = Attachment(kind="file", file_id="f", name="notes.txt", size_bytes=3)
BIG, FAST = "whisper-large-v3", "whisper-large-v3-turbo"


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


def reader(chat: FakeChat | None = None, *contents: bytes | None) -> AttachmentReader:
    return AttachmentReader(files=FakeFiles(list(contents or (b"sound",))), transcriber=chat or FakeChat(), voice_models=(BIG, FAST), sleep=no_pause)  # fmt: skip


async def test_a_recording_is_heard_by_the_first_model() -> None:
    chat = FakeChat(hears=["what is a monad"])
    assert await reader(chat).read(0, VOICE) == "what is a monad"
    assert chat.heard == [("recording.ogg", BIG)]


async def test_a_model_that_is_gone_leaves_the_recording_to_the_next() -> None:
    chat = FakeChat(hears=[ModelGone(), "hello"])
    assert await reader(chat).read(0, VOICE) == "hello"
    assert [model for _, model in chat.heard] == [BIG, FAST]


async def test_a_passing_fault_is_tried_again() -> None:
    chat = FakeChat(hears=[ChatUnavailable(), RateLimited(retry_after_s=1), "hello"])
    assert await reader(chat).read(0, VOICE) == "hello"


@pytest.mark.parametrize(
    ("hears", "cause"),
    [
        ([""], Cause.VOICE_UNCLEAR),
        ([ChatUnauthorized()], Cause.MODEL_KEY),
        ([RequestTooLarge()], Cause.FILE_UNREADABLE),
        ([ModelGone(), ModelGone()], Cause.MODEL_GONE),
        ([ChatUnavailable()] * 6, Cause.MODEL_DOWN),
        ([RateLimited()] * 6, Cause.MODEL_BUSY),
    ],
)
async def test_a_recording_without_words_is_told_with_its_cause(hears: list[str | Exception], cause: Cause) -> None:
    with pytest.raises(UnreadableAttachment) as told:
        await reader(FakeChat(hears=hears)).read(0, VOICE)
    assert told.value.cause is cause


async def test_a_file_that_is_not_to_be_had_cannot_be_read() -> None:
    with pytest.raises(UnreadableAttachment) as told:
        await reader(None, None).read(0, FILE)
    assert told.value.cause is Cause.FILE_UNREADABLE


@pytest.mark.parametrize(
    "content",
    ["שלום\r\nworld".encode(), "\ufeffשלום\nworld".encode(), "שלום\nworld".encode("cp1255"), "שלום\nworld".encode("utf-16")],
    ids=["utf-8", "utf-8 with mark", "cp1255", "utf-16"],
)  # fmt: skip
def test_hebrew_is_read_in_the_encodings_that_people_have(content: bytes) -> None:
    assert decoded(content) == "שלום\nworld"


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b" \n", Cause.FILE_EMPTY), (b"", Cause.FILE_EMPTY), (b"PK\x00\x01", Cause.FILE_UNREADABLE), (b"\xff\xfe\x00", Cause.FILE_UNREADABLE)],
)  # fmt: skip
def test_no_text_in_a_file_is_told(content: bytes, cause: Cause) -> None:
    with pytest.raises(UnreadableAttachment) as told:
        decoded(content)
    assert told.value.cause is cause


def test_a_file_is_quoted_as_material_and_cut_to_the_budget() -> None:
    snapshot = RoleSnapshot(role="r", prompt="p", prompt_sha256="", models=("m",), history_tokens=200)
    task = Task(
        id="u1", chat_id=1, chat_kind="private", user_id=1, message_id=1, update_id=1, lang="en", text="how many?",
        admitted_ms=1, attachments=(FILE,),
        quoted="notes.txt\n" + "word " * 2000,
    )  # fmt: skip
    [_, asked] = messages(task, snapshot, ())
    assert asked.content.startswith(f"{FILE_HEAD}\n> notes.txt")
    assert asked.content.endswith("how many?")
    assert len(asked.content) < 1200
    assert cuts(task, snapshot)


def several(*attachments: Attachment, text: str = "compare them", **fields: Any) -> Task:
    return Task(
        id="u1", chat_id=1, chat_kind="private", user_id=1, message_id=1, update_id=1, lang="en", text=text,
        admitted_ms=1, attachments=attachments, **fields
    )  # fmt: skip


ORDER = RoleSnapshot(role="coder", prompt="p", prompt_sha256="0", models=("m",), history_tokens=600)


async def test_several_files_are_quoted_in_order_with_room_for_each() -> None:
    names = ("a", "b", "c")
    contents = [f"{name} begins. {'word ' * 2000} {name} ends.".encode() for name in names]
    files = [Attachment(kind="file", file_id=name, name=f"{name}.txt") for name in names]
    task, turn = await with_attachments(several(*files), reader(None, *contents), max_tokens=ORDER.history_tokens)
    request = messages(task, ORDER, ())[-1].content
    assert request.startswith(SENT_HEAD)
    assert request.endswith("compare them")
    found = [request.find(f"{name} {end}") for name in names for end in ("begins", "ends")]
    assert found == sorted(found)
    assert -1 not in found
    assert cuts(task, ORDER)
    assert [line for line in turn.splitlines() if line.startswith("[")] == [f"[the file {name}.txt]" for name in names]
    assert len(turn) < 2000


async def test_a_recording_forwarded_with_a_question_is_quoted_and_one_of_ones_own_is_the_question() -> None:
    task, _ = await with_attachments(
        several(VOICE, forwarded="some"), reader(FakeChat(hears=["he is late"])), max_tokens=600
    )
    assert (task.text, task.quoted) == ("compare them", "recording.ogg\nhe is late")
    task, turn = await with_attachments(
        several(VOICE, FILE, text=""),
        reader(FakeChat(hears=["sum it up"]), b"sound", "שלום world".encode()),
        max_tokens=600,
    )
    assert (task.text, task.quoted) == ("sum it up", "notes.txt\nשלום world")
    assert turn.startswith("sum it up")


async def test_one_of_several_that_cannot_be_read_leaves_the_others() -> None:
    lost = Attachment(kind="file", file_id="lost", name="lost.txt")
    task, _ = await with_attachments(several(lost, FILE), reader(None, None, b"a few words"), max_tokens=600)
    assert task.quoted == "lost.txt\n[It could not be read.]\n\nnotes.txt\na few words"
    with pytest.raises(UnreadableAttachment):
        await with_attachments(several(lost, FILE), reader(None, None, None), max_tokens=600)


def test_forwarded_words_are_material_that_was_sent_along() -> None:
    task = several(text="is it true?", quoted="The moon is made of cheese.", forwarded="some")
    assert messages(task, ORDER, ())[-1].content == f"{SENT_HEAD}\n> The moon is made of cheese.\n\nis it true?"
    alone = several(text="The moon is made of cheese.", forwarded="all")
    assert messages(alone, ORDER, ())[-1].content == alone.text
