"""What `reconcile` finds within a second: lost news, runs, lists and leases, rows of another type, and what the release before left."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.task import Task, to_json
from tests.core.store_world import ORDER, USAGE, World, task

LATER_MS = 9_000_000_000_000


async def reconcile(world: World, times: int = 2) -> None:
    """Repeated, since the second look finds what the first one made."""
    for _ in range(times):
        await world.lanes.reconcile(epoch=world.epoch)


async def goes_on(world: World, one: Task, *, orphan: bool = False) -> None:
    """The task is routed if it has to be, claimed by a new agent, answered and shown."""
    if await world.state(one) == "queued":
        if one.id not in await world.lanes.released():
            assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == [one.id]
        queued = await world.lanes.queued(one.id)
        assert await world.dispatch(queued.task, parts=queued.parts)
    world.agent = world.work("job-9")
    run = await world.claim()
    assert run.task.id == one.id
    await world.answered(run, "in the end")
    await world.shown(f"t:{one.id}")
    other = await world.agent.claim()
    assert (other is not None) == orphan
    if other is not None:  # a run that is nobody's any more: what comes of it is not carried out
        await world.answered(other, "twice")
    assert await world.lanes.released() == []
    assert await world.lanes.running_in(one.chat_id) is None
    assert (await world.history(one.chat_id))[-1] == ("assistant", "in the end")


@pytest.mark.parametrize(
    "lost",
    [["agent", "ready", "p"], ["agent", "wake", "p"], ["agent", "news"], ["agent", "leases"], ["agent", "jobs", "p"], ["ring"], ["ring.members"], ["pools"], ["busy", 1], ["waiting.since"]],
)  # fmt: skip
@pytest.mark.parametrize("state", ["queued", "released", "ready", "running", "preview"])
async def test_a_key_that_is_lost_holds_up_no_task(world: World, state: str, lost: list[object]) -> None:
    one = task(1)
    if state == "queued":
        await world.ask(one)
    elif state == "released":
        await world.ask(one)
        await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    else:
        await world.ready(one)
    if state in ("running", "preview"):
        run = await world.agent.claim()
        assert run is not None
        if state == "preview":
            await world.agent.write(run, "So")
    await world.script.read("DEL", world.script.keys(*lost))
    await reconcile(world)
    if state in ("running", "preview"):
        assert await world.pools.lost("u1", Cause.CRASH, job="job-1", epoch=world.epoch) == "requeued"
    await goes_on(world, one)


@pytest.mark.parametrize("gone", ["run", "run_id", "pool", "order"])
@pytest.mark.parametrize("state", ["ready", "running"])
async def test_a_task_whose_run_cannot_be_found_gets_another(world: World, state: str, gone: str) -> None:
    await world.ready(task(1))
    [name] = await world.pools.ready("p")
    if state == "running":
        await world.claim()
    if gone == "run":
        await world.script.read("DEL", world.script.keys("agent", "run", name))
    else:
        await world.script.read("HDEL", world.script.keys("task", "u1"), gone)
    await reconcile(world)
    if await world.field("u1", "run_id") == name and state == "running":
        assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) in ("requeued", "failed")
    if await world.state(task(1)) == "failed":
        await world.shown("t:u1")  # whoever has no pool is told
        assert await world.lanes.released() == []
        return
    await goes_on(world, task(1), orphan=(state, gone) == ("ready", "run_id"))


async def test_a_lease_that_was_lost_is_judged_anew(world: World) -> None:
    run = await world.claimed(task(1))
    await world.script.read("DEL", world.script.keys("agent", "leases"))
    assert await world.pools.overdue() == []
    await reconcile(world, 1)
    assert await world.pools.overdue() == ["u1"]
    await world.agent.renew(run)  # whoever has it goes on
    assert await world.pools.lost("u1", Cause.AGENT_LOST, only_overdue=True, epoch=world.epoch) == ""


async def test_a_claim_whose_news_were_lost_is_heard_of(world: World) -> None:
    await world.ready(task(1))
    assert await world.agent.claim() is not None
    await world.script.read("DEL", world.script.keys("agent", "news"))
    await reconcile(world, 1)
    assert await world.state(task(1)) == "running"
    assert (await world.opened("t:u1")).stage == "growing"


async def test_tasks_that_ended_or_vanished_hold_no_lane(world: World) -> None:
    for n, chat in ((1, 1), (2, 2)):
        await world.claimed(task(n, chat))
        await world.ask(task(n + 10, chat))
    await world.script.read("HSET", world.script.keys("task", "u1"), "state", "closed")
    await world.script.read("DEL", world.script.keys("task", "u2"))
    await reconcile(world)
    assert await world.lanes.released() == []
    assert sorted(await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)) == ["u11", "u12"]


async def test_one_row_of_another_type_hinders_no_other(world: World) -> None:
    for n in (1, 2, 3):
        await world.claimed(task(n, chat=n))
    await world.script.read("SET", world.script.keys("task", "u1"), "x")
    for name in ("turns", "chat", "lane"):
        await world.script.read("SET", world.script.keys(name, 2), "x")
    await world.script.read("DEL", world.script.keys("agent", "leases"))
    await reconcile(world)
    assert sorted(await world.pools.overdue()) == ["u2", "u3"]


# ---- the release before this one: tasks without a run, whose agents write into the task itself


BEFORE: dict[str, str] = {
    "chat": "1", "chat_kind": "private", "lang": "en", "thread": "", "message_id": "101", "user": "9", "admitted_ms": "1", "queued_ms": "2", "attempt": "0",
    "tries": "0", "handbacks": "0", "released_ms": "3", "generation": "0", "pool": "p", "role": "coder", "decision": "rule", "route_ms": "1", "route_tokens": "0",
    "ready_ms": "4",
}  # fmt: skip
CLAIMED = {"attempt": "1", "job": "old-1", "claimed_ms": "5", "attempt_ms": "5", "grows": "1", "warm": "1"}
OUTBOX = {"pages": [{"text": "42", "entities": []}], "files": [], "answer": "**42**"}
OLD_RUN = {"outbox": json.dumps(OUTBOX), "run": json.dumps(USAGE), "answered_ms": "7", "delivery": "pending"}


async def left(world: World, state: str, fields: Mapping[str, str], *, lease_ms: int = 1) -> None:
    """A task as the brain of the release before let it go, in *state*."""
    await world.said(task(1))
    record = json.loads(to_json(task(1).ordered(ORDER)))
    row: Any = {**BEFORE, "state": state, "record": json.dumps(record), **fields}
    keys = world.script.keys
    if state != "ready":
        row["lease_ms"] = str(lease_ms)
        await world.script.read("ZADD", keys("leases"), lease_ms, "u1")
    else:
        await world.script.read("RPUSH", keys("ready", "p"), "u1")
    await world.put(row, "task", "u1")
    for command, key, value in (("SADD", "released", "u1"), ("SADD", "pools", "p"), ("SET", "busy:1", "u1")):
        await world.script.read(command, keys(key), value)


@pytest.mark.parametrize(("state", "fields"), [("ready", {}), ("running", CLAIMED), ("preview", CLAIMED)])
async def test_a_task_of_the_release_before_is_routed_anew(world: World, state: str, fields: Mapping[str, str]) -> None:
    await left(world, state, {**fields, "slot0": "555"} if state == "preview" else fields)
    await reconcile(world, 1)
    assert await world.state(task(1)) == "queued"
    assert await world.script.read("EXISTS", world.script.keys("ready", "p")) == 0  # no old agent takes it as well
    await goes_on(world, task(1))
    assert await world.history() == [("user", "hello"), ("assistant", "in the end")]
    assert await world.field("u1", "slot0") == ("555" if state == "preview" else None)


@pytest.mark.parametrize("state", ["ready", "answered", "delivering"])
async def test_an_answer_of_the_release_before_is_delivered(world: World, state: str) -> None:
    await left(world, state, {**CLAIMED, **OLD_RUN, "slot0": "555", "part0": "done"})
    await world.effects({"op": "stop", "key": "s", "chat": "1", "task": "u1", "lang": "en"})
    assert (await world.notices())[0].args["late"] == 1
    await reconcile(world)
    display = await world.opened("t:u1")
    assert (display.stage, display.slots) == ("answered", {0: 555})
    assert await world.displays.answer("t:u1") == "**42**"
    assert await world.history() == [("user", "hello"), ("assistant", "**42**")]
    assert await world.lanes.running_in(1) is None
    await world.shown("t:u1")
    [row] = await world.runs.newest(count=9)
    assert json.loads(row.fields["run"]) == USAGE
    assert await world.field("u1", "outbox") is None


@pytest.mark.parametrize("outbox", ["no JSON", "{}", '{"answer":7}'])
async def test_an_answer_of_the_release_before_that_cannot_be_read_is_told(world: World, outbox: str) -> None:
    await left(world, "answered", {**CLAIMED, "outbox": outbox})
    await reconcile(world)
    assert (await world.opened("t:u1")).cause is Cause.BAD_TASK
    assert await world.lanes.running_in(1) is None


@pytest.mark.parametrize(("state", "fields"), [("running", {}), ("preview", {}), ("delivering", OLD_RUN)])
async def test_an_agent_of_the_release_before_is_left_to_go_on(
    world: World, state: str, fields: Mapping[str, str]
) -> None:
    await left(world, state, {**CLAIMED, **fields}, lease_ms=LATER_MS)
    before = await world.script.redis.hgetall(world.script.keys("task", "u1"))
    await reconcile(world)
    assert await world.script.redis.hgetall(world.script.keys("task", "u1")) == before
    assert await world.script.read("ZSCORE", world.script.keys("leases"), "u1") is not None
    await world.script.read("HSET", world.script.keys("task", "u1"), "lease_ms", 1)
    await reconcile(world)
    assert await world.field("u1", "attempt") == "2"  # its late writes are another attempt's


async def test_a_stop_ends_a_task_of_the_release_before_and_frees_its_lane(world: World) -> None:
    await left(world, "running", {**CLAIMED, "slot0": "555"}, lease_ms=LATER_MS)
    await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    display = await world.opened("t:u1")
    assert (display.stage, display.slots) == ("stopped", {0: 555})
    assert await world.lanes.released() == []


async def test_a_task_of_the_release_before_that_takes_too_long_fails(world: World) -> None:
    await left(world, "running", CLAIMED, lease_ms=LATER_MS)
    assert await world.lanes.fail("u1", Cause.DEADLINE, since="5", epoch=world.epoch)
    assert (await world.opened("t:u1")).cause is Cause.DEADLINE


async def old_notice(world: World, key: str, **fields: str) -> None:
    row = {
        "chat": "1",
        "kind": "new",
        "args": "{}",
        "lang": "he",
        "thread": "",
        "reply_to": "",
        "slot_of": "",
        "at": "1",
        **fields,
    }
    await world.put(row, "notice", key)
    await world.script.read("RPUSH", world.script.keys("notices"), key)


async def test_what_the_release_before_had_not_told_is_told_once(world: World) -> None:
    await left(world, "failed", {**CLAIMED, "cause": "model_down", "delivery": "pending", "slot0": "555"})
    await world.script.read("SREM", world.script.keys("released"), "u1")
    await old_notice(world, "fail:u1", kind="failed", slot_of="u1", args='{"cause":"model_down","task":"u1"}')
    await old_notice(world, "u7", message_id="31")
    await world.script.read("RPUSH", world.script.keys("notices"), "of nothing")
    await reconcile(world)
    failed, notice = await world.displays.changed(0)
    assert (failed.id, failed.stage, failed.cause, failed.slots) == ("t:u1", "failed", "model_down", {0: 555})
    assert (notice.id, notice.kind, notice.lang, notice.slots) == ("n:u7", "new", "he", {0: 31})
    await world.show_all()
    await reconcile(world)
    assert await world.displays.changed(0) == []
    assert await world.runs.newest(count=9) == []  # its run was recorded by who ended it
    assert await world.field("u1", "delivery") == Delivery.DELIVERED.value


async def test_a_text_that_nobody_has_marked_as_stopped_is_marked(world: World) -> None:
    await left(world, "cancelled", {**CLAIMED, "delivery": "delivered", "slot0": "555"})
    await world.script.read("ZADD", world.script.keys("stopping"), 1, "u1", LATER_MS, "u2")
    await reconcile(world)
    assert [(display.id, display.stage) for display in await world.displays.changed(0)] == [("t:u1", "stopped")]
    assert await world.script.read("ZRANGE", world.script.keys("stopping"), 0, -1) == ["u2"]


async def test_leases_of_the_release_before_do_not_stay(world: World) -> None:
    await world.script.read("ZADD", world.script.keys("leases"), 1, "u1", LATER_MS, "u2")
    await reconcile(world, 1)
    assert await world.script.read("ZRANGE", world.script.keys("leases"), 0, -1) == ["u2"]


async def test_a_record_with_its_order_is_read_and_routed_by_the_role_of_today(world: World) -> None:
    await left(world, "ready", {"decision": "explicit"})
    await reconcile(world)
    queued = await world.lanes.queued("u1")
    assert (queued.task.order, queued.task.role) == (None, "coder")  # it was named by its user


async def test_an_old_leader_repairs_nothing(world: World) -> None:
    old = world.epoch
    await world.inbox.give_up_lead("me")
    await world.lead("other")
    await left(world, "ready", {})
    with pytest.raises(LostOwnership):
        await world.lanes.reconcile(epoch=old)
    assert await world.state(task(1)) == "ready"
