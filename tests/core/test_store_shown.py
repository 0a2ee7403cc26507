"""What was shown, as it stands in Redis: which messages, how long its text is kept, and what has to be put again."""

import pytest

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.errors import LostOwnership
from openclaw_core.store import AloneTasks, RedisDisplays
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.work import Answered, GaveUp
from tests.core.display_keys import KEEP_DOUBT_S, KEEP_TEXT_S, due, notice, ttl
from tests.core.store_world import World, task


async def test_what_changed_since_it_was_read_is_not_shown_yet(world: World) -> None:
    run = await world.claimed(task(1))
    stale = await world.opened("t:u1")
    await world.answered(run)
    assert not await world.displays.shown("t:u1", stale.version, Delivery.DELIVERED)
    assert (await world.opened("t:u1")).stage is Stage.ANSWERED
    await world.shown("t:u1")
    assert await world.displays.shown("t:u1", stale.version, Delivery.UNDELIVERABLE)  # late: nothing
    assert await world.field("u1", "delivery") == "delivered"
    assert len(await world.runs.newest(count=9)) == 1


async def test_a_notice_that_changed_while_it_was_told_is_told_too(world: World) -> None:
    await world.effects(notice("status:1", "status", args={"waiting": 1}))
    first = await world.opened("n:status:1")
    await world.effects(notice("status:1", "status", args={"waiting": 2}))
    assert not await world.displays.shown("n:status:1", first.version, Delivery.DELIVERED)
    assert (await world.opened("n:status:1")).args == {"waiting": 2}


async def test_after_a_notice_was_told_the_next_one_is_a_message_of_its_own(world: World) -> None:
    await world.effects(notice())
    await world.displays.reserved("n:new:1", 0, 555)
    await world.shown("n:new:1")
    await world.effects(notice())
    fresh = await world.opened("n:new:1")
    assert fresh.slots == {}


async def test_an_answer_alone_is_recorded_once(world: World) -> None:
    for n, result in ((1, Answered(markdown="42", usage=RunUsage())), (2, GaveUp(cause=Cause.MODEL_DOWN))):
        alone, displays = AloneTasks(world.script, start=f"s{n}"), RedisDisplays(world.script, alone=f"s{n}")
        await alone.begin(task(n))
        await displays.reserved(f"t:u{n}", 0, 7)
        await alone.end(f"u{n}", result)
        display = await displays.read(f"t:u{n}")
        assert display is not None
        for _ in range(2):
            assert await displays.shown(f"t:u{n}", display.version, Delivery.DELIVERED)
        assert len(await world.runs.newest(count=9)) == n
    assert await world.runs.outcomes() == {"closed:": 1, "failed:model_down": 1}


@pytest.mark.parametrize("delivery", list(Delivery)[1:])
async def test_what_became_of_an_answer_is_counted(world: World, delivery: Delivery) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.shown("t:u1", delivery)
    counted = await world.script.read("HGET", world.script.keys("counts"), f"delivery:answer:{delivery.value}")
    assert counted == "1"
    assert await world.field("u1", "delivery") == delivery.value


# ---- messages and files


async def test_a_part_keeps_its_message_until_that_is_gone(world: World) -> None:
    await world.claimed(task(1))
    for slot, message, gone in (
        (0, 5, None),
        (0, 6, None),
        (1, 9, None),
        (0, 7, 5),
        (0, 7, 5),
        (0, 8, 5),
        (0, 5, None),
    ):
        await world.displays.reserved("t:u1", slot, message, gone=gone)
    display = await world.opened("t:u1")
    assert (display.slots, display.replaced) == ({0: 7, 1: 9}, 1)


@pytest.mark.parametrize(("pages", "files"), [(1, 0), (4, 0), (9, 2), (3, 2), (2, 5), (20, 12)])
async def test_all_messages_of_a_long_answer_are_known(world: World, pages: int, files: int) -> None:
    await world.answered(await world.claimed(task(1)))
    for slot in range(pages):
        await world.displays.reserved("t:u1", slot, 500 + slot)
    for part in range(pages, pages + files):
        await world.displays.part("t:u1", part, "sending")
    display = await world.opened("t:u1")
    assert display.slots == {slot: 500 + slot for slot in range(pages)}
    assert display.parts == dict.fromkeys(range(pages, pages + files), "sending")


async def test_a_message_is_known_also_when_its_task_has_ended_meanwhile(world: World) -> None:
    run = await world.claimed(task(1))
    await world.answered(run)
    await world.displays.reserved("t:u1", 0, 5)
    await world.shown("t:u1")
    await world.displays.reserved("t:u1", 1, 6)
    assert await world.lanes.fields(["u1"], "slot0", "slot1") == [{"slot0": "5", "slot1": "6"}]


async def test_a_part_of_nothing_is_kept_nowhere(world: World) -> None:
    await world.displays.reserved("t:none", 0, 5)
    await world.displays.part("n:none", 0, "sending")
    assert (
        await world.script.read("EXISTS", world.script.keys("task", "none"), world.script.keys("notice", "none")) == 0
    )


async def test_a_file_that_is_done_stays_so(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    for status in ("sending", "done", "sending"):
        await world.displays.part("t:u1", 1, status)
    assert (await world.opened("t:u1")).parts == {1: "done"}


# ---- texts are kept until nobody can overwrite them


async def test_an_answer_is_kept_for_a_while_after_it_was_shown_and_longer_for_a_file(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    assert await ttl(world, "answer", "u1") > 6 * 86400
    await world.shown("t:u1")
    assert KEEP_TEXT_S - 60 < await ttl(world, "answer", "u1") <= KEEP_TEXT_S
    await world.answered(await world.claimed(task(2)))
    await world.shown("t:u2", Delivery.PARTIAL)
    assert await ttl(world, "answer", "u2") > 6 * 86400


async def test_a_doubt_keeps_the_text_until_it_was_put_again(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.shown("t:u1")
    await world.effects(notice())
    await world.shown("n:new:1")
    for display, key in (("t:u1", ("answer", "u1")), ("n:new:1", ("notice", "new:1"))):
        await world.displays.doubt(display, due_ms=1)
        assert KEEP_DOUBT_S - 60 < await ttl(world, *key) <= KEEP_DOUBT_S
    assert await ttl(world, "task", "u1") > 6 * 86400


async def test_a_doubt_of_a_running_task_gives_it_no_end(world: World) -> None:
    await world.claimed(task(1))
    await world.displays.doubt("t:u1", due_ms=1)
    assert await ttl(world, "task", "u1") == -1


async def test_the_latest_of_several_doubts_counts_and_a_settled_one_is_gone(world: World) -> None:
    await world.effects(notice())
    for due_ms in (100, 300, 200):
        await world.displays.doubt("n:new:1", due_ms=due_ms)
    assert await due(world, 299) == []
    [display] = await world.displays.due(300)
    assert not display.delivered
    await world.displays.settled("n:new:1", 299)  # put again before the last one was due
    assert await due(world, 300) == ["n:new:1"]
    await world.displays.settled("n:new:1", 300)
    assert await due(world, 10**15) == []


async def test_who_leads_no_more_may_tell_a_doubt_and_nothing_else(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    display, old = await world.opened("t:u1"), world.displays
    await world.leadership.give_up_lead("me")
    await world.lead("other")
    for step in (
        old.changed(0),
        old.reserved("t:u1", 0, 5),
        old.part("t:u1", 0, "done"),
        old.shown("t:u1", display.version, Delivery.DELIVERED),
        old.settled("t:u1", 10**15),
    ):
        with pytest.raises(LostOwnership):
            await step
    await old.doubt("t:u1", due_ms=1)
    assert await due(world, 2) == ["t:u1"]
    assert await world.opened("t:u1") == display
