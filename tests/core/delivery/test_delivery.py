"""What a chat sees of answers, failures, notices and stopped answers on a day without faults."""

import asyncio
from itertools import pairwise

import pytest

from openclaw_core.chat.delivery.content import page_with_stopped_mark
from openclaw_core.chat.delivery.displays import Indicator, Stage
from openclaw_core.chat.utf16 import utf16_units
from openclaw_core.ports import Entity, Page
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.texts import wording
from tests.core.delivery.answers_that_grow import LONG, LONG_CODE
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.virtual import now, now_ms, virtual

PNG = b"\x89PNG\r\n\x1a\n"


@virtual
async def test_an_answer_is_edited_into_the_one_message_that_was_reserved() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        await until(lambda: room.telegram.said(1) == ["💭"])
        [said] = room.telegram.messages.values()
        assert [button.data for button in said.buttons] == ["stop:1"]
        room.change("t:1", Stage.ANSWERED, "The whole **answer**.")
        await room.over()
    assert room.telegram.said(1) == ["The whole answer."]
    assert room.shelf.ended == {"t:1": Delivery.DELIVERED}
    room.check()


@virtual
async def test_a_message_is_reserved_within_milliseconds() -> None:
    room = Room()
    async with room.leading():
        await asyncio.sleep(5)
        began = now()
        room.change("t:1", Stage.GROWING)
        await until(lambda: room.telegram.said(1))
        assert now() - began < 0.1


@pytest.mark.parametrize(("chat_id", "every_s"), [(1, 1.2), (-1, 3.0)])
@virtual
async def test_a_growing_text_is_edited_no_more_often_than_the_chat_allows(chat_id: int, every_s: float) -> None:
    room = Room()
    async with room.leading():
        await asyncio.sleep(15)
        room.change("t:1", Stage.GROWING, chat_id=chat_id)
        for n in range(1, 300):
            room.grow("t:1", "word " * 20 + "word " * n)
            await asyncio.sleep(0.1)
        edits = [at for at, method, _ in room.telegram.calls if method == "edit"]
        assert 30 / every_s * 0.9 <= len(edits) <= 30 / every_s + 1
        assert min(b - a for a, b in pairwise(edits)) >= every_s
        assert room.telegram.said(chat_id)[0].startswith("word word")
        room.change("t:1", Stage.ANSWERED, "Done.", chat_id=chat_id)
        await room.over()
    room.check()


@virtual
async def test_few_first_words_wait_for_more() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        await until(lambda: room.telegram.said(1))
        await asyncio.sleep(3)
        room.grow("t:1", "plan")
        await asyncio.sleep(0.2)
        room.grow("t:1", "Four")
        await asyncio.sleep(0.1)
        assert room.telegram.said(1) == ["💭"]
        await asyncio.sleep(0.3)
        assert room.telegram.said(1) == ["Four"]


@virtual
async def test_typing_is_shown_until_there_are_words() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        await asyncio.sleep(10)
        assert room.telegram.made("show_typing") == 3
        room.grow("t:1", "word " * 30)
        await asyncio.sleep(10)
        assert room.telegram.made("show_typing") == 3


@virtual
async def test_a_text_that_outgrows_its_message_goes_on_in_the_next_and_leaves_a_whole_page() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        for end in range(100, len(LONG), 400):
            room.grow("t:1", LONG[:end])
            await asyncio.sleep(0.5)
        await asyncio.sleep(5)
        first, *_, last = room.telegram.messages.values()
        assert len(first.page.text) > 3000
        assert (first.buttons, [button.data for button in last.buttons]) == ((), ["stop:1"])
        room.change("t:1", Stage.ANSWERED, LONG)
        await room.over()
    room.check()


@virtual
async def test_an_answer_shorter_than_its_preview_leaves_no_old_words_and_no_stop_button() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        room.grow("t:1", LONG)
        await until(lambda: len(room.telegram.said(1)) > 1)
        room.change("t:1", Stage.ANSWERED, "Short.")
        await room.over()
    room.check()
    assert room.text("t:1") == "Short."


@virtual
async def test_files_follow_the_text_once() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, LONG_CODE)
        await room.over()
    room.check()
    assert [file.name for _, file in room.telegram.files] == ["code.py"]
    assert room.shelf.ended == {"t:1": Delivery.DELIVERED}


@virtual
async def test_a_file_that_was_found_as_sending_is_offered_and_not_repeated() -> None:
    room = Room()
    room.shelf.change("t:1", Stage.ANSWERED, LONG_CODE, parts={1: "sending"})
    async with room.leading():
        await room.over()
    room.check()
    assert (room.telegram.files, room.shelf.ended) == ([], {"t:1": Delivery.PARTIAL})
    [said] = room.telegram.messages.values()
    assert [button.data for button in said.buttons] == ["file:1:1"]


@virtual
async def test_pictures_follow_the_text_and_its_files_once() -> None:
    room = Room()
    room.shelf.pictures["t:1"] = (PNG + b"1", PNG + b"2")
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, LONG_CODE, pictures=2)
        await room.over()
    room.check()
    assert [picture for _, picture in room.telegram.pictures] == [PNG + b"1", PNG + b"2"]
    assert [method for _, method, _ in room.telegram.calls if method.startswith("send_")] == [
        "send_file",
        "send_picture",
        "send_picture",
    ]
    assert room.shelf.ended == {"t:1": Delivery.DELIVERED}


@virtual
async def test_a_picture_of_unknown_fate_is_offered_and_not_repeated() -> None:
    room = Room()
    room.shelf.pictures["t:1"] = (PNG,)
    room.telegram.loses_files = True
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, "Drawn.", pictures=1)
        await room.over()
    assert len(room.telegram.pictures) == 1
    assert room.shelf.ended == {"t:1": Delivery.PARTIAL}
    [said] = room.telegram.messages.values()
    assert [button.data for button in said.buttons] == ["file:1:1"]


@virtual
async def test_a_picture_that_a_chat_refuses_arrives_as_a_file_when_it_is_asked_for() -> None:
    room = Room()
    room.shelf.pictures["t:1"] = (PNG,)
    room.telegram.refuses_pictures = True
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, "Drawn.", pictures=1)
        await room.over()
        room.shelf.waiting.append(Indicator(chat_id=1, task_id="1", part=1, at_ms=now_ms()))
        await until(lambda: room.telegram.files)
    [(_, file)] = room.telegram.files
    assert (file.name, file.content) == ("figure.png", PNG)


@virtual
async def test_a_picture_that_has_expired_holds_nothing_up() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, "Drawn.", pictures=1)
        await room.over()
    assert (room.telegram.pictures, room.shelf.ended) == ([], {"t:1": Delivery.DELIVERED})


@virtual
async def test_a_stopped_answer_brings_no_picture() -> None:
    room = Room()
    room.shelf.pictures["t:1"] = (PNG,)
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        room.grow("t:1", "word " * 30)
        await until(lambda: room.telegram.said(1))
        room.change("t:1", Stage.STOPPED, "word " * 30, pictures=1)
        await room.over()
    assert room.telegram.pictures == []


@virtual
async def test_a_file_that_is_asked_for_again_is_sent_again() -> None:
    room = Room()
    room.shelf.texts["t:1"] = LONG_CODE
    room.shelf.waiting.append(Indicator(chat_id=1, task_id="1", part=1, at_ms=now_ms()))
    room.shelf.waiting.append(Indicator(chat_id=1, task_id="gone", part=1, at_ms=now_ms()))
    room.shelf.waiting.append(Indicator(chat_id=1, task_id="1", part=7, at_ms=now_ms()))
    async with room.leading():
        await until(lambda: room.telegram.files)
        await asyncio.sleep(5)
    assert [file.name for _, file in room.telegram.files] == ["code.py"]


@virtual
async def test_a_failure_is_told_in_the_tasks_own_message_with_a_retry_button() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        room.grow("t:1", "word " * 30)
        await until(lambda: room.telegram.said(1) not in ([], ["💭"]))
        room.change("t:1", Stage.FAILED, cause=Cause.MODEL_DOWN)
        await room.over()
    room.check()
    [said] = room.telegram.messages.values()
    assert [button.data for button in said.buttons] == ["retry:1"]


@virtual
async def test_stop_keeps_what_was_shown_and_marks_it() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        room.grow("t:1", "The first half " * 10)
        await until(lambda: "The first" in room.telegram.said(1)[0] if room.telegram.said(1) else False)
        room.change("t:1", Stage.STOPPED, "The first half " * 10)
        for _ in range(3):
            room.notice(f"s{now()}", kind="stopped")
        await room.over()
    assert room.text("t:1") == ("The first half " * 10).rstrip() + "\n\n⏹ Stopped"


@pytest.mark.parametrize("letter", ["a", "😀", "ש"])
def test_the_mark_of_a_stopped_answer_costs_a_full_page_a_few_words(letter: str) -> None:
    text = ((letter * 5 + " ") * 4096)[: 4096 if letter != "😀" else 2234]
    whole = utf16_units(text)
    assert 4090 <= whole <= 4096
    page = page_with_stopped_mark(Page(text=text, entities=(Entity(type="bold", offset=0, length=whole),)), "he")
    assert 4000 < utf16_units(page.text) <= 4096
    assert page.text.endswith("…\n\n⏹ נעצר")
    assert page.entities[0].length == utf16_units(page.text.removesuffix("\n\n⏹ נעצר"))


@virtual
async def test_stop_before_any_word_marks_the_placeholder_and_before_any_message_shows_nothing() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        room.change("t:2", Stage.STOPPED, chat_id=2)
        await until(lambda: room.shelf.rows["t:1"].slots)
        room.change("t:1", Stage.STOPPED)
        await room.over()
    assert room.telegram.said(1) == ["⏹ Stopped"]
    assert room.telegram.said(2) == []


@virtual
async def test_texts_of_a_chat_keep_their_order_and_wait_for_the_pages_of_an_answer_before() -> None:
    room = Room()
    room.shelf.change("t:1", Stage.ANSWERED, LONG)
    room.shelf.notice("a", kind="new")
    room.shelf.change("t:2", Stage.GROWING)
    room.shelf.notice("b", kind="unknown_command")
    room.shelf.change("t:3", Stage.FAILED, cause=Cause.CRASH)
    async with room.leading():
        await until(lambda: room.shelf.open == {"t:2"})
        room.change("t:2", Stage.ANSWERED, "Two.")
        await room.over()
    room.check()
    rows = room.shelf.rows
    assert len(rows["t:1"].slots) > 2
    ids = [rows[key].slots[slot] for key in ("t:1", "n:a", "t:2", "n:b", "t:3") for slot in sorted(rows[key].slots)]
    assert ids == sorted(ids)


@virtual
async def test_in_a_group_a_notice_never_stands_as_a_placeholder_for_seconds() -> None:
    room = Room()
    async with room.leading():
        for n in range(6):
            room.notice(f"{n}", chat_id=-5)
        await room.over()
    room.check()
    calls = [(at, method) for at, method, _ in room.telegram.calls if method in ("send", "edit")]
    assert [method for _, method in calls] == ["send", "edit"] * 6
    assert max(edit[0] - send[0] for send, edit in zip(calls[::2], calls[1::2], strict=True)) < 0.2


@virtual
async def test_a_notice_without_a_sentence_ends_and_holds_up_nobody() -> None:
    room = Room()
    async with room.leading():
        room.notice("bad", kind="refused", args={"user_id": "nobody"})
        room.notice("good")
        await room.over()
    assert room.shelf.ended == {"n:bad": Delivery.UNDELIVERABLE, "n:good": Delivery.DELIVERED}


@virtual
async def test_a_change_while_it_is_shown_is_shown_too() -> None:
    room = Room()
    async with room.leading():
        room.notice("a", kind="full", args={"cap": 5})
        await until(lambda: "edit" in [method for _, method, _ in room.telegram.calls])
        room.shelf.notice("a", kind="full", args={"cap": 6})
        await room.over()
    room.check()
    assert room.telegram.said(1) == [wording.chat_full(6, "en")]


@virtual
async def test_reactions_and_spinners_are_shown_at_once_and_old_ones_are_left_out() -> None:
    room = Room()
    async with room.leading():
        await asyncio.sleep(5)
        for n in range(5):
            room.shelf.waiting.append(Indicator(chat_id=n, message_id=n, at_ms=now_ms() - (70_000 if n == 4 else 0)))
        room.shelf.waiting.append(Indicator(chat_id=1, button_id="b", at_ms=now_ms()))
        room.engine.indicators_added()
        await asyncio.sleep(0.2)
        assert (room.telegram.made("react"), room.telegram.made("answer_button")) == (4, 1)


@virtual
async def test_a_burst_of_signs_stays_within_its_limit() -> None:
    room = Room()
    room.shelf.waiting.extend(Indicator(chat_id=n, message_id=n, at_ms=now_ms()) for n in range(500))
    async with room.leading():
        await until(lambda: room.telegram.made("react") == 500, within_s=20)
    assert room.telegram.broken == 0
