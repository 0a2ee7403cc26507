"""Alerts of Redis and of the brain that needs it, each by its fault: Redis killed, filled, stalled, read-only; the
brain without it, or gone.
"""

import asyncio
import itertools
import os
import signal
import time
from pathlib import Path

import pytest

from tests.alerts.redis_faults import MAXMEMORY, fill, stop_writes_while_messages_wait
from tests.e2e_local.watched_bot import follow, full, watched
from tests.e2e_local.world import World

pytestmark = [full, pytest.mark.timeout(600)]  # a busy machine is slow, not wrong


async def stall(bot: World) -> None:
    """Redis stands still for 400 ms of each 450, as on a disk that is too slow."""
    assert bot.redis.process is not None
    pid = bot.redis.process.pid
    try:
        while True:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(0.4)
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.05)
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_redis_fills_stalls_is_full_and_is_killed(tmp_path: Path) -> None:
    async with watched(tmp_path) as (bot, chat):
        await bot.script.read("CONFIG", "SET", "maxmemory", MAXMEMORY)
        since = time.monotonic()
        await fill(bot.script, 0.85)
        stalling = asyncio.create_task(stall(bot), name="stall Redis")
        await chat.told("RedisFilling", since=since)
        await chat.told("RedisSlow", since=since)
        stalling.cancel()
        assert "memory" in await follow(bot, "RedisFilling")
        assert "cmdstat_evalsha" in await follow(bot, "RedisSlow")

        since = time.monotonic()
        await fill(bot.script, 0.975)
        await chat.told("RedisFull", since=since)
        await follow(bot, "RedisFull")
        await chat.over("RedisFilling", "RedisFull", "RedisSlow")

        bot.redis.kill()
        await chat.told("RedisDown", since=time.monotonic())
        bot.redis.up()
        await chat.over("RedisDown")
        bot.api.users.write(5, "/code after all of it")
        await bot.answered(5, "after all of it")


async def test_nothing_is_worked_on_then_no_brain_runs_then_none_leads_then_prometheus_is_gone(tmp_path: Path) -> None:
    async with watched(tmp_path) as (bot, chat):
        chats = itertools.count(1000)

        def write(count: int) -> None:
            for chat_id in itertools.islice(chats, count):
                bot.api.users.write(chat_id, "/code one of many")

        await stop_writes_while_messages_wait(bot.script, write)
        await chat.told("InboxStuck", since=time.monotonic())
        await bot.script.read("REPLICAOF", "NO", "ONE")
        await chat.over("InboxStuck")

        await bot.kill_brain()
        await chat.told("BrainNotScraped", since=time.monotonic())
        bot.api.faults.next("getMe", "server_error", times=None)
        await bot.start_brain()  # it waits for Telegram before it asks for the lead
        await chat.told("NobodyLeads", since=time.monotonic())
        bot.api.faults.clear()
        await chat.over("BrainNotScraped", "NobodyLeads")

        chat.prometheus.kill()
        await chat.told("Heartbeat", since=time.monotonic())
