"""Telegram refuses calls: a chat or the whole bot rests, what can never be shown is given up, and everything else is shown."""

import asyncio

import pytest

from openclaw_core.chat.delivery.displays import Indicator, Stage
from openclaw_core.errors import MarkupRefused, MessengerRefused
from openclaw_core.ports import Page
from openclaw_core.tasks.outcome import Cause, Delivery
from tests.core.delivery.answers_that_grow import WORDS, mixed
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.virtual import now, now_ms, virtual


@virtual
async def test_one_chat_rests_and_no_other_waits_for_it() -> None:
    room = Room()
    room.telegram.retry_after = lambda chat_id: 600 if chat_id == 1 and now() < 600 else 0
    async with room.leading():
        await mixed(room)
        await until(lambda: len(room.shelf.ended) == 10, within_s=60)
        assert room.shelf.open == {"t:1", "n:1"}
        await room.over(within_s=700)
    assert len([method for _, method, _ in room.telegram.refusals if method != "show_typing"]) == 1
    room.check()


@virtual
async def test_sixteen_chats_that_rest_hold_no_place() -> None:
    room = Room()
    room.telegram.retry_after = lambda chat_id: 600 if chat_id >= 100 and now() < 600 else 0
    async with room.leading():
        for n in range(100, 160):
            room.notice(f"{n}", chat_id=n)
        await asyncio.sleep(5)
        began = now()
        room.change("t:1", Stage.FAILED, cause=Cause.CRASH)
        await until(lambda: "t:1" in room.shelf.ended)
        assert now() - began < 5  # sixty at once look like a refusal of the bot: it is probed after 1, 2, 4 s
        await room.over(within_s=1300)


@virtual
async def test_three_refused_chats_do_not_rest_the_bot_if_a_probe_passes() -> None:
    room = Room()
    room.telegram.retry_after = lambda chat_id: 600 if chat_id in (1, 2, 4) and now() < 600 else 0
    async with room.leading():
        await mixed(room)
        await until(lambda: len(room.shelf.ended) == 6, within_s=60)
        await room.over(within_s=900)
    room.check()


@virtual
async def test_the_whole_bot_rests_with_all_its_signs_and_is_probed_now_and_then() -> None:
    room = Room()
    room.telegram.retry_after = lambda chat_id: 60 if now() < 60 else 0
    async with room.leading():
        room.shelf.waiting.extend(Indicator(chat_id=n, message_id=1, at_ms=now_ms()) for n in range(1, 7))
        room.engine.indicators_added()
        await mixed(room)
        await room.over()
    # Six chats, each with a call, a reaction and 'typing' under way at first.
    assert len([at for at, *_ in room.telegram.calls if at < 1]) <= 18
    assert [
        round(at) for at, *_ in room.telegram.calls if 1 < at < 59
    ] == []  # each chat rests, and none is left as a probe
    room.check()


@virtual
async def test_a_refusal_of_the_bot_that_goes_on_is_probed_one_call_at_a_time() -> None:
    room = Room()
    room.telegram.retry_after = lambda chat_id: 30 if now() < 100 else 0
    async with room.leading():
        for n in range(1, 200):
            room.notice(f"{n}", chat_id=n)
        await room.over()
    probes = [round(at) for at, *_ in room.telegram.refusals if at > 0.5]
    assert len(room.telegram.refusals) - len(probes) < 40  # those that were under way at once
    assert probes == [1, 3, 7, 15, 31, 61, 91]
    room.check()


@virtual
async def test_a_sign_rests_with_its_chat_and_is_shown_later_if_it_is_young() -> None:
    room = Room()
    room.telegram.retry_after = lambda chat_id: 20 if chat_id == 1 and now() < 20 else 0
    async with room.leading():
        room.notice("a")
        await asyncio.sleep(2)
        for chat_id in (1, 2):
            room.shelf.waiting.append(Indicator(chat_id=chat_id, message_id=1, at_ms=now_ms()))
        room.engine.indicators_added()
        await asyncio.sleep(30)
    assert [(round(at), chat_id) for at, method, chat_id in room.telegram.calls if method == "react"] == [
        (2, 2),
        (20, 1),
    ]


# ---- refusals


@virtual
async def test_a_token_that_is_unknown_for_a_while_loses_nothing_and_is_probed_each_five_seconds() -> None:
    room = Room()
    async with room.leading():
        mixing = asyncio.create_task(mixed(room))
        await asyncio.sleep(0.5)
        room.telegram.token_known = False
        await asyncio.sleep(60)
        assert len([at for at, *_ in room.telegram.calls if at > 2]) <= 13
        room.telegram.token_known = True
        await mixing
        await room.over()
    room.check()


@virtual
async def test_a_chat_that_has_blocked_the_bot_ends_all_its_displays() -> None:
    room = Room()
    room.telegram.gone = {1}
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, "The answer.")
        room.change("t:2", Stage.GROWING)
        room.notice("a")
        room.notice("b", chat_id=2)
        await until(lambda: room.shelf.open == {"t:2"})
        assert room.telegram.made("send") <= 3
        room.change("t:2", Stage.ANSWERED, "The answer.")
        await room.over()
    assert room.shelf.ended == {
        "t:1": Delivery.UNDELIVERABLE,
        "t:2": Delivery.UNDELIVERABLE,
        "n:a": Delivery.UNDELIVERABLE,
        "n:b": Delivery.DELIVERED,
    }


@virtual
async def test_one_refused_link_costs_an_answer_nothing_else_and_is_remembered() -> None:
    def refuses(page: Page) -> Exception | None:
        bad = any(entity.url == "https://bad.example" for entity in page.entities)
        return MarkupRefused("400", url="https://bad.example") if bad else None

    room = Room()
    room.telegram.refuses = refuses
    text = "This is **bold**, [bad](https://bad.example) and [fine](https://fine.example)."
    async with room.leading():
        await asyncio.sleep(5)
        room.change("t:1", Stage.GROWING)
        room.grow("t:1", text + " " + WORDS)
        await asyncio.sleep(5)
        room.change("t:1", Stage.ANSWERED, text)
        await room.over()
    [said] = room.telegram.messages.values()
    assert said.page.text == "This is bold, bad (https://bad.example) and fine."
    assert [entity.type for entity in said.page.entities] == ["bold", "text_link"]
    assert room.telegram.made("edit") == 3  # a refused preview, the preview, the answer


@virtual
async def test_formatting_that_is_always_refused_goes_through_as_plain_text() -> None:
    room = Room()
    room.telegram.refuses = lambda page: MarkupRefused("400") if page.entities else None
    async with room.leading():
        room.change("t:1", Stage.ANSWERED, "This is **bold**.")
        await room.over()
    room.check()


@pytest.mark.parametrize("stage", [Stage.ANSWERED, Stage.FAILED])
@virtual
async def test_a_text_that_is_refused_altogether_is_given_up_and_holds_up_nobody(stage: Stage) -> None:
    room = Room()
    room.telegram.refuses = lambda page: MessengerRefused("400") if "A fresh" not in page.text else None
    async with room.leading():
        room.change("t:1", stage, "The **answer**.")
        room.notice("a", chat_id=1)
        await room.over()
    assert room.shelf.ended["t:1"] is Delivery.UNDELIVERABLE
    assert room.telegram.made("send") <= 4
