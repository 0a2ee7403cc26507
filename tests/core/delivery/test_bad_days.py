"""Telegram's and Redis' bad days: every display ends, nothing stands twice, and what is shown is what is recorded."""

import asyncio

import pytest

from openclaw_core.chat.delivery.displays import Sign, Stage
from openclaw_core.chat.delivery.sending import REPLACED_MAX, STRAYS_IN_ALL, STRAYS_MAX
from openclaw_core.errors import MarkupRefused, MessengerRefused, StoreFault, StoreFull
from openclaw_core.ports import Page
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.texts import wording
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.test_delivery import LONG, LONG_CODE
from tests.core.delivery.virtual import now, now_ms, virtual

WORDS = "The first words of a longer answer, " * 4


async def mixed(room: Room, *, chats: int = 6) -> None:
    """Two displays of each kind, in chats of their own, with a preview before."""
    for n in range(1, chats + 1):
        chat_id = -n if n % 3 == 0 else n
        room.change(f"t:{n}", Stage.GROWING, chat_id=chat_id)
        room.grow(f"t:{n}", f"{n}: {WORDS}")
        room.notice(f"{n}", chat_id=chat_id, kind="full", args={"cap": n})
    await asyncio.sleep(3)
    for n in range(1, chats + 1):
        if n % 3 == 1:
            room.change(f"t:{n}", Stage.FAILED, cause=list(Cause)[n])
        else:
            room.change(f"t:{n}", Stage.ANSWERED, f"**{n}** is the answer, and {WORDS}")


# ---- edits that are applied late


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
    assert strays <= 6 * STRAYS_MAX
    room.check(limits=False)  # what hung is counted when it came, and all of it ends at once


# ---- 429


@virtual
async def test_one_chat_rests_and_no_other_waits_for_it() -> None:
    room = Room()
    room.telegram.retry_after = lambda chat_id: 600 if chat_id == 1 and now() < 600 else 0
    async with room.leading():
        await mixed(room)
        await until(lambda: len(room.shelf.ended) == 10, within_s=60)
        assert room.shelf.open == {"t:1", "n:1"}
        await room.over(within_s=700)
    assert len([method for _, method, _ in room.telegram.refusals if method != "action"]) == 1
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
        room.shelf.waiting.extend(Sign(chat_id=n, message_id=1, at_ms=now_ms()) for n in range(1, 7))
        room.engine.signed()
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
            room.shelf.waiting.append(Sign(chat_id=chat_id, message_id=1, at_ms=now_ms()))
        room.engine.signed()
        await asyncio.sleep(30)
    assert [(round(at), chat_id) for at, method, chat_id in room.telegram.calls if method == "react"] == [
        (2, 2),
        (20, 1),
    ]


# ---- messages that do not stay


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
        assert room.telegram.made("send") == STRAYS_MAX
        await room.over(within_s=3000)
    assert (room.telegram.made("send"), room.shelf.ended) == (STRAYS_IN_ALL, {"t:1": Delivery.UNDELIVERABLE})


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
        room.engine.nudge()
        await room.over()
    assert len(room.telegram.said(-100)) == 2


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


# ---- Redis


@virtual
async def test_redis_is_away_for_30_seconds_while_a_thousand_previews_run() -> None:
    room = Room()
    async with room.leading():
        for n in range(1, 1001):
            room.shelf.change(f"t:{n}", Stage.GROWING, f"{n}: {WORDS}", chat_id=n)
        room.engine.nudge()
        await asyncio.sleep(50)
        for n in range(1, 1001):
            room.grow(f"t:{n}", f"{n}: {WORDS} and more")
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


# ---- fairness


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
        room.engine.nudge()
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
        for n in range(1, 401):
            room.shelf.change(f"t:{n}", Stage.GROWING, f"{n}: {WORDS}", chat_id=n)
        room.engine.nudge()
        await asyncio.sleep(40)
        for n in range(1, 401):
            room.grow(f"t:{n}", f"{n}: {WORDS} and more")
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
        for n in range(1, 1001):
            room.shelf.change(f"t:{n}", Stage.GROWING, f"{n}: {WORDS}", chat_id=n)
        room.engine.nudge()
        await asyncio.sleep(50)
        calls, edits = len(room.displays.calls), room.telegram.made("edit")
        for second in range(20):
            for n in range(1, 1001):
                room.grow(f"t:{n}", f"{n}: {WORDS} and {second}")
            await asyncio.sleep(1)
        assert room.telegram.made("edit") - edits == pytest.approx(600, abs=60)
        assert len(room.displays.calls) - calls < 800  # a read for each edit, and three questions a second
    assert room.telegram.broken == 0


def test_the_words_of_these_tests_are_longer_than_first_words() -> None:
    assert len(WORDS) > 80
    assert len(LONG) > 4096
    assert wording.PLACEHOLDER == "💭"
