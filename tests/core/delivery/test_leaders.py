"""Changes of leader: one that is killed at any step, twice in a row, and one that is frozen while another one leads."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.errors import LostOwnership
from openclaw_core.tasks.outcome import Cause, Delivery
from tests.core.delivery.answers_that_grow import LONG_CODE, WORDS
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.virtual import now, now_ms, virtual

STEPS = frozenset({"send", "edit", "send_file", "reserved", "part", "shown", "doubt", "settled"})
NEVER = 1_000_000


@dataclass
class Life:
    """A process that ends, or stands still, at one of its steps: before a call has left, or before its reply is read."""

    ends_at: int = NEVER
    ended: bool = False
    steps: int = 0
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    """Until then it stands still; one that was killed never goes on."""

    async def step(self, name: str) -> None:
        if name in STEPS:
            self.steps += 1
            self.ended = self.ended or self.steps > self.ends_at
        if self.ended:
            await self.goes_on.wait()

    def of(self, port: Any) -> Any:
        return _Port(port, self)


class _Port:
    def __init__(self, port: Any, life: Life) -> None:
        self._port, self._life = port, life
        self.timeout_s = getattr(port, "timeout_s", 0.0)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._life.step(name)
            result = await getattr(self._port, name)(*args, **kwargs)
            await self._life.step(name)
            return result

        return call


def start(room: Room, life: Life) -> "asyncio.Task[None]":
    """A new leader with its own *life*."""
    room.displays = room.shelf.lead()
    room.engine = room.dispatcher(life.of(room.displays), life.of(room.telegram))
    return asyncio.create_task(room.engine.run())


async def story(room: Room) -> None:
    """What brain and agents record meanwhile, whoever leads."""
    room.shelf.change("t:1", Stage.GROWING, f"One: {WORDS}")
    room.shelf.change("t:2", Stage.GROWING, f"Two: {WORDS}", chat_id=2)
    room.shelf.notice("a", chat_id=-3)
    await asyncio.sleep(4)
    room.shelf.change("t:1", Stage.ANSWERED, LONG_CODE)
    room.shelf.change("t:2", Stage.FAILED, cause=Cause.CRASH)
    room.shelf.change("t:3", Stage.STOPPED, chat_id=3)
    room.shelf.notice("b")


async def end(leader: "asyncio.Task[None]") -> None:
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)


async def steps_of_a_quiet_day() -> int:
    room, life = Room(), Life()
    leader = start(room, life)
    await story(room)
    await room.over()
    await end(leader)
    return life.steps


@virtual
async def test_a_leader_that_is_killed_at_any_step_and_the_next_one_too_loses_nothing_and_shows_nothing_twice() -> None:
    steps = await steps_of_a_quiet_day()
    assert steps > 25
    for first in range(steps):
        for second in range(first % 4, 22, 4):
            await killed_twice(first, second)


async def killed_twice(first: int, second: int) -> None:
    room = Room()
    room.shelf.due = {}
    telling = asyncio.create_task(story(room))
    for life in (Life(ends_at=first), Life(ends_at=second)):
        leader = start(room, life)
        began = now()
        await until(lambda life=life, began=began: life.ended or now() > began + 15, every_s=0.5)  # type: ignore[misc]
        life.ended = True
        leader.cancel()
        await asyncio.sleep(10)
    await telling
    last = start(room, Life())
    await room.over()
    await end(last)
    try:
        room.check(limits=False)  # what dead leaders used up of the limits is not known to the next one
        assert room.telegram.broken == 0
        assert len(room.telegram.files) <= 1
        assert len(room.telegram.files) == 1 or room.shelf.ended["t:1"] is Delivery.PARTIAL
    except AssertionError as exc:
        raise AssertionError(f"killed at its step {first}, the next one at {second}") from exc


@virtual
async def test_a_leader_that_is_frozen_for_40_seconds_at_any_step_leaves_nothing_wrong_behind() -> None:
    for frozen_at in range(await steps_of_a_quiet_day()):
        room, life = Room(), Life(ends_at=frozen_at)
        old = start(room, life)
        telling = asyncio.create_task(story(room))
        await until(lambda life=life, told=telling: life.ended or told.done(), every_s=0.1)  # type: ignore[misc]
        froze = now()
        await asyncio.sleep(10)
        new = start(room, Life())
        await telling
        await asyncio.sleep(max(0.0, froze + 40 - now()))
        life.ends_at, life.ended = NEVER, False
        life.goes_on.set()
        ended = (await asyncio.gather(old, return_exceptions=True))[0]
        assert isinstance(ended, LostOwnership)
        await asyncio.sleep(1)
        await room.over()
        await end(new)
        room.telegram.overlaps = 0  # two processes, and an edit of each: what stands in the end counts
        room.check(limits=False)


@virtual
async def test_what_an_old_leader_edits_last_is_put_again_even_if_it_was_recorded_as_done() -> None:
    room, life = Room(), Life()
    old = start(room, life)
    room.shelf.change("t:1", Stage.GROWING, WORDS)
    await until(lambda: room.telegram.made("send"))
    await asyncio.sleep(5)
    room.shelf.texts["t:1"] = WORDS + "and more"
    room.engine.grew("t:1")
    life.ends_at = life.steps  # it stands still before its next edit leaves
    await until(lambda: life.ended)
    room.shelf.change("t:1", Stage.ANSWERED, "The answer.")
    await asyncio.sleep(10)
    new = start(room, Life())
    await until(lambda: room.shelf.ended and not room.shelf.due)
    assert room.telegram.said(1) == ["The answer."]
    life.ends_at, life.ended = NEVER, False
    life.goes_on.set()
    await asyncio.gather(old, return_exceptions=True)
    await asyncio.sleep(1)
    await room.over()
    await end(new)
    [said] = room.telegram.messages.values()
    assert [text.split()[-1] for text in said.history[-3:]] == ["answer.", "answer.", "more"]
    room.check(limits=False)


@virtual
async def test_an_edit_that_had_not_left_when_its_leader_was_frozen_is_told_to_who_leads() -> None:
    room, life, wire = Room(), Life(), Life()
    room.displays = room.shelf.lead()
    room.engine = room.dispatcher(life.of(room.displays), wire.of(room.telegram))
    old = asyncio.create_task(room.engine.run())
    room.shelf.change("t:1", Stage.GROWING, WORDS)
    await until(lambda: room.shelf.rows["t:1"].slots)
    wire.ended = True  # its edit begins, and nothing leaves
    await asyncio.sleep(5)  # meanwhile it is told that it leads
    life.ended = True
    room.shelf.change("t:1", Stage.ANSWERED, "The answer.")
    await asyncio.sleep(10)
    new = start(room, Life())
    await until(lambda: room.shelf.ended and not room.shelf.due)
    for one in (life, wire):
        one.ended = False
        one.goes_on.set()
    await asyncio.gather(old, return_exceptions=True)
    await asyncio.sleep(1)
    await room.over()
    await end(new)
    [said] = room.telegram.messages.values()
    assert WORDS.strip() in said.history
    room.check(limits=False)


@virtual
async def test_an_old_leader_begins_no_call_once_it_thaws() -> None:
    room, life = Room(), Life()
    old = start(room, life)
    room.shelf.change("t:1", Stage.GROWING, WORDS)
    await asyncio.sleep(5)
    life.ended = True
    await asyncio.sleep(40)
    room.shelf.lead()
    before = len(room.telegram.calls)
    room.engine.grew("t:1")
    life.ended = False
    life.goes_on.set()
    ended = (await asyncio.gather(old, return_exceptions=True))[0]
    assert isinstance(ended, LostOwnership)
    assert len(room.telegram.calls) == before


@virtual
async def test_a_new_leader_puts_each_open_text_at_once_and_once_more_after_35_seconds() -> None:
    room = Room()
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        await until(lambda: room.shelf.rows["t:1"].slots)
    room.shelf.change("t:1", Stage.ANSWERED, "The answer.")
    began = now()
    async with room.leading():
        await until(lambda: room.shelf.ended)
        assert now() - began < 2
        assert room.shelf.due["t:1"] == pytest.approx(now_ms() + 35_000, abs=2000)
        await room.over()
    edits = [at - began for at, method, _ in room.telegram.calls if method == "edit"]
    assert len(edits) == 2
    assert 35 <= edits[1] < 38
    room.check()


@virtual
async def test_a_preview_of_a_dead_leader_that_is_applied_late_does_not_stay() -> None:
    room = Room()
    life = Life()
    old = start(room, life)
    room.shelf.change("t:1", Stage.GROWING, WORDS)
    room.telegram.late_s = lambda _: 30.0
    await until(lambda: room.telegram.made("edit"))
    life.ended = True
    old.cancel()
    room.telegram.late_s = lambda _: 0.0
    room.shelf.change("t:1", Stage.ANSWERED, "The answer.")
    async with room.leading():
        await until(lambda: room.shelf.ended)
        await room.over()
    room.telegram.overlaps = 0  # the dead one's edit and the new one's: two processes
    room.check()


@virtual
async def test_who_is_told_to_go_finishes_the_call_that_it_has_begun_and_begins_no_other() -> None:
    room = Room()
    async with room.leading():
        room.telegram.takes_s = 4.0
        room.notice("a")
        room.notice("b", chat_id=2)
        await until(lambda: room.telegram.made("send") == 2)
        began = now()
    assert now() - began < 6
    assert all(room.shelf.rows[key].slots for key in ("n:a", "n:b"))
    assert room.telegram.made("edit") == 0
    assert room.shelf.due == {}


@virtual
async def test_a_call_that_does_not_end_keeps_no_process() -> None:
    room = Room()
    async with room.leading():
        room.telegram.timeout_s = 1000
        room.telegram.hanging = True
        room.notice("a")
        await until(lambda: room.telegram.made("send"))
        began = now()
    assert now() - began < 16
