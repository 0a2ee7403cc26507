"""Alerts of Redis' exporter and its disk, each provoked; the commands of docs/alerts.md are run as they are written."""

import asyncio
import hashlib
import re
import time
from pathlib import Path

import pytest

from tests.alerts.operators import operators
from tests.e2e.changes import nobody
from tests.e2e.cluster import NAMESPACE, ours, redis, until
from tests.e2e.small_disk import SIZE_MB, small_disk
from tests.e2e.watched_cluster import follow, follow_to_the_end
from tests.e2e.watched_parts import exporter_job, kubelet_job, redis_exporter
from tests.e2e.world import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(1500)]

OLD, NEW = "for-tests-only-exporter", "another-one-for-tests-only"
FILLED_MB = 56
# Hashes, since a rewrite packs what repeats itself.
_FILL = """
for megabyte = ARGV[1], ARGV[2] do
  local parts = {}
  for i = 1, 26215 do parts[i] = redis.sha1hex(megabyte .. ':' .. i) end
  redis.call('SET', 'filler:' .. megabyte, table.concat(parts))
end
"""
_EMPTY = "for i = 1, ARGV[1] do redis.call('DEL', 'filler:' .. i) end"


def digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


@pytest.mark.usefixtures("bot")
async def test_an_exporter_with_the_password_of_before_is_told(tmp_path: Path) -> None:
    with redis_exporter():
        async with exporter_job(tmp_path / "exporter") as job, operators(tmp_path / "watch", job) as chat:
            await asyncio.sleep(5)
            try:
                # A change as docs/redis.md has it, whose last step comes before the exporter has been restarted.
                redis("ACL", "SETUSER", "exporter", f"#{digest(NEW)}", f"!{digest(OLD)}")
                ours("patch", "secret", "redis-exporter", "-p", f'{{"stringData": {{"password": "{NEW}"}}}}')
                since = time.monotonic()
                await chat.told("RedisNotScraped", since=since)
                shown = await follow("RedisNotScraped")
                assert "Couldn't connect to redis instance" in shown, shown

                assert "restarted" in await follow_to_the_end("RedisNotScraped")

                await chat.over("RedisNotScraped", within_s=120)
            finally:
                redis("ACL", "SETUSER", "exporter", f"#{digest(OLD)}", f"!{digest(NEW)}")
                ours("patch", "secret", "redis-exporter", "-p", f'{{"stringData": {{"password": "{OLD}"}}}}')


async def test_a_disk_that_fills_and_then_has_no_room_for_a_rewrite_is_told(bot: World, tmp_path: Path) -> None:
    with small_disk(bot) as disk, redis_exporter():
        jobs = kubelet_job(tmp_path / "kubelet")
        async with exporter_job(tmp_path / "exporter") as job, operators(tmp_path / "watch", jobs, job) as chat:
            await asyncio.sleep(5)
            for megabyte in range(1, FILLED_MB, 8):
                await asyncio.to_thread(redis, "EVAL", _FILL, "0", str(megabyte), str(megabyte + 7))
            since = time.monotonic()
            told = await chat.told("DiskFilling", since=since, within_s=180)  # a kubelet looks once a minute
            assert f"data-redis-0 of {NAMESPACE}" in told.text
            shown = await follow("DiskFilling")
            assert re.search(r"\b[89]\d% /data", shown), shown

            # While the rewrite fills the disk, a write of the brain would end Redis.
            with bot.cluster.changed("Deployment", "brain", nobody):
                await asyncio.to_thread(until, bot_is_away, within_s=60, what="the end of the brain")
                redis("BGREWRITEAOF")  # as Redis does by itself when its file has doubled
                since = time.monotonic()
                await chat.told("RedisNotOnDisk", since=since)
                shown = await follow("RedisNotOnDisk")
                assert re.search(r"\b[89]\d% /data", shown), shown

                disk.grow(3 * SIZE_MB)
                await follow_to_the_end("RedisNotOnDisk")
                await chat.over("RedisNotOnDisk", within_s=60)
            await chat.over("DiskFilling", within_s=180)
            redis("EVAL", _EMPTY, "0", str(FILLED_MB))


def bot_is_away() -> bool:
    return ours("get", "pods", "-l", "app.kubernetes.io/component=brain", "-o", "name") == ""
