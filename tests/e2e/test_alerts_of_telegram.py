"""Alerts of the way to Telegram, each by its fault on the cluster: a webhook of others, no reply, refusals, another poller, no start."""

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from tests.alerts.operators import Operators
from tests.e2e.changes import nobody
from tests.e2e.cluster import pods, until
from tests.e2e.watched_cluster import follow, follow_to_the_end, watched
from tests.e2e.world import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(700)]


async def test_somebody_else_has_the_token_then_telegram_is_away_then_refuses_chats(bot: World, tmp_path: Path) -> None:
    api, users = bot.standins.api, bot.standins.api.users
    do = bot.standins.do
    async with watched(tmp_path) as chat:
        since = time.monotonic()
        await asyncio.to_thread(
            do, lambda: setattr(api.state.updates, "webhook_url", "https://example.com/of-somebody-else")
        )
        await chat.told("TokenUsedElsewhere", since=since)
        assert "updates.webhook" in await follow("TokenUsedElsewhere")
        assert "restarted" in await follow_to_the_end("TokenUsedElsewhere")
        await asyncio.to_thread(bot.cluster.wait_for_brain)
        await chat.over("TokenUsedElsewhere", within_s=180)

        for method in ("sendMessage", "editMessageText"):
            await asyncio.to_thread(do, lambda method=method: api.faults.next(method, "server_error", times=None))
        since = time.monotonic()
        asked = await asyncio.to_thread(bot.ask, bot.new_chat(), "not shown")
        await chat.told("DeliveryBehind", since=since)
        printed = await follow("DeliveryBehind")
        assert "reserve.fate_unknown" in printed, printed
        await asyncio.to_thread(do, api.faults.clear)
        await chat.over("DeliveryBehind")
        await asyncio.to_thread(bot.answered, asked)

        since = time.monotonic()

        def ask_and_block() -> None:
            for n in range(12):
                one = bot.ask(bot.new_chat(), f"from who blocks {n}")
                do(partial(users.block, one.chat_id))

        await asyncio.to_thread(ask_and_block)
        await chat.told("DeliveryRefused", since=since)
        printed = await follow("DeliveryRefused")
        assert '"error":"ChatGone"' in printed, printed
        await chat.over("DeliveryRefused", within_s=180)


async def test_another_program_polls_and_then_telegram_does_not_say_who_the_bot_is(bot: World, tmp_path: Path) -> None:
    api, do = bot.standins.api, bot.standins.do
    async with watched(tmp_path) as chat:
        await asyncio.to_thread(do, lambda: api.faults.next("getUpdates", "conflict", times=None))
        await chat.told("TelegramNotHeard", since=time.monotonic(), within_s=300)  # its threshold stays 120 s
        printed = await follow("TelegramNotHeard")
        assert "updates.conflict" in printed, printed
        await asyncio.to_thread(do, api.faults.clear)
        await chat.over("TelegramNotHeard")

        await no_start(bot, chat)


async def no_start(bot: World, chat: Operators) -> None:
    """A brain starts, as after its node was lost, and Telegram answers `getMe` by 500."""
    api, do = bot.standins.api, bot.standins.do
    with_none = bot.cluster.changed("Deployment", "brain", nobody)
    await asyncio.to_thread(with_none.__enter__)
    try:
        await asyncio.to_thread(lambda: until(lambda: not pods("brain"), within_s=60, what="the end of the brain"))
        await asyncio.to_thread(do, lambda: api.faults.next("getMe", "server_error", times=None))
    finally:
        await asyncio.to_thread(with_none.__exit__, None, None, None)
    since = time.monotonic()
    await chat.told("NobodyLeads", since=since)
    printed = await follow("NobodyLeads")
    assert "telegram" in printed.lower(), printed
    await asyncio.to_thread(do, api.faults.clear)
    await chat.over("NobodyLeads", within_s=180)
    await asyncio.to_thread(bot.cluster.wait_for_brain)
