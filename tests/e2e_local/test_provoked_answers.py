"""Alerts of answers that do not come, come late or are refused, each by its fault: a silent model, a refused key,
Telegram away, a stolen token.
"""

import asyncio
import time
from pathlib import Path

import pytest

from tests.e2e_local.watched_bot import follow, full, watched

pytestmark = [full, pytest.mark.timeout(600)]  # a busy machine is slow, not wrong


async def test_the_model_is_silent_then_slow_then_the_key_is_refused(tmp_path: Path) -> None:
    async with watched(tmp_path, TOOL_AGENTS_CAP="2") as (bot, chat):
        bot.model.first_s = 600
        since = time.monotonic()
        for user in range(10, 14):
            bot.api.users.write(user, "/code a question")
        await asyncio.gather(*(chat.told(name, since=since) for name in ("NothingAnswered", "AgentsWanted")))
        await follow(bot, "NothingAnswered")
        for user in range(10, 14):
            bot.api.users.write(user, "/stop")

        bot.model.first_s = 2.5
        since = time.monotonic()

        async def go_on_asking() -> None:
            for n in range(10_000):
                bot.api.users.write(100 + n, "/code another")
                await asyncio.sleep(2)

        asking = asyncio.create_task(go_on_asking(), name="ask")
        await chat.told("AnswersSlow", since=since)
        asking.cancel()
        await chat.over("NothingAnswered", "AgentsWanted")

        bot.model.first_s = 0.05
        bot.model.fail.extend([401] * 40)
        since = time.monotonic()
        for user in range(30, 36):
            bot.api.users.write(user, "/code refused")
        assert "model_key" in (await chat.told("TasksFail", since=since)).text
        assert '"cause": "model_key"' in await follow(bot, "TasksFail")
        bot.model.fail.clear()
        await chat.over("TasksFail")


async def test_another_program_polls_with_the_token(tmp_path: Path) -> None:
    async with watched(tmp_path) as (bot, chat):
        bot.api.faults.next("getUpdates", "conflict", times=None)
        since = time.monotonic()
        await chat.told("TelegramNotHeard", since=since, within_s=300)  # its threshold stays: a quiet poll takes 20 s
        bot.api.faults.clear()
        await chat.over("TelegramNotHeard")
        bot.api.users.write(5, "/code heard again")
        await bot.answered(5, "heard again")


async def test_telegram_is_away_then_refuses_chats_and_somebody_else_has_the_token(tmp_path: Path) -> None:
    async with watched(tmp_path) as (bot, chat):
        bot.api.state.updates.webhook_url = "https://example.com/of-somebody-else"
        await chat.told("TokenUsedElsewhere", since=time.monotonic())
        await (
            bot.kill_brain()
        )  # as its section says: the alert holds until the brain has another token, and starts with it
        await bot.start_brain()

        for method in ("sendMessage", "editMessageText"):
            bot.api.faults.next(method, "server_error", times=None)
        since = time.monotonic()
        bot.api.users.write(5, "/code not shown")
        await chat.told("DeliveryBehind", since=since)
        bot.api.faults.clear()
        await chat.over("DeliveryBehind")
        await bot.answered(5, "not shown")

        since = time.monotonic()
        for user in range(20, 40):
            bot.api.users.write(user, "/code from who blocks")
            bot.api.users.block(user)
        await chat.told("DeliveryRefused", since=since)
        await chat.over("TokenUsedElsewhere", "DeliveryRefused")
