"""Processes killed, frozen and cut off while they work: nothing acknowledged is lost, nothing twice, order kept, the user told."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import psutil
import pytest

from openclaw_core.store import RunRecords
from tests.e2e_local.world import World, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def ask(bot: World, chats: int, each: int) -> dict[int, list[str]]:
    asked: dict[int, list[str]] = {}
    for n in range(each):
        for chat in range(1, chats + 1):
            question = f"q{chat}-{n}"
            bot.api.users.write(chat, f"/code {question}")
            asked.setdefault(chat, []).append(question)
    return asked


CLEAN: dict[str, list[str]] = {"lost": [], "twice": [], "order": []}


async def test_brain_killed_while_a_hundred_messages_are_under_way(tmp_path: Path) -> None:
    async with world(tmp_path, TASKS_PER_JOB="10") as bot:
        asked = ask(bot, chats=20, each=5)
        for _ in range(2):
            await asyncio.sleep(1.5)
            await bot.kill_brain()
            await bot.start_brain()
        await bot.all_ended(100, timeout_s=240)
        assert bot.verdict(asked) == CLEAN


async def test_redis_killed_and_back_under_load(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        asked = ask(bot, chats=10, each=4)
        for _ in range(2):
            await asyncio.sleep(1)
            bot.redis.kill()
            await asyncio.sleep(0.5)
            bot.redis.up()
        await bot.all_ended(40, timeout_s=200)
        assert bot.verdict(asked) == CLEAN


async def test_redis_away_for_longer_than_a_lease(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.model.words = 60
        asked = ask(bot, chats=6, each=2)
        await asyncio.sleep(1)
        bot.redis.kill()
        await asyncio.sleep(17)
        bot.redis.up()
        await bot.all_ended(12, timeout_s=200)
        assert bot.verdict(asked) == CLEAN
        assert all(run.state == "closed" for run in await RunRecords(bot.script).newest(count=100))


def _asked_times(bot: World, n: int) -> bool:
    return len(bot.model.seen) == n


async def running(bot: World, question: str) -> list[psutil.Process]:
    """The agent that asks the model for *question*: the one with a connection to its server."""
    await bot.until(lambda: question in bot.model.seen)
    return bot.agents_at(int(bot.model.url.rpartition(":")[2]))


@pytest.mark.parametrize("moment", ["before the first token", "mid-answer"])
async def test_agent_killed(tmp_path: Path, moment: str) -> None:
    async with world(tmp_path) as bot:
        # Long enough for a busy machine to find and kill the agent meanwhile.
        bot.model.first_s, bot.model.word_s = (20.0, 0.005) if moment == "before the first token" else (0.05, 1.0)
        bot.api.users.write(5, "/code fragile")
        if moment == "mid-answer":
            await bot.until(lambda: any(t.startswith("Answer to fragile") for t in bot.texts(5)))
        await bot.placeholder_recorded(5)  # a kill between its send and its record is another test's
        [agent] = await running(bot, "fragile")
        bot.model.first_s, bot.model.word_s = 0.05, 0.005
        agent.kill()
        await bot.answered(5, "fragile")
        await bot.all_ended(1)
        assert bot.verdict({5: ["fragile"]}) == CLEAN
        assert len([t for t in bot.texts(5) if t]) == 1


async def test_agent_killed_twice_is_told_with_its_cause(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.model.first_s = 30
        bot.api.users.write(5, "/code hopeless")
        for n in (1, 2):
            await bot.until(partial(_asked_times, bot, n))
            await bot.placeholder_recorded(5)
            [agent] = await running(bot, "hopeless")
            agent.kill()
        await bot.until(
            lambda: any("reply_markup" in m and not m["text"].startswith("💭") for m in bot.api.messages(5))
        )
        [run] = await RunRecords(bot.script).newest(count=5)
        assert (run.state, run.cause) == ("failed", "crash")
        assert len(bot.texts(5)) == 1


async def test_brain_killed_between_a_send_and_its_record(tmp_path: Path) -> None:
    """The stand-in has stored the placeholder and withholds its reply: at worst a stray placeholder, never a second answer."""
    async with world(tmp_path) as bot:
        bot.api.faults.next("sendMessage", "withhold")
        bot.api.users.write(5, "/code torn")
        await bot.until(lambda: bot.api.messages(5)[1:])
        await bot.kill_brain()
        await bot.start_brain()
        await bot.answered(5, "torn")
        await bot.all_ended(1)
        assert bot.verdict({5: ["torn"]}) == CLEAN
        assert sum(t.startswith("💭") for t in bot.texts(5)) <= 1
        assert bot.model.seen == ["torn"], "its agent went on meanwhile"


async def test_agent_frozen_past_its_lease_and_woken_writes_nothing_more(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.model.first_s = 20.0
        bot.api.users.write(5, "/code frozen")
        await bot.placeholder_recorded(5)
        [agent] = await running(bot, "frozen")
        os.kill(agent.pid, signal.SIGSTOP)
        bot.model.first_s = 0.05
        await bot.answered(5, "frozen", timeout_s=120)
        await bot.all_ended(1)
        shown = bot.texts(5)
        os.kill(agent.pid, signal.SIGCONT)
        await asyncio.sleep(3)
        assert bot.texts(5) == shown
        assert bot.verdict({5: ["frozen"]}) == CLEAN


async def test_brain_and_agents_killed_together(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.model.words = 60
        asked = ask(bot, chats=6, each=2)
        await asyncio.sleep(1.0)
        await bot.kill_brain()
        for agent in bot.agents():
            agent.kill()
        await bot.start_brain()
        await bot.all_ended(12, timeout_s=200)
        assert bot.verdict(asked) == CLEAN


async def test_redis_away_at_start_is_waited_for_with_a_clear_word(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        await bot.stop_brain()
        bot.redis.kill()
        await bot.start_brain()
        await bot.until(lambda: "is Redis running" in bot.log.read_text())
        bot.redis.up()
        bot.api.users.write(5, "/code patient")
        await bot.answered(5, "patient")


async def test_wrong_settings_end_the_start_with_one_message_that_lists_them(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        await bot.stop_brain()
        bot.log.write_text("")
        await bot.start_brain(RUNNING_CAP="many", ALLOWED_USER_IDS="me", REDIS_URL="http://x")
        assert bot.brain is not None
        assert await bot.brain.wait() == 78
        text = bot.log.read_text()
        assert all(name in text for name in ("RUNNING_CAP", "ALLOWED_USER_IDS", "REDIS_URL"))
        assert "many" not in text
        bot.brain = None
