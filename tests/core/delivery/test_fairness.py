"""Many displays at once: no chat waits for another one, and growing texts wait behind final ones."""

import asyncio

import pytest

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.tasks.outcome import Cause
from tests.core.delivery.answers_that_grow import growing, grown
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.virtual import now, virtual


@virtual
async def test_a_chat_with_500_displays_does_not_delay_another_chats_failure() -> None:
    room = Room()
    async with room.leading():
        for n in range(500):
            room.notice(f"{n}", kind="full", args={"cap": n})
        for n in range(2, 400):
            room.notice(f"stranger{n}", chat_id=n, kind="refused", args={"user_id": n})
        await asyncio.sleep(3)
        for n in range(1000, 1010):
            began = now()
            room.change(f"t:{n}", Stage.FAILED, chat_id=n, cause=Cause.CRASH)
            key = f"t:{n}"
            await until(lambda key=key: key in room.shelf.ended)  # type: ignore[misc]
            assert now() - began < 1.0
    assert room.telegram.broken == 0


@virtual
async def test_a_thousand_answers_of_two_hundred_chats_take_what_telegrams_limit_takes() -> None:
    room = Room()
    async with room.leading():
        await asyncio.sleep(5)
        began = now()
        for n in range(1000):
            room.shelf.change(f"t:{n}", Stage.ANSWERED, f"Answer {n}.", chat_id=n % 200 + 1)
        room.engine.wake()
        await room.over()
        assert now() - began < 2000 / 30 * 1.1
    room.check()


@virtual
async def test_a_chat_is_not_overtaken_for_ever_by_chats_that_come_new() -> None:
    room = Room()
    async with room.leading():
        await asyncio.sleep(5)
        for n in range(3):
            room.change(f"t:{n}", Stage.FAILED, chat_id=1, cause=Cause.CRASH)
        began = now()
        for n in range(100, 1700):  # forty a second, of which fifteen can be told
            room.change(f"t:{n}", Stage.FAILED, chat_id=n, cause=Cause.CRASH)
            await asyncio.sleep(0.025)
            if {"t:0", "t:1", "t:2"} <= set(room.shelf.ended):
                break
        assert now() - began < 38


@virtual
async def test_growing_texts_wait_behind_final_ones() -> None:
    room = Room()
    async with room.leading():
        growing(room, chats=400)
        await asyncio.sleep(40)
        grown(room, chats=400)
        await asyncio.sleep(0.5)
        began = now()
        room.change("t:7", Stage.ANSWERED, "Seven.")
        await until(lambda: "t:7" in room.shelf.ended)
        assert now() - began < 1.0
        for n in range(1, 401):
            room.change(f"t:{n}", Stage.ANSWERED, f"{n} is the answer.")
        await room.over()
    room.check()


@virtual
async def test_a_thousand_growing_texts_cost_no_more_reads_than_telegram_lets_calls_through() -> None:
    room = Room()
    async with room.leading():
        growing(room, chats=1000)
        await asyncio.sleep(50)
        calls, edits = len(room.displays.calls), room.telegram.made("edit")
        for second in range(20):
            grown(room, chats=1000, by=str(second))
            await asyncio.sleep(1)
        assert room.telegram.made("edit") - edits == pytest.approx(600, abs=60)
        assert len(room.displays.calls) - calls < 800  # a read for each edit, and three questions a second
    assert room.telegram.broken == 0
