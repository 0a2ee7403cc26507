"""The server itself: restarted, full, badly configured, locked; and a caller that is cut short."""

import asyncio

import pytest

from openclaw_core.errors import StoreFull, StoreMisconfigured, StoreUnavailable
from openclaw_core.store import RedisSettings, Script, open_script
from tests.core.store_world import World, task
from tests.redis_server import RedisServer


async def test_a_restarted_server_has_lost_nothing_and_the_script_is_loaded_again(
    world: World, redis_server: RedisServer
) -> None:
    await world.ask(task(1))
    redis_server.kill()
    with pytest.raises(StoreUnavailable):
        await world.lanes.waiting()
    redis_server.up()
    assert await world.lanes.release(cap=1, at_most=1, epoch=world.epoch) == ["u1"]


async def test_a_full_server_refuses_admission_and_takes_it_again_when_there_is_room(world: World) -> None:
    await world.script.read("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(StoreFull):
            await world.inbox.admit([("inbox", {"update_id": 1})], offset=2, epoch=world.epoch)
    finally:
        await world.script.read("CONFIG", "SET", "maxmemory", "0")
    assert await world.inbox.offset() is None
    assert await world.inbox.admit([("inbox", {"update_id": 1})], offset=2, epoch=world.epoch) == 1


async def test_a_server_that_could_lose_messages_is_refused(world: World) -> None:
    await world.script.check()
    await world.script.read("CONFIG", "SET", "appendfsync", "everysec")
    try:
        with pytest.raises(StoreMisconfigured, match="appendfsync is everysec, set it to always"):
            await world.script.check()
    finally:
        await world.script.read("CONFIG", "SET", "appendfsync", "always")


async def test_a_wrong_password_is_a_setting_to_mend(tmp_path_factory: pytest.TempPathFactory) -> None:
    with RedisServer.start(tmp_path_factory.mktemp("locked"), "--requirepass", "right") as server:
        async with open_script(RedisSettings(url=server.url.replace("//", "//:wrong@")), bot_id=1) as script:
            with pytest.raises(StoreMisconfigured, match="REDIS_PASSWORD"):
                await script.read("PING")


@pytest.mark.parametrize("moment_ms", range(0, 20, 2))
async def test_a_cancelled_caller_ends_at_once_and_the_connection_stays_whole(script: Script, moment_ms: int) -> None:
    await script.read("SET", "k", "v")

    async def forever() -> None:
        while True:
            await script.read("SET", "k", "v")

    task = asyncio.create_task(forever())
    await asyncio.sleep(moment_ms / 1000)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert done
    assert await script.read("GET", "k") == "v"
