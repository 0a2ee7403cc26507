"""What one message costs the store: calls and bytes on its way, memory after it, and what goes where there is no room."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from openclaw_core.errors import StoreFull
from openclaw_core.store import RedisDisplays, Script
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.task import Task, from_json
from openclaw_core.tasks.work import Answered
from tests.core.store_world import USAGE, World, effect, task

KEPT_BYTES = 1024
CALLS = 12
BYTES = 10_000
WORDS = "Please explain in one sentence why the sky is blue"
HEBREW = "אנא הסבר לי במשפט אחד מדוע השמיים כחולים בשעות היום"
USAGE_OF_A_DAY = replace(USAGE, calls=1, cached_tokens=1024, model_ms=2150, first_token_ms=420)


def short(n: int, text: str = WORDS) -> Task:
    """A message in a private chat, with ids as long as Telegram's."""
    lang = "he" if text == HEBREW else "en"
    ids = {"chat_id": 6_123_456_789, "user_id": 6_123_456_789, "message_id": 123_456, "admitted_ms": 1_795_982_603_000}
    return replace(task(n, text=text), id=f"u{n}", update_id=n, lang=lang, **ids)  # type: ignore[arg-type]


async def kept(world: World, task_id: str) -> int:
    """Bytes that the task takes, all of its fields counted."""
    return int(await world.script.read("MEMORY", "USAGE", world.script.keys("task", task_id), "SAMPLES", 0))


@pytest.mark.parametrize("text", [WORDS, HEBREW])
@pytest.mark.parametrize("end", ["answered", "failed", "stopped"])
async def test_a_short_message_keeps_a_kilobyte_for_its_week(world: World, text: str, end: str) -> None:
    one = short(623_456_789, text)
    run = await world.claimed(one)
    await world.displays.reserved(f"t:{one.id}", 0, 123_457)
    await world.agent.write(run, "Because")
    await world.hear()
    if end == "answered":
        await world.end(run, Answered(markdown="Because of Rayleigh.", usage=USAGE_OF_A_DAY))
    elif end == "failed":
        await world.failed(run, Cause.MODEL_DOWN)
    else:
        await world.effects({"op": "stop", "key": "s", "chat": str(one.chat_id), "task": one.id, "lang": "en"})
    await world.shown(f"t:{one.id}")
    assert await kept(world, one.id) <= KEPT_BYTES
    assert 6 * 86400 < await world.script.read("TTL", world.script.keys("task", one.id)) <= 7 * 86400
    assert await world.script.read("EXISTS", world.script.keys("agent", "run", run.name)) == 0


async def test_what_is_kept_is_enough_for_retry_an_edit_a_button_and_support(world: World) -> None:
    run = await world.claimed(short(7))
    await world.failed(run)
    await world.displays.reserved("t:u7", 0, 8)
    await world.pools.note_job("u7", cause=Cause.CRASH, detail="exit 1", log_tail="Traceback")
    await world.shown("t:u7")
    fields = await world.script.redis.hgetall(world.script.keys("task", "u7"))
    assert sorted(fields) == sorted(
        [
            "state",
            "cause",
            "record",
            "chat",
            "delivery",
            "ended_ms",
            "job",
            "slot0",
            "job_cause",
            "job_detail",
            "log_tail",
        ]
    )
    assert from_json(fields["record"]) == replace(short(7), role="coder")


class Counted:
    """How many steps the scripts of a world make."""

    def __init__(self, *scripts: Script) -> None:
        self.names: list[str] = []
        for script in scripts:
            self._count(script)

    def _count(self, script: Script) -> None:
        steps = script.steps

        async def counted(calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
            self.names += [op for op, _ in calls]
            return await steps(calls)

        script.steps = counted  # type: ignore[method-assign]


async def traffic(world: World) -> int:
    """Bytes to and from the server since its start."""
    info = await world.script.redis.info("stats")
    return int(info["total_net_input_bytes"]) + int(info["total_net_output_bytes"])


async def plain_message(world: World, displays: RedisDisplays, n: int) -> None:
    """All steps of leader and agent, in the order of a quiet day: a placeholder, one preview, the answer."""
    run = await world.claimed(short(n))
    [growing] = await displays.changed(world.seen)
    await displays.reserved(growing.id, 0, 555)
    assert await world.agent.end(run, Answered(markdown="Because of Rayleigh. " * 20, usage=USAGE_OF_A_DAY))
    await world.hear()
    [answered] = await displays.changed(growing.version)
    await displays.answer(answered.id)
    assert await displays.shown(answered.id, answered.version, Delivery.DELIVERED)
    world.seen = answered.version


async def test_a_plain_message_costs_twelve_calls_and_ten_kilobytes(world: World) -> None:
    displays = world.displays
    await plain_message(world, displays, 101)  # by now scripts and order stand
    counted = Counted(world.script, world.agents)
    before = await traffic(world)
    itself = await traffic(world) - before
    await plain_message(world, displays, 102)
    took = await traffic(world) - before - 2 * itself
    assert set(counted.names) == {
        "admit", "handle", "release", "dispatch", "claim", "adopt", "changed", "reserved", "finish", "shown",
    }  # fmt: skip
    assert len(counted.names) - counted.names.count("changed") + 1 <= CALLS, (
        counted.names
    )  # delivery polls for all chats at once
    assert took <= BYTES


# ---- no room


async def test_the_oldest_finished_records_go_first_and_nothing_that_waits_or_runs(world: World) -> None:
    for n in (1, 2, 3):
        await world.answered(await world.claimed(task(n)))
        await world.shown(f"t:u{n}")
        await asyncio.sleep(0.002)
    await world.answered(await world.claimed(task(4)))  # not shown yet
    await world.claimed(task(5))
    await world.ask(task(6))
    assert await world.inbox.make_room(at_most=2, epoch=world.epoch) == 2
    assert [await world.state(task(n)) for n in range(1, 7)] == [None, None, "closed", "answered", "running", "queued"]
    assert await world.displays.answer("t:u1") == ""
    assert await world.inbox.make_room(at_most=9, epoch=world.epoch) == 1
    assert await world.inbox.make_room(at_most=9, epoch=world.epoch) == 0


async def test_room_is_made_where_nothing_can_be_written_any_more(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.shown("t:u1")
    await world.script.read("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(StoreFull):
            await world.inbox.admit([("inbox", {"update_id": 9})], offset=None, epoch=world.epoch)
        memory = await world.script.memory()
        assert (memory.limit, memory.share > 1) == (1, True)
        assert await world.inbox.make_room(at_most=9, epoch=world.epoch) == 1
    finally:
        await world.script.read("CONFIG", "SET", "maxmemory", "0")
    assert (await world.script.memory()).share == 0
    assert await world.state(task(1)) is None


async def test_a_record_that_went_is_met_by_nobody(world: World) -> None:
    """Its message may be due to be put again, its Retry button is pressed, its question is edited."""
    await world.failed(await world.claimed(task(1)))
    await world.displays.doubt("t:u1", due_ms=1)
    await world.shown("t:u1")
    await world.inbox.make_room(at_most=9, epoch=world.epoch)
    assert list(await world.displays.due(2)) == []
    assert list(await world.displays.due(2)) == []
    retry = {**effect(task(1)), "op": "retry", "id": "u1r", "task": "u1", "key": "r", "kind": "retry"}
    await world.effects(retry)
    assert [notice.kind for notice in await world.notices()] == ["retry_nothing"]
    assert await world.lanes.waiting() == 0


async def test_records_that_went_by_themselves_are_no_finished_ones(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.shown("t:u1")
    await world.script.read("ZADD", world.script.keys("ended"), 1, "u1")
    await world.lanes.reconcile(epoch=world.epoch)
    assert await world.script.read("ZCARD", world.script.keys("ended")) == 0
