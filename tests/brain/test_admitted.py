"""What was admitted is handled without being read again, in order and once, whatever becomes of the call that admitted it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import BATCH_MAX, UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.loops import Loop
from openclaw_brain.telegram.incoming import Bot
from openclaw_core.budgets.values import Budgets
from openclaw_core.errors import StoreUnavailable
from openclaw_core.store import Admitted, Inbox, Script
from openclaw_core.store.budgets import Spending
from openclaw_core.store.inbox import Stream
from tests.core.store_world import World
from tests.shipped import ROLES


class Counting(Inbox):
    """Counts how often a stream is read, and fails the next calls that handle entries."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.reads = 0
        self.fails = 0

    async def waiting(self, stream: Stream, *, count: int = 200) -> list[Admitted]:
        self.reads += 1
        return await super().waiting(stream, count=count)

    async def handle(self, stream: Stream, handled: Any, **caps: Any) -> tuple[bool, list[str]]:
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("away")
        return await super().handle(stream, handled, **caps)


def said(n: int) -> tuple[Stream, Mapping[str, Any]]:
    """A question of chat 7, long after the one before."""
    person = {"id": 7, "is_bot": False, "first_name": "A"}
    message = {
        "message_id": n, "date": n * 1000, "chat": {"id": 7, "type": "private"}, "from": person, "text": f"hello {n}",
    }  # fmt: skip
    return "inbox", {"update_id": n, "message": message}


class Desk:
    def __init__(self, script: Script) -> None:
        self.world = World(script)
        self.inbox = Counting(script)

    async def open(self) -> "Desk":
        await self.world.lead()
        self.handler = UpdateHandler(
            inbox=self.inbox, lanes=self.world.lanes, runs=self.world.runs,
            intake=Intake(roles=ROLES, access=Access(users=None)), bot=Bot(id=1, username="b"), windows=Windows(),
            epoch=self.world.epoch, chat_cap=1000, total_cap=5000, spending=Spending(self.world.script, Budgets()),
        )  # fmt: skip
        return self

    async def admits(self, *numbers: int, lost: bool = False) -> None:
        """A batch is admitted; with *lost* Redis' answer does not come, and nobody hears of it."""
        fresh = await self.inbox.admitted([said(n) for n in numbers], offset=None, epoch=self.world.epoch)
        if not lost:
            self.handler.add_admitted(fresh, len(fresh) == len(numbers))

    async def handles(self) -> Sequence[str]:
        """Handle what there is; gives all that waits in the chat's lane."""
        await self.handler.handle_batch("inbox")
        return await self.world.lanes.waiting_in(7)


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script).open()


async def test_a_stream_that_was_read_to_its_end_is_not_read_for_what_is_admitted_then(desk: Desk) -> None:
    await desk.admits(1)
    assert await desk.handles() == ["u1"], "of before the first look: it is read"
    reads = desk.inbox.reads
    await desk.admits(2, 3)
    await desk.admits(4)
    assert await desk.handles() == ["u1", "u2", "u3", "u4"]
    assert desk.inbox.reads == reads
    assert await desk.inbox.length("inbox") == 0


async def test_what_is_admitted_reads_as_it_stands_in_redis(desk: Desk) -> None:
    [(stream, fresh)] = await desk.inbox.admitted([said(1)], offset=None, epoch=desk.world.epoch)
    assert await desk.inbox.waiting(stream) == [fresh]


async def test_an_entry_of_a_call_that_nobody_heard_of_is_handled_before_those_that_follow(desk: Desk) -> None:
    await desk.handles()
    await desk.admits(1, lost=True)
    await desk.admits(1)  # again: by now it is known
    await desk.admits(2)
    assert await desk.handles() == ["u1", "u2"]


async def test_what_is_admitted_while_the_stream_is_read_is_handled_once(desk: Desk) -> None:
    reading, read = asyncio.Event(), desk.inbox.waiting

    async def slow(stream: Stream, *, count: int) -> list[Admitted]:
        reading.set()
        await asyncio.sleep(0.05)
        return await read(stream, count=count)

    desk.inbox.waiting = slow  # type: ignore[method-assign, assignment]
    looking = asyncio.create_task(desk.handles())
    await reading.wait()
    await desk.admits(1)
    assert await looking == ["u1"]
    assert await desk.handles() == ["u1"], "met again, and nothing is left of it to handle"


async def test_after_a_failure_the_stream_is_read_again_and_nothing_is_overtaken(desk: Desk) -> None:
    await desk.handles()
    await desk.admits(1)
    desk.inbox.fails = 1
    loop = Loop(woken=asyncio.Event())
    looping = asyncio.create_task(desk.handler.forever("inbox", loop))
    async with asyncio.timeout(20):
        while desk.inbox.fails:
            await asyncio.sleep(0.01)
        await desk.admits(2)
        loop.wake()
        while len(waiting := await desk.world.lanes.waiting_in(7)) < 2:
            await asyncio.sleep(0.01)
    looping.cancel()
    await asyncio.gather(looping, return_exceptions=True)
    assert waiting == ["u1", "u2"]


async def test_a_stream_that_holds_more_than_one_reading_is_read_to_its_end_first(desk: Desk) -> None:
    await desk.admits(*range(1, BATCH_MAX + 2))
    await desk.handles()
    await desk.admits(BATCH_MAX + 2)
    assert (await desk.handles())[-2:] == [f"u{BATCH_MAX + 1}", f"u{BATCH_MAX + 2}"]
