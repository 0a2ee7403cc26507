"""Notices, as they stand in Redis: each is told once, in its newest words."""

import pytest

from openclaw_core.tasks.outcome import Cause
from tests.core.display_keys import notice, ttl
from tests.core.store_world import World, task


async def test_a_notice_that_waits_takes_the_newest_words(world: World) -> None:
    for n in range(3):
        await world.effects(notice("status:1", "status", args={"waiting": n}))
    [only] = await world.notices()
    assert only.args == {"waiting": 2}


async def test_what_several_stops_ended_is_told_in_one_sum_until_it_is_told(world: World) -> None:
    stop = {"op": "stop", "key": "stopped:1", "chat": "1", "lang": "en"}
    await world.claimed(task(1))
    await world.ask(task(2), task(3))
    await world.effects(stop)
    await world.effects(stop)
    await world.answered(await world.claimed(task(4)))
    await world.ask(task(5))
    await world.effects(stop)
    [only] = await world.notices()
    assert only.args == {"stopped": 1, "waiting": 3, "late": 0}
    await world.shown(only.id)
    await world.effects(stop)
    assert (await world.notices())[0].args == {"stopped": 0, "waiting": 0, "late": 0}


@pytest.mark.parametrize("args", ["no JSON", "[]", '{"waiting":"x","late":[],"stopped":null}'])
async def test_a_stop_is_told_whatever_was_to_be_told_before(world: World, args: str) -> None:
    stop = {"op": "stop", "key": "stopped:1", "chat": "1", "lang": "en"}
    await world.effects(stop)
    await world.script.read("HSET", world.script.keys("notice", "stopped:1"), "args", args)
    await world.ask(task(1))
    await world.effects(stop)
    assert (await world.notices())[0].args == {"stopped": 0, "waiting": 1, "late": 0}


async def test_a_stranger_is_told_once_a_day(world: World) -> None:
    refused = notice("refused:9", "refused", chat="9", args={"user_id": "9"}, once="refused:9", once_s=86400)
    await world.effects(refused)
    await world.show_all()
    for _ in range(3):
        await world.effects(refused)
    assert await world.notices() == []
    assert 86000 < await ttl(world, "told", "refused:9") <= 86400
    await world.script.read("DEL", world.script.keys("told", "refused:9"))
    await world.effects(refused)
    assert len(await world.notices()) == 1


async def test_a_notice_that_could_not_be_kept_is_not_taken_for_told(world: World) -> None:
    await world.script.read("SET", world.script.keys("order"), "no number")
    await world.effects(notice(once="x", once_s=60))
    assert len(await world.notices()) == 1


async def test_a_full_chat_is_told_once_until_there_was_room(world: World) -> None:
    await world.ask(*(task(n) for n in range(1, 24)))
    [full] = await world.notices()
    assert (full.id, full.args) == ("n:full:1", {"cap": 20})
    await world.show_all()
    await world.ask(task(30))
    assert await world.notices() == []
    assert await world.lanes.release(cap=1, at_most=1, epoch=world.epoch) == ["u1"]
    await world.ask(task(31), task(32))  # the first of them finds room
    assert [one.id for one in await world.notices()] == ["n:full:1"]


async def test_a_chat_that_waits_is_told_once_for_each_cause_until_one_of_its_tasks_runs(world: World) -> None:
    await world.ready(task(1))
    await world.ask(task(2))

    async def tell(cause: Cause) -> int:
        return await world.lanes.tell_waiting(["u1", "u2", "none"], cause, epoch=world.epoch)

    assert await tell(Cause.QUOTA) == 1
    [waits] = await world.notices()
    assert (waits.kind, waits.args) == ("pool_wait", {"cause": "quota"})
    assert await tell(Cause.QUOTA) == 0
    assert await tell(Cause.IMAGE) == 1
    await world.show_all()
    assert await tell(Cause.IMAGE) == 0
    run = await world.claim()
    await world.answered(run)
    assert await tell(Cause.IMAGE) == 1
    assert await world.lanes.tell_waiting(["u1"], Cause.QUOTA, epoch=world.epoch) == 0  # it waits no more
