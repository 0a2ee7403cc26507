"""One writer to the chats, on bad days of Telegram: what is shown in the end is what was recorded, and no chat waits for another."""

import asyncio
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from openclaw_core.chat.delivery.flood_limits import REFUSED_CHATS, REFUSED_WITHIN_S
from openclaw_core.store import RunRecords
from openclaw_standin.bot_api.journal import Entry
from tests.e2e_local.test_answers import told_with_retry
from tests.e2e_local.test_faults import CLEAN
from tests.e2e_local.world import World, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SIGNS = ("setMessageReaction", "sendChatAction")


def edits(bot: World, chat_id: int) -> list[Entry]:
    return bot.api.journal.calls("editMessageText", chat_id=chat_id)


def shows(bot: World, chat_id: int, start: str) -> bool:
    return any(text.startswith(start) for text in bot.texts(chat_id))


def refusals(bot: World) -> list[Entry]:
    return [entry for entry in bot.api.journal if entry.outcome.startswith("429")]


def knows_refusals(bot: World, count: int) -> bool:
    """Whether the brain has heard of so many: the stand-in has written them down a little earlier."""
    return bot.log.read_text(errors="replace").count('"limits.refused"') >= count


async def outcomes(bot: World) -> dict[str, int]:
    return await RunRecords(bot.script).outcomes()


# ---- Telegram applies edits late (B2)


@pytest.mark.parametrize(
    "meanwhile", ["the answer comes", "the brain is stopped", "the brain is killed", "its user stops it"]
)
async def test_an_edit_that_is_applied_late_does_not_stay_over_what_came_after_it(
    tmp_path: Path, meanwhile: str
) -> None:
    async with world(tmp_path) as bot:
        bot.model.words, bot.model.word_s = 60, 0.1
        late = bot.api.faults.next("editMessageText", "late", chat_id=5, hold_s=20)
        bot.api.users.write(5, "/code late")
        await bot.until(lambda: late.times == 0)
        if "brain" in meanwhile:
            await (bot.kill_brain() if "killed" in meanwhile else bot.stop_brain())
            await bot.start_brain()
        if meanwhile == "its user stops it":
            bot.api.users.write(5, "/stop")
            await bot.until(lambda: any("Stopped" in text and text.startswith("Answer") for text in bot.texts(5)))
        else:
            await bot.answered(5, "late")
        shown = bot.texts(5)
        assert shown[0].startswith("Answer to late")
        preview = await bot.until(lambda: bot.texts(5)[0] != shown[0] and bot.texts(5)[0], timeout_s=40)
        assert str(preview).startswith("Answer to late"), "Telegram has put the old text over it"
        await bot.until(lambda: bot.texts(5) == shown, timeout_s=90)
        await bot.nothing_to_put_again()
        assert bot.texts(5) == shown
        if meanwhile != "its user stops it":
            assert bot.verdict({5: ["late"]}) == CLEAN


async def test_a_brain_that_is_frozen_while_its_edit_is_under_way_writes_nothing_over_what_the_next_one_shows(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as bot:
        assert bot.brain is not None
        bot.model.words, bot.model.word_s = 120, 0.1
        late = bot.api.faults.next("editMessageText", "late", chat_id=5, hold_s=15)
        bot.api.users.write(5, "/code frozen")
        await bot.until(lambda: late.times == 0)
        await bot.start_another_brain()
        await bot.until(lambda: "leader.waiting" in bot.log.read_text(errors="replace"))
        os.kill(bot.brain.pid, signal.SIGSTOP)
        frozen_at = time.monotonic()
        await bot.answered(5, "frozen", timeout_s=90)
        bot.api.users.write(6, "/code meanwhile")
        await bot.answered(6, "meanwhile")
        await asyncio.sleep(max(0.0, 40 - (time.monotonic() - frozen_at)))
        os.kill(bot.brain.pid, signal.SIGCONT)
        await bot.until(lambda: bot.log.read_text(errors="replace").count("leader.waiting") == 2, timeout_s=60)
        await bot.nothing_to_put_again()
        await bot.answered(5, "frozen", timeout_s=1)
        assert len(bot.texts(5)) == 1
        assert bot.verdict({5: ["frozen"], 6: ["meanwhile"]}) == CLEAN
        bot.api.users.write(5, "/code afterwards")
        await bot.answered(5, "afterwards")


# ---- a chat that sends a lot, and a stranger (B3)


async def test_a_failure_is_told_within_30_seconds_while_a_chat_sends_500_messages_and_a_stranger_100(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, ALLOWED_USER_IDS="5,6,7") as bot:
        bot.model.fails_for["doomed"] = 401
        await bot.stop_brain()  # all of it waits at the start
        for n in range(500):
            bot.api.users.write(5, ("/help", "/nonsense", "/status", f"/code busy {n}")[n % 4])
            if n % 5 == 0:
                bot.api.users.write(404, f"let me in {n}")
        bot.api.users.write(6, "/code doomed")
        bot.api.users.write(7, "/help")
        await bot.start_brain()
        await bot.until(lambda: bot.log.read_text(errors="replace").count("leader.taken") == 2)
        began = time.monotonic()
        await bot.until(lambda: told_with_retry(bot, 6), timeout_s=30)
        await bot.until(
            lambda: any("/new" in text for text in bot.texts(7)), timeout_s=max(1.0, began + 30 - time.monotonic())
        )
        await bot.until(lambda: len(bot.texts(404)) == 1 and not bot.texts(404)[0].startswith("💭"), timeout_s=60)
        assert "404" in bot.texts(404)[0]
        bot.api.users.write(404, "please")
        bot.api.users.write(7, "/code last")
        await bot.answered(7, "last", timeout_s=30)
        assert len(bot.texts(404)) == 1
        refused = refusals(bot)
        assert len(refused) <= 2, "the limits were kept"


async def test_failures_are_told_within_30_seconds_while_ten_thousand_updates_are_worked_off(tmp_path: Path) -> None:
    """3,000 of them are one chat's, 400 a stranger's, and the others' twenty chats'; three questions among them fail."""
    others = range(100, 120)
    doomed = {6: 100, 7: 5_000, 8: 9_900}
    async with world(tmp_path, ALLOWED_USER_IDS=",".join(map(str, (5, *doomed, *others)))) as bot:
        bot.model.fails_for = {f"doomed {chat}": 401 for chat in doomed}
        await bot.stop_brain()  # all of it waits at the start
        asked = {at: chat for chat, at in doomed.items()}
        for n in range(10_000):
            if n in asked:
                bot.api.users.write(asked[n], f"/code doomed {asked[n]}")
            elif n % 25 == 1:
                bot.api.users.write(404, f"let me in {n}")
            elif n % 10 < 3:
                bot.api.users.write(5, ("/help", "/nonsense", "/status", f"/code busy {n}")[n % 4])
            else:
                bot.api.users.write(others[n % len(others)], f"/code other {n}")
        await bot.start_brain()

        async def told(chat: int) -> None:
            await bot.until(lambda: f"doomed {chat}" in bot.model.seen, timeout_s=200)
            await bot.until(lambda: told_with_retry(bot, chat), timeout_s=30)

        async with asyncio.TaskGroup() as all_of_them:
            first, *_ = [all_of_them.create_task(told(chat)) for chat in doomed]
            await first
            assert await bot.script.read("XLEN", bot.script.keys("inbox")), "told before all of them are handled"
        assert await bot.script.read("LLEN", bot.script.keys("ring")), "others wait for their turn all the while"


# ---- /stop (B9, B12)


async def test_a_question_and_its_stop_in_one_batch_behind_sixty_updates_of_others(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        await bot.stop_brain()
        for n in range(60):
            bot.api.users.write(100 + n % 20, f"/code other {n}")
        bot.api.users.write(5, "/code unwanted")
        bot.api.users.write(5, "/stop")
        bot.api.users.write(5, "/code wanted")
        await bot.start_brain()
        await bot.answered(5, "wanted", timeout_s=120)
        assert "unwanted" not in bot.model.seen
        assert any("Stopped" in text or "won't" in text or "cancel" in text.lower() for text in bot.texts(5)), (
            bot.texts(5)
        )
        assert not any("nothing to stop" in text.lower() for text in bot.texts(5))
        await bot.all_ended(61, timeout_s=150)
        assert bot.verdict({100 + chat: [f"other {n}" for n in range(chat, 60, 20)] for chat in range(20)}) == CLEAN


async def test_stop_pressed_three_times_keeps_what_was_shown(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.model.words, bot.model.word_s = 1000, 0.05
        chats = (5, 6, 7, 8)
        for chat in chats:
            bot.api.users.write(chat, "/code long question")
        for chat in chats:
            await bot.until(partial(shows, bot, chat, "Answer to long question. w0"))
        for press in range(3):
            for chat in chats:
                [message] = [m for m in bot.api.messages(chat) if m["text"].startswith("Answer")]
                data = f"stop:{(await _task_of(bot, chat))}"
                bot.api.users.press(chat, message["message_id"], data, stale=press > 0)
        for chat in chats:
            await bot.until(partial(_stopped, bot, chat), timeout_s=30)
        await bot.nothing_to_put_again()
        for chat in chats:
            [text] = bot.texts(chat)
            assert text.startswith("Answer to long question. w0")
            assert "Stopped" in text
        # Each press has its spinner ended; the last of them may be handled after the texts stand.
        await bot.until(lambda: not bot.api.state.open_callbacks, timeout_s=10)
        assert await outcomes(bot) == {"cancelled:": 4}


def _stopped(bot: World, chat: int) -> bool:
    return any("Stopped" in text for text in bot.texts(chat))


async def _task_of(bot: World, chat: int) -> str:
    return str(await bot.script.read("HGET", bot.script.keys("chat", chat), "last_task"))


# ---- flood limits (B4, B10)


async def test_while_telegram_refuses_every_call_no_sign_is_shown_and_afterwards_all_is_answered(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as bot:
        bot.api.users.write(20, "/help")  # what the bot says at its start is said before
        await bot.until(lambda: bot.texts(20) and bot.api.state.commands.get("default/he"))
        await bot.nothing_to_put_again()
        bot.api.faults.next("*", "flood", times=None, retry_after_s=15)
        asked = {chat: [f"q{chat}"] for chat in range(1, 13)}
        for chat in range(1, 6):
            bot.api.users.write(chat, f"/code q{chat}")
        await bot.until(lambda: '"probe":true' in bot.log.read_text(errors="replace"))  # refused too: the bot rests
        await asyncio.sleep(1.5)  # signs that were under way
        seen = max(entry.n for entry in bot.api.journal)
        for chat in range(6, 13):
            bot.api.users.write(chat, f"/code q{chat}")
        await asyncio.sleep(10)
        rested = bot.api.journal.calls(after=seen)
        assert [entry.method for entry in rested if entry.method in SIGNS] == []
        assert len([entry for entry in rested if entry.method == "sendMessage"]) <= 6, "probes, one at a time"
        bot.api.faults.clear()
        await bot.all_ended(12, timeout_s=120)
        assert bot.verdict(asked) == CLEAN


async def test_chats_that_have_to_rest_for_long_hold_up_no_other(tmp_path: Path) -> None:
    async with world(tmp_path, RUNNING_CAP="40") as bot:
        # Two chats at a time: more refusals within a second may mean the whole bot, which the tests above are about.
        for refused_before in range(0, 20, REFUSED_CHATS - 1):
            for chat in range(100 + refused_before, 100 + refused_before + REFUSED_CHATS - 1):
                bot.api.faults.next("sendMessage", "flood", times=None, chat_id=chat, retry_after_s=600)
                bot.api.users.write(chat, "/help")
                bot.api.users.write(chat, f"/code rests {chat}")
            await bot.until(partial(knows_refusals, bot, refused_before + REFUSED_CHATS - 1))
            await asyncio.sleep(REFUSED_WITHIN_S)
        bot.api.users.write(5, "/code quick")
        await bot.answered(5, "quick", timeout_s=60)  # a tenth of the time for which the others rest
        await bot.until(lambda: len([q for q in bot.model.seen if q.startswith("rests")]) == 20, timeout_s=60)
        assert len(refusals(bot)) <= 20 + 5, "each chat is left alone for as long as it was asked"


# ---- messages that are deleted under us (B5), replies that are lost


async def test_a_chat_whose_messages_are_deleted_at_once_costs_few_calls_and_holds_up_no_other(tmp_path: Path) -> None:
    async with world(tmp_path, RUNNING_CAP="2", TASK_DEADLINE_S="20") as bot:
        bot.model.words, bot.model.word_s = 60, 0.05
        for chat in (5, 6):
            bot.api.faults.next("sendMessage", "delete", times=None, chat_id=chat)
            bot.api.users.write(chat, f"/code swept {chat}")
        await bot.until(lambda: len(bot.model.seen) == 2)
        bot.model.words, bot.model.word_s = 20, 0.005
        bot.api.users.write(7, "/code quick")
        await bot.answered(7, "quick", timeout_s=40)
        await bot.all_ended(3, timeout_s=60)
        for chat in (5, 6):
            assert 1 <= len(bot.api.journal.calls("sendMessage", chat_id=chat)) <= 3
        rows = [run.row for run in await RunRecords(bot.script).newest(count=3)]
        assert sorted(row["delivery"] for row in rows) == ["delivered", "undeliverable", "undeliverable"]


async def test_sends_whose_replies_are_lost_leave_few_placeholders_and_one_answer(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.api.faults.next("sendMessage", "close_after", times=3, chat_id=5)
        bot.api.users.write(5, "/code dropped")
        await bot.answered(5, "dropped")
        await bot.all_ended(1)
        assert bot.verdict({5: ["dropped"]}) == CLEAN
        assert sum(text.startswith("💭") for text in bot.texts(5)) == 3


async def test_a_delivery_that_was_not_noted_stands_though_its_queues_deadline_is_over(tmp_path: Path) -> None:
    """B8: the final text stands, its reply is lost with the brain, and no agent starts for a while."""
    async with world(tmp_path) as bot:
        await bot.stop_brain()
        await bot.start_brain(QUEUE_DEADLINE_S="10")
        lost = bot.api.faults.next("editMessageText", "withhold", chat_id=5)
        bot.api.users.write(5, "/code noted")
        await bot.until(lambda: lost.times == 0)
        await bot.answered(5, "noted")
        await bot.kill_brain()
        for agent in bot.agents():
            agent.kill()
        await asyncio.sleep(11)
        await bot.start_brain()
        await bot.all_ended(1)
        await bot.nothing_to_put_again()
        assert bot.verdict({5: ["noted"]}) == CLEAN
        assert len(bot.texts(5)) == 1
        assert await outcomes(bot) == {"closed:": 1}


# ---- a token that is refused, and a webhook, in mid-run


async def test_a_token_that_is_refused_for_a_while_and_a_webhook_of_others_lose_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.model.words, bot.model.word_s = 60, 0.05
        asked = {chat: [f"q{chat}"] for chat in range(1, 7)}
        for chat in range(1, 4):
            bot.api.users.write(chat, f"/code q{chat}")
        await bot.until(lambda: len(bot.model.seen) == 3)
        bot.api.faults.next("*", "unauthorized", times=None)
        bot.api.faults.next("getUpdates", "unauthorized", times=2)
        bot.api.state.updates.webhook_url = "https://somebody.example/hook"
        for chat in range(4, 7):
            bot.api.users.write(chat, f"/code q{chat}")
        await asyncio.sleep(8)
        assert bot.brain is not None
        assert bot.brain.returncode is None
        bot.api.faults.clear()
        await bot.all_ended(6, timeout_s=120)
        assert bot.verdict(asked) == CLEAN
        assert bot.api.state.updates.webhook_url == ""
        assert (await outcomes(bot)) == {"closed:": 6}


# ---- files


async def test_a_file_reaches_the_agent_through_a_brain_that_came_after_its_task(tmp_path: Path) -> None:
    async with world(tmp_path, WARM_AGENTS="0") as bot:
        await bot.stop_brain()
        bot.api.users.upload(5, "notes.txt", b"The cat sat.", mime_type="text/plain", caption="/sum how many cats?")
        bot.model.first_s = 1.0
        await bot.start_brain()
        await bot.until(lambda: '"task.ready"' in bot.log.read_text(errors="replace"))
        await bot.kill_brain()
        for agent in bot.agents():
            agent.kill()
        await bot.start_brain()
        await bot.until(lambda: bot.model.prompts, timeout_s=90)
        assert "> The cat sat." in bot.model.prompts[-1][-1]["content"]
        await bot.all_ended(1)
        log = bot.log.read_text(errors="replace")
        assert "/files/" not in log
