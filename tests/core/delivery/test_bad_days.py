"""Telegram's and Redis' bad days: every display ends, nothing stands twice, and what is shown is what is recorded."""

import asyncio

import pytest

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.chat.delivery.sending import LOST_MAX
from openclaw_core.errors import StoreFault, StoreFull
from openclaw_core.texts import wording
from tests.core.delivery.answers_that_grow import LONG, WORDS, growing, grown, mixed
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.virtual import now, virtual


@pytest.mark.parametrize("late_s", [5.0, 11.0, 30.0])
@virtual
async def test_a_preview_that_is_applied_late_does_not_stay_over_the_final_text(late_s: float) -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        await until(lambda: room.telegram.said(1))
        room.telegram.late_s = lambda _: late_s
        room.grow("t:1", WORDS)
        await until(lambda: room.telegram.made("edit"))
        room.telegram.late_s = lambda _: 0.0
        room.change("t:1", Stage.ANSWERED, "The answer.")
        await until(lambda: room.shelf.ended)
        assert now() < 20  # it is not held up until the lost edit is out of the way
        await room.over()
    room.check()


@virtual
async def test_a_text_that_returns_to_what_was_shown_is_put_again_after_an_edit_of_unknown_fate() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        room.grow("t:1", WORDS)
        await until(lambda: room.telegram.said(1) == [WORDS.strip()])
        room.telegram.late_s = lambda _: 9.0
        room.grow("t:1", WORDS + "and a thought")
        await until(lambda: room.telegram.made("edit") == 2)
        room.telegram.late_s = lambda _: 0.0
        room.grow("t:1", WORDS)
        await asyncio.sleep(30)
        assert room.telegram.made("edit") == 3


@virtual
async def test_a_page_that_was_overwritten_while_the_next_one_had_to_wait_is_put_again() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        await until(lambda: room.telegram.said(1))
        room.telegram.late_s = lambda _: 30.0
        room.grow("t:1", WORDS)
        await until(lambda: room.telegram.made("edit"))
        room.telegram.late_s = lambda _: 0.0
        room.change("t:1", Stage.ANSWERED, LONG)
        await until(lambda: room.telegram.said(1)[0].startswith("Paragraph"))
        room.telegram.retry_after = lambda _: 60 if now() < 60 else 0
        await room.over()
    room.check()


@virtual
async def test_all_edits_are_applied_late_for_a_while() -> None:
    room = Room()
    async with room.leading():
        room.telegram.late_s = lambda chat_id: 30.0 if now() < 100 else 0.0
        await mixed(room)
        await room.over()
    room.check()


@pytest.mark.parametrize("at_s", [0.0, 3.1])
@virtual
async def test_telegram_hangs_for_90_seconds(at_s: float) -> None:
    room = Room()
    async with room.leading():
        mixing = asyncio.create_task(mixed(room))
        await asyncio.sleep(at_s)
        room.telegram.hanging = True
        await asyncio.sleep(90)
        room.telegram.hanging = False
        await mixing
        await room.over()
    strays = sum(room.telegram.said(chat).count("💭") for chat in (1, 2, -3, 4, 5, -6))
    assert strays <= 6 * LOST_MAX
    room.check(limits=False)  # what hung is counted when it came, and all of it ends at once


# ---- Redis


@virtual
async def test_redis_is_away_for_30_seconds_while_a_thousand_previews_run() -> None:
    room = Room()
    async with room.leading():
        growing(room, chats=1000)
        await asyncio.sleep(50)
        grown(room, chats=1000)
        await asyncio.sleep(1)
        room.displays.away = True
        await asyncio.sleep(30)
        for n in range(1, 1001):
            room.shelf.change(f"t:{n}", Stage.ANSWERED, f"{n} is the answer.")
        room.displays.away = False
        began = now()
        await room.over()
        assert now() - began < 40  # a thousand edits at 30 a second
    room.check()


@pytest.mark.parametrize("fault", [StoreFull("oom"), StoreFault("wrong type")])
@virtual
async def test_a_redis_that_takes_no_write_for_a_while_costs_no_message(fault: Exception) -> None:
    room = Room()
    async with room.leading():
        mixing = asyncio.create_task(mixed(room))
        await asyncio.sleep(0.2)
        room.displays.full = fault
        await asyncio.sleep(30)
        room.displays.full = None
        await mixing
        await room.over()
    if isinstance(fault, StoreFull):
        room.check()
    assert sum(room.telegram.said(chat).count("💭") for chat in (1, 2, -3, 4, 5, -6)) == 0


def test_the_words_of_these_tests_are_longer_than_first_words() -> None:
    assert len(WORDS) > 80
    assert len(LONG) > 4096
    assert wording.PLACEHOLDER == "💭"
