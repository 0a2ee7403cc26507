"""The line that says what is done before there are words of an answer, in the message that will hold it."""

import asyncio
from itertools import pairwise

import pytest

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.ports import Lang
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.texts import wording
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.virtual import virtual

SEARCHING = Status(doing=Doing.SEARCHING, subject="https://a.org tides")
SHOWN = "🔎 searching: \u2068https://a.org tides\u2069"


def work(room: Room, status: Status) -> None:
    room.shelf.statuses["t:1"] = status
    room.grow("t:1", "")


@virtual
async def test_a_status_stands_in_the_message_of_the_answer_until_words_come() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        await until(lambda: room.telegram.said(1))
        work(room, SEARCHING)
        await until(lambda: room.telegram.said(1) == [SHOWN], within_s=3)
        [said] = room.telegram.messages.values()
        assert [button.data for button in said.buttons] == ["stop:1"]
        work(room, Status(doing=Doing.READING, subject="a.org"))
        await until(lambda: room.telegram.said(1) == ["📄 reading: \u2068a.org\u2069"], within_s=3)
        room.grow("t:1", "word " * 30)
        await until(lambda: room.telegram.said(1)[0].startswith("word"), within_s=3)
        room.change("t:1", Stage.ANSWERED, "Here it is.")
        await room.over()
    assert room.telegram.said(1) == ["Here it is."]
    room.check()


@virtual
async def test_no_app_makes_a_link_of_a_query() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        work(room, SEARCHING)
        await until(lambda: room.telegram.said(1) == [SHOWN])
        [said] = room.telegram.messages.values()
        [code] = said.page.entities
        text = said.page.text.encode("utf-16-le")
        covered = text[code.offset * 2 : (code.offset + code.length) * 2].decode("utf-16-le")
        assert (code.type, covered) == ("code", "\u2068https://a.org tides\u2069")


@pytest.mark.parametrize(("chat_id", "every_s"), [(1, 1.2), (-1, 3.0)])
@virtual
async def test_statuses_change_no_more_often_than_previews(chat_id: int, every_s: float) -> None:
    room = Room()
    async with room.leading():
        await asyncio.sleep(15)
        room.change("t:1", Stage.GROWING, chat_id=chat_id)
        for n in range(300):
            work(room, Status(doing=Doing.SEARCHING, subject=str(n)))
            await asyncio.sleep(0.1)
        edits = [at for at, method, _ in room.telegram.calls if method == "edit"]
        assert min(b - a for a, b in pairwise(edits)) >= every_s
        assert len(edits) >= 30 / every_s * 0.8


@virtual
async def test_typing_goes_on_while_there_is_only_a_status() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        work(room, SEARCHING)
        await asyncio.sleep(20)
        assert room.telegram.made("show_typing") >= 4


@virtual
async def test_a_stopped_answer_shows_no_status_any_more() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        work(room, SEARCHING)
        await until(lambda: room.telegram.said(1) == [SHOWN])
        room.change("t:1", Stage.STOPPED)
        await room.over()
    assert room.telegram.said(1) == ["⏹ Stopped"]
    room.check()


@pytest.mark.parametrize(
    ("status", "lang", "line"),
    [
        (Status(doing=Doing.SEARCHING), "en", ("🔎 searching…", "")),
        (Status(doing=Doing.SEARCHING, subject="גאות"), "he", ("🔎 חיפוש: ", "\u2068גאות\u2069")),
        (Status(doing=Doing.READING, subject="a.org"), "he", ("📄 קריאה: ", "\u2068a.org\u2069")),
        (
            Status(doing=Doing.READING, subject="\u202ea\u2069.org\ud83d"),
            "en",
            ("📄 reading: ", "\u2068a.org\ufffd\u2069"),
        ),
        (Status(doing=Doing.RUNNING), "en", ("▶ running code…", "")),
        (Status(doing=Doing.RUNNING, n=2), "en", ("▶ running code, try 2…", "")),
        (Status(doing=Doing.RUNNING, n=2), "he", ("▶ הרצת קוד, ניסיון 2…", "")),
    ],
)
def test_the_line_is_in_the_users_language(status: Status, lang: Lang, line: tuple[str, str]) -> None:
    assert wording.status_line(status, lang) == line
