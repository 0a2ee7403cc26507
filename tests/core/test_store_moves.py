"""A group becomes a supergroup and has another id from then on: what was kept of it goes on there, whoever hears of it first."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from openclaw_core.store import Script, move_chat
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import from_json
from tests.core.store_world import World, effect, task

OLD, NEW = -5, -1005
_updates = itertools.count(1)
Told = Callable[[World], Awaitable[None]]


async def by_service_message(world: World) -> None:
    await world.effects({"op": "move", "from": str(OLD), "to": str(NEW), "key": f"u{next(_updates)}"})


async def by_a_refused_call(world: World) -> None:
    await move_chat(world.script, OLD, NEW)


@pytest.fixture(params=[by_service_message, by_a_refused_call])
def moves(request: pytest.FixtureRequest) -> Told:
    told: Told = request.param
    return told


async def test_turns_language_role_and_lane_go_on_under_the_new_id(world: World, moves: Told) -> None:
    await world.answered(await world.claimed(task(1, chat=OLD, text="before")), "a")
    await world.show_all()
    await world.effects({"op": "lang", "chat": str(OLD), "lang": "he"})
    await world.script.redis.hset(world.script.keys("chat", OLD), "canary:coder", "tried")
    running = await world.claimed(task(2, chat=OLD))
    await world.ask(task(3, chat=OLD), task(4, chat=OLD))
    await world.effects({"op": "choose", "chat": str(OLD), "role": "summarizer"})

    await moves(world)

    [chat] = await world.inbox.chats([NEW])
    assert (chat["lang"], chat["last_role"]) == ("he", "coder")
    last = await world.runs.last_answer(NEW, None)
    assert last is not None
    assert last.task == "u1", "/why tells of it"
    assert await world.lanes.canary_of(NEW, None, "coder") == "tried"
    assert [turn.text for turn in await world.lanes.history(NEW)] == ["before", "a", "hello"]
    assert await world.lanes.waiting_in(NEW) == ["u3", "u4"]
    assert await world.lanes.running_in(NEW) == "u2"
    rows = await world.lanes.fields(["u2", "u3", "u4"], "chat", "record")
    assert {row["chat"] for row in rows} == {str(NEW)}
    assert {from_json(row["record"] or "").chat_id for row in rows} == {NEW}
    await world.ask(task(5, chat=NEW))
    assert (await world.lanes.fields(["u5"], "next_role"))[0]["next_role"] == "summarizer"

    await world.answered(running, "b")
    assert (await world.lanes.history(NEW))[-1].text == "b"
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u3"]
    left = await world.script.read("KEYS", world.script.keys(f"*:{OLD}*"))
    assert [key for key in left if ":msg:" not in key] == []


async def test_what_comes_for_the_old_id_goes_to_the_new_one(world: World, moves: Told) -> None:
    await moves(world)
    await world.ask(task(1, chat=OLD))
    assert await world.lanes.waiting_in(NEW) == ["u1"]
    [row] = await world.lanes.fields(["u1"], "record")
    assert from_json(row["record"] or "").chat_id == NEW
    await world.effects({"op": "notice", "key": "n", "chat": str(OLD), "kind": "new", "lang": "en"})
    assert [notice.chat_id for notice in await world.notices()] == [NEW]
    await world.effects({"op": "stop", "key": "s", "chat": str(OLD), "lang": "en"})
    assert await world.state(task(1)) == "cancelled"
    assert await world.inbox.moved([OLD, NEW, 7]) == {OLD: NEW}


async def test_what_stands_under_the_new_id_already_comes_after(world: World, moves: Told) -> None:
    await world.ask(task(1, chat=OLD), task(2, chat=NEW))
    for chat, text in ((OLD, "first"), (NEW, "second")):
        await world.said(task(99, chat=chat, text=text), ttl_s=100)
    await moves(world)
    assert await world.lanes.waiting_in(NEW) == ["u1", "u2"]
    assert [turn.text for turn in await world.lanes.history(NEW)] == ["first", "second"]
    assert 0 < await world.script.read("TTL", world.script.keys("turns", NEW)) <= 100


async def test_told_again_and_later_it_moves_nothing_more(world: World, moves: Told) -> None:
    await moves(world)
    await world.effects({"op": "lang", "chat": str(NEW), "lang": "he"})
    await world.ask(task(1, chat=NEW))
    await asyncio.gather(*(by_a_refused_call(world) for _ in range(3)))
    await by_service_message(world)
    assert await world.lanes.waiting_in(NEW) == ["u1"]
    assert (await world.inbox.chats([NEW]))[0]["lang"] == "he"
    await move_chat(world.script, NEW, OLD)  # nonsense, by whomever: an alias never leads back
    assert await world.inbox.moved([NEW]) == {}


async def test_a_task_that_failed_before_can_be_tried_again_in_the_new_chat(world: World, moves: Told) -> None:
    await world.failed(await world.claimed(task(1, chat=OLD)), Cause.MODEL_DOWN)
    await moves(world)
    again = {**effect(task(1, chat=NEW)), "op": "retry", "id": "u1r", "task": "u1", "key": "r1", "kind": "retry"}
    await world.effects(again)
    assert await world.lanes.waiting_in(NEW) == ["u1r"]


async def test_a_store_that_is_away_is_no_reason_to_give_up_the_call(script: Script) -> None:
    await script.close()
    script.redis.connection_pool.connection_kwargs["port"] = 1
    await move_chat(script, OLD, NEW)
