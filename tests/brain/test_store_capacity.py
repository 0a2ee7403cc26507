"""Redis does not fill up: before it is full the oldest finished records go, and nothing that waits or runs."""

import asyncio
import logging
from pathlib import Path

import pytest

from openclaw_brain import store_capacity as module
from openclaw_brain.loops import Loop
from openclaw_brain.store_capacity import StoreCapacity
from openclaw_core.errors import LostOwnership, StoreFull, StoreUnavailable
from openclaw_core.store import Inbox, RedisSettings, Script, open_script
from openclaw_core.store.server import Memory
from tests.core.store_world import World, task
from tests.redis_server import RedisServer

LIMIT = 1_000_000


class Desk:
    """The capacity of a real store, with a memory of our own: each finished record takes *record* bytes."""

    def __init__(self, script: Script) -> None:
        self.world = World(script)
        self.used = 0
        self.limit = LIMIT
        self.record = 1000
        self.seen: list[float] = []
        self.faults: list[Exception] = []

    async def open(self) -> "Desk":
        await self.world.lead()
        self.capacity = StoreCapacity(
            inbox=self.world.inbox, memory=self.memory, epoch=self.world.epoch, on_share=self.seen.append
        )
        return self

    async def memory(self) -> Memory:
        if self.faults:
            raise self.faults.pop(0)
        return Memory(used=self.used + self.record * await self.finished(), limit=self.limit)

    async def finished(self) -> int:
        return int(await self.world.script.read("ZCARD", self.world.script.keys("ended")))

    async def look(self, *shares: float) -> None:
        """One look for each of *shares*, which count without finished records."""
        left = list(shares)

        async def sleep(_: float) -> None:
            if not left:
                raise asyncio.CancelledError
            self.used = round(left.pop(0) * self.limit)

        self.used = round(left.pop(0) * self.limit)
        with pytest.raises(asyncio.CancelledError):
            await self.capacity.run(Loop(sleep=sleep))


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script).open()


async def finish(script: Script, numbers: range, *, size: int = 10) -> None:
    """Records of finished tasks, the first one the oldest, without the steps that lead to them."""
    for at in range(numbers.start, numbers.stop, 500):
        some = range(at, min(at + 500, numbers.stop))
        await script.reads(
            [
                *(("HSET", script.keys("task", f"old{n}"), "state", "closed", "record", "x" * size) for n in some),
                *(("SET", script.keys("answer", f"old{n}"), "text") for n in some),
                *(("ZADD", script.keys("ended"), n, f"old{n}") for n in some),
            ]
        )


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records]


async def test_from_92_percent_on_the_oldest_finished_records_go_and_no_more_than_a_step_too_many(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 10)
    await finish(desk.world.script, range(100))
    key = desk.world.script.keys
    await desk.look(0.81)  # and 0.10 of records
    assert await desk.finished() == 100
    with caplog.at_level(logging.WARNING):
        await desk.look(0.88)
    assert await desk.finished() == 30, "0.98, and 0.01 less with each step"
    left = await desk.world.script.read("ZRANGE", key("ended"), 0, -1)
    assert left == [f"old{n}" for n in range(70, 100)]
    for n, stands in ((0, 0), (69, 0), (70, 2), (99, 2)):
        assert await desk.world.script.read("EXISTS", key("task", f"old{n}"), key("answer", f"old{n}")) == stands
    assert events(caplog).count("store.records_gone") == 1
    assert (desk.seen[0], desk.seen[-1]) == (0.91, 0.91)


async def test_what_waits_or_runs_or_is_not_shown_yet_never_goes(desk: Desk) -> None:
    world = desk.world
    runs = await world.claimed(task(1, chat=1))
    answered = await world.claimed(task(2, chat=2))
    await world.answered(answered)
    await world.ready(task(3, chat=3))
    await world.ask(task(4, chat=3))
    await finish(world.script, range(20))
    await desk.look(1.0)
    assert await desk.finished() == 0
    states = [await world.state(task(n)) for n in range(1, 5)]
    assert states == ["running", "answered", "ready", "queued"]
    await world.agent.check(runs)
    assert await world.displays.answer("t:u2") == "42"


async def test_at_80_percent_there_is_one_warning_until_it_was_clearly_below(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await desk.look(0.5, 0.79)
        assert events(caplog) == []
        await desk.look(0.80, 0.85, 0.79, 0.81, 0.76, 0.80)
        assert events(caplog) == ["store.filling"]
        desk.faults = [StoreUnavailable("away")]
        await desk.look(0.85, 0.85)
        assert events(caplog).count("store.filling") == 1, "an outage of Redis is no reason to say it again"
        await desk.look(0.74, 0.80)
    assert events(caplog).count("store.filling") == 2


async def test_that_nothing_more_can_go_is_told_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await finish(desk.world.script, range(5))
    with caplog.at_level(logging.WARNING):
        await desk.look(0.95, 0.96, 1.0)
        assert events(caplog) == ["store.records_gone", "store.filling", "store.full"]
        await desk.look(0.90, 0.95)
    assert events(caplog).count("store.full") == 2, "it had passed meanwhile"


async def test_a_server_without_a_limit_loses_nothing(desk: Desk) -> None:
    await finish(desk.world.script, range(5))
    desk.limit = 0
    await desk.look(0, 0)
    assert await desk.finished() == 5
    assert set(desk.seen) == {0.0}


async def test_the_loop_outlives_redis_and_ends_with_the_lead(desk: Desk) -> None:
    desk.faults = [StoreUnavailable("away"), StoreFull("full")]
    await desk.look(0.5, 0.5, 0.5)
    assert desk.seen == [0.5]
    await desk.world.leadership.give_up_lead("me")
    await desk.world.leadership.take_lead("another", ttl_s=8)
    await finish(desk.world.script, range(5))
    desk.used = LIMIT
    with pytest.raises(LostOwnership):
        await desk.capacity.run(Loop())
    assert await desk.finished() == 5


async def test_messages_are_admitted_on_a_small_redis_while_old_finished_ones_go(tmp_path: Path, bot_id: int) -> None:
    """150 messages of 8 KB on a Redis that has room for a few of them.

    The scripts' own half megabyte must fit between 92 % and the limit too.
    """
    with RedisServer.start(tmp_path, "--maxmemory", "8mb") as server:
        async with open_script(RedisSettings(url=server.url, timeout_s=30), bot_id=bot_id) as script:
            world = World(script)
            await world.lead()
            filled = 0
            while (await script.memory()).share < 0.88:
                await finish(script, range(filled, filled + 50), size=1_000)
                filled += 50
            old = await script.read("ZCARD", script.keys("ended"))
            shares: list[float] = []

            async def soon(_: float) -> None:
                await asyncio.sleep(0.02)

            capacity = StoreCapacity(
                inbox=Inbox(script), memory=script.memory, epoch=world.epoch, on_share=shares.append
            )
            keeping = asyncio.create_task(capacity.run(Loop(sleep=soon)))
            try:
                waiting = await world.claimed(task(9_999, chat=9_999, text="marker"))
                for n in range(1, 151):
                    await world.script.read("DEL", world.script.keys("turns", n - 1))  # as after a day
                    run = await world.claimed(task(n, chat=n, text="x" * 6_000))
                    await world.answered(run, "y" * 2_000)
                    await world.show_all()
                    assert not keeping.done(), keeping.exception()
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
            assert max(shares) < 1
            left = await script.read("ZRANGE", script.keys("ended"), 0, -1)
            assert left[-1] == "u150", "the newest stand"
            stayed = [name for name in left if name.startswith("old")]
            assert len(stayed) < old - 300, "some hundred went"
            assert stayed == [f"old{n}" for n in range(filled - len(stayed), filled)], "the oldest first"
            await world.agent.check(waiting)
            await world.answered(waiting, "still there")


async def test_room_is_made_also_once_redis_takes_no_writes_any_more(tmp_path: Path, bot_id: int) -> None:
    with RedisServer.start(tmp_path, "--maxmemory", "6mb") as server:
        async with open_script(RedisSettings(url=server.url, timeout_s=30), bot_id=bot_id) as script:
            world = World(script)
            await world.lead()
            refused, n = 0, 0
            while refused < 5:  # at the limit, what clients send makes the difference
                n += 1
                try:
                    await finish(script, range(n * 20, n * 20 + 20), size=1_000)
                except StoreFull:
                    refused += 1
            seen: list[float] = []
            capacity = StoreCapacity(inbox=world.inbox, memory=script.memory, epoch=world.epoch, on_share=seen.append)
            await capacity._evict()
            assert seen[0] > 0.98
            assert seen[-1] < module.FULL
            await world.ask(task(1))
            assert (await world.lanes.waiting_in(1))[-1] == "u1"
