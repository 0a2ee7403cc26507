"""Alerts of a Redis that fills, is slow, is full, or refuses writes, each by its fault on the cluster."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openclaw_cli.runs.source import of_cluster
from openclaw_core.store import RedisSettings, Script, open_script
from tests.alerts.redis_faults import MAXMEMORY, fill, stop_writes_while_messages_wait
from tests.e2e.cluster import until
from tests.e2e.watched_cluster import follow, follow_to_the_end, watched
from tests.e2e.world import Asked, World

pytestmark = [pytest.mark.full, pytest.mark.timeout(700)]
SLOW = "for _ = 1, tonumber(ARGV[1]) do end"  # `TIME` stands still in a script


@asynccontextmanager
async def redis_of_the_cluster() -> AsyncIterator[Script]:
    async with (
        of_cluster("staging") as (url, bot_id),
        open_script(RedisSettings(url=url, timeout_s=30), bot_id=bot_id) as script,
    ):
        yield script


async def keep_busy(script: Script) -> None:
    """Somebody's script holds Redis up for some 600 ms, then again after 50 ms."""
    tried, began = 5_000_000, time.monotonic()
    await script.redis.eval(SLOW, 0, str(tried))
    turns = round(0.6 / (time.monotonic() - began) * tried)
    while True:
        await script.redis.eval(SLOW, 0, str(turns))
        await asyncio.sleep(0.05)


async def test_redis_fills_is_slow_and_is_full(bot: World, tmp_path: Path) -> None:
    async with watched(tmp_path) as chat, redis_of_the_cluster() as script:
        limit = (await script.redis.config_get("maxmemory"))["maxmemory"]
        await script.read("CONFIG", "SET", "maxmemory", MAXMEMORY)
        try:
            since = time.monotonic()
            await fill(script, 0.85)
            await chat.told("RedisFilling", since=since)
            printed = await follow("RedisFilling")
            assert "maxmemory_human:61.04M" in printed, printed
            assert "foreign:0.85:" in printed, printed

            since = time.monotonic()
            await fill(script, 0.975)
            await chat.told("RedisFull", since=since)
            assert "OK" in await follow_to_the_end("RedisFull")
            await chat.over("RedisFilling", "RedisFull")
        finally:
            await script.read("CONFIG", "SET", "maxmemory", limit)
            for pattern in ("foreign:0.85:*", "foreign:0.975:*"):
                await script.redis.delete(*[key async for key in script.redis.scan_iter(pattern)])

        since = time.monotonic()
        slow = asyncio.create_task(keep_busy(script), name="keep Redis busy")
        try:
            await chat.told("RedisSlow", since=since)
            printed = await follow("RedisSlow")
            assert "cmdstat_eval:" in printed, printed
            assert "for _ = 1, tonumber(ARGV[1])" in printed, printed
        finally:
            slow.cancel()
        await chat.over("RedisSlow", within_s=180)


async def test_redis_refuses_writes_in_a_burst_and_goes_on(bot: World, tmp_path: Path) -> None:
    async with watched(tmp_path) as chat, redis_of_the_cluster() as script:
        asked: list[Asked] = []

        def write(count: int) -> None:
            asked.extend(bot.ask(bot.new_chat(), "/lang en", command="") for _ in range(count))

        try:
            await stop_writes_while_messages_wait(script, write)
            await chat.told("InboxStuck", since=time.monotonic())
            printed = await follow("InboxStuck")
            assert "role:slave" in printed, printed
            assert "store." in printed, printed
        finally:
            await script.read("REPLICAOF", "NO", "ONE")
        await follow_to_the_end("InboxStuck")  # a new leader starts with what waits
        await chat.over("InboxStuck", within_s=180)
        await asyncio.to_thread(bot.cluster.wait_for_brain)
        await asyncio.to_thread(
            lambda: until(
                lambda: all(bot.messages(one.chat_id) for one in asked), within_s=120, what="an answer to each"
            )
        )
