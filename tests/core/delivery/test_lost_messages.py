"""Messages that are deleted, and replies that are lost: replaced a few times at most, and never said twice."""

import asyncio

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.chat.delivery.sending import LOST_IN_ALL, LOST_MAX, REPLACED_MAX
from openclaw_core.tasks.outcome import Delivery
from tests.core.delivery.answers_that_grow import LONG_CODE, WORDS, mixed
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.virtual import now, now_ms, virtual


@virtual
async def test_a_message_that_is_deleted_each_time_is_replaced_twice_and_then_given_up() -> None:
    room = Room()
    room.telegram.deletes = {1, 2}
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        for n in range(40):
            room.grow("t:1", WORDS + "word " * n)
            await asyncio.sleep(0.5)
        room.change("t:1", Stage.ANSWERED, "The answer.")
        room.notice("a", chat_id=2)
        await room.over()
        assert room.shelf.ended == {"t:1": Delivery.UNDELIVERABLE, "n:a": Delivery.UNDELIVERABLE}
        assert room.telegram.made("send") == 2 * (1 + REPLACED_MAX)
        room.telegram.deletes = set()
        room.notice("b")
        await room.over()
    assert room.telegram.said(1) == [room.text("n:b")]


@virtual
async def test_previews_leave_a_replacement_for_the_final_text() -> None:
    room = Room()
    room.telegram.deletes = {1}
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        for n in range(20):
            room.grow("t:1", WORDS + "word " * n)
            await asyncio.sleep(0.5)
        room.telegram.deletes = set()
        room.change("t:1", Stage.ANSWERED, "The answer.")
        await room.over()
    room.check()
    assert room.shelf.rows["t:1"].replaced == REPLACED_MAX


@virtual
async def test_no_deleted_message_is_replaced_after_the_deadline() -> None:
    room = Room()
    room.telegram.deletes = {1}
    async with room.leading():
        room.change("t:1", Stage.GROWING, deadline_ms=now_ms() + 5_000)
        await asyncio.sleep(10)
        room.change("t:1", Stage.ANSWERED, "The answer.")
        await room.over()
    assert (room.telegram.made("send"), room.shelf.ended) == (1, {"t:1": Delivery.UNDELIVERABLE})


@virtual
async def test_a_message_that_was_deleted_once_is_replaced_and_its_answer_stands() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        await until(lambda: room.telegram.said(1))
        next(iter(room.telegram.messages.values())).deleted = True
        room.change("t:1", Stage.ANSWERED, "The answer.")
        await room.over()
    room.check()
    assert room.shelf.rows["t:1"].replaced == 1


@virtual
async def test_an_answer_that_its_reader_deleted_is_not_sent_again_when_it_is_put_again() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, "The answer.")
        await until(lambda: room.shelf.ended)
        room.shelf.due["t:1"] = now_ms() + 5_000
        for said in room.telegram.messages.values():
            said.deleted = True
        await room.over()
    assert room.telegram.said(1) == []


@virtual
async def test_placeholders_whose_replies_are_lost_are_few() -> None:
    room = Room()
    room.telegram.drops_replies = 3
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, "The answer.")
        await room.over()
    room.check()
    assert room.telegram.said(1).count("💭") == 3


@virtual
async def test_placeholders_whose_replies_are_always_lost_come_to_an_end() -> None:
    room = Room()
    room.telegram.drops_replies = 999
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, "The answer.")
        await asyncio.sleep(150)
        assert room.telegram.made("send") == LOST_MAX
        await room.over(within_s=3000)
    assert (room.telegram.made("send"), room.shelf.ended) == (
        LOST_IN_ALL,
        {"t:1": Delivery.UNDELIVERABLE},
    )


@virtual
async def test_a_file_whose_reply_is_lost_is_offered_and_not_repeated() -> None:
    room = Room()
    room.telegram.loses_files = True
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, LONG_CODE)
        await room.over()
    room.check()
    assert (len(room.telegram.files), room.shelf.ended) == (1, {"t:1": Delivery.PARTIAL})


@virtual
async def test_a_file_that_a_flood_limit_refused_is_sent_later() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, LONG_CODE)
        await until(lambda: room.telegram.made("edit"))
        room.telegram.retry_after = lambda _: 20 if now() < 20 else 0
        await room.over()
    room.check()
    assert (len(room.telegram.files), room.shelf.ended) == (1, {"t:1": Delivery.DELIVERED})


@virtual
async def test_telegram_cannot_be_reached_for_a_while_and_not_one_placeholder_is_left() -> None:
    room = Room()
    async with room.leading():
        mixing = asyncio.create_task(mixed(room))
        await asyncio.sleep(0.02)
        room.telegram.reachable = False
        await asyncio.sleep(120)
        room.telegram.reachable = True
        await mixing
        await room.over()
    room.check()
    assert not any("💭" in room.telegram.said(chat) for chat in (1, 2, -3, 4, 5, -6))


@virtual
async def test_a_group_that_became_a_supergroup_meanwhile_gets_its_text() -> None:
    room = Room()
    async with room.leading():
        room.notice("a", chat_id=-1)
        room.telegram.retry_after = lambda chat_id: 30 if chat_id == -1 else 0
        await asyncio.sleep(5)
        room.notice("b", chat_id=-100)
        room.shelf.change("n:a", Stage.NOTICE, chat_id=-100, kind="new")
        room.engine.wake()
        await room.over()
    assert len(room.telegram.said(-100)) == 2
