"""The leader's atomic steps, against a real server: from an update to a task that is released, stopped, edited or told."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from openclaw_core.errors import BadTask, LostOwnership
from openclaw_core.store.inbox import Stream
from openclaw_core.store.lanes import Dispatched
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import to_json
from openclaw_core.tasks.work import HandedBack
from tests.core.store_world import CAPS, ORDER, World, effect, task, typed

_updates = itertools.count(100_000)
STOP = {"op": "stop", "key": "stopped:1", "chat": "1", "lang": "en"}


async def test_update_delivered_twice_is_admitted_once(world: World) -> None:
    assert (
        await world.inbox.admit([("inbox", {"update_id": 7}), ("inbox", {"update_id": 7})], offset=8, epoch=world.epoch)
        == 1
    )
    assert await world.inbox.admit([("inbox", {"update_id": 7})], offset=8, epoch=world.epoch) == 0
    assert await world.inbox.length("inbox") == 1
    assert await world.inbox.offset() == 8


async def test_entry_leaves_the_stream_with_its_effects_and_a_repeat_does_nothing(world: World) -> None:
    await world.inbox.admit([("inbox", {"update_id": 1})], offset=None, epoch=world.epoch)
    [entry] = await world.inbox.waiting("inbox")
    for _ in range(2):
        await world.inbox.handle("inbox", [(entry.entry_id, [typed(effect(task(1)))])], epoch=world.epoch, **CAPS)
    assert await world.inbox.length("inbox") == 0
    assert await world.lanes.waiting_in(1) == ["u1"]


async def test_an_old_leader_is_refused_everywhere(world: World) -> None:
    old = world.epoch
    await world.leadership.give_up_lead("me")
    assert await world.lead("other") > old
    with pytest.raises(LostOwnership):
        await world.inbox.admit([("inbox", {"update_id": 1})], offset=None, epoch=old)
    with pytest.raises(LostOwnership):
        await world.lanes.release(cap=1, at_most=1, epoch=old)
    with pytest.raises(LostOwnership):
        await world.pools.new_job("p", "agent", epoch=old)


async def test_the_lead_cannot_be_taken_while_it_is_held_and_keeping_it_keeps_the_epoch(world: World) -> None:
    assert await world.leadership.take_lead("other", ttl_s=8) == 0
    assert await world.leadership.take_lead("me", ttl_s=8) == world.epoch


async def test_one_task_of_a_chat_runs_and_chats_take_turns(world: World) -> None:
    await world.ask(task(1, 1), task(2, 1), task(3, 1), task(4, 2))
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u1", "u4"]
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == []
    assert await world.lanes.fail("u1", Cause.CRASH, epoch=world.epoch)
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u2"]


async def test_no_more_tasks_are_out_than_the_cap(world: World) -> None:
    await world.ask(*(task(n, chat=n) for n in range(1, 6)))
    assert len(await world.lanes.release(cap=3, at_most=10, epoch=world.epoch)) == 3
    assert await world.lanes.release(cap=3, at_most=10, epoch=world.epoch) == []


async def test_a_chat_over_its_cap_is_told_once_and_nothing_is_queued(world: World) -> None:
    await world.ask(*(task(n) for n in range(1, 29)))
    assert len(await world.lanes.waiting_in(1)) == 20
    [notice] = await world.notices()
    assert (notice.kind, notice.args) == ("full", {"cap": 20})
    await world.show_all()
    await world.ask(task(29), *(task(n, 2) for n in range(30, 51)))
    assert [(notice.kind, notice.chat_id) for notice in await world.notices()] == [("full", 2)]


async def test_tasks_may_go_in_the_step_that_handles_the_last_message(world: World) -> None:
    await world.inbox.admit([("inbox", {"update_id": n}) for n in (1, 2)], offset=None, epoch=world.epoch)
    entries = [entry.entry_id for entry in await world.inbox.waiting("inbox")]
    handled = [(entry, [typed(effect(task(n, chat=n)))]) for n, entry in enumerate(entries, start=1)]
    asks = world.lanes.release_arguments(cap=9, at_most=9)
    calls: Any = {"epoch": world.epoch, **CAPS}
    shows, reply = await world.inbox.handle("inbox", handled, release=asks, **calls)
    assert (shows, world.lanes.read_release(reply)) == (False, ["u1", "u2"])
    assert await world.inbox.handle("inbox", handled, release=asks, **calls) == (False, [])
    assert await world.lanes.released() == ["u1", "u2"]


async def test_a_task_whose_record_the_same_step_wrote_is_read_without_redis(world: World) -> None:
    record = to_json(task(1))
    await world.ask(task(1))
    reply = await world.script.step("release", epoch=world.epoch, **world.lanes.release_arguments(cap=9, at_most=9))
    assert world.lanes.read_release(reply, {"u1": record, "u2": "of another"}) == ["u1"]
    await world.script.read("DEL", world.script.keys("task", "u1"))
    queued = await world.lanes.queued("u1")
    assert (queued.task, queued.parts, queued.next_role, queued.record) == (task(1), 0, None, record)
    with pytest.raises(BadTask):
        await world.lanes.queued("u1")  # once


async def test_a_record_that_redis_has_otherwise_is_read_and_so_is_a_chosen_role(world: World) -> None:
    await world.ask(task(1), task(2, chat=2))
    await world.effects({"op": "choose", "chat": "3", "role": "coder"})
    await world.ask(task(3, chat=3))
    reply = await world.script.step("release", epoch=world.epoch, **world.lanes.release_arguments(cap=9, at_most=9))
    written = {"u1": to_json(task(1, text="other words")), "u3": to_json(task(3, chat=3))}
    assert sorted(world.lanes.read_release(reply, written)) == ["u1", "u2", "u3"]
    assert [(await world.lanes.queued(name)).task.text for name in ("u1", "u2")] == ["hello", "hello"]
    assert (await world.lanes.queued("u3")).next_role == "coder"


async def test_what_has_joined_a_task_since_it_was_let_go_is_no_part_of_what_is_handed_over(world: World) -> None:
    await world.ask(task(1))
    reply = await world.script.step("release", epoch=world.epoch, **world.lanes.release_arguments(cap=9, at_most=9))
    world.lanes.read_release(reply, {"u1": to_json(task(1))})
    queued = await world.lanes.queued("u1")
    await world.script.read("HSET", world.script.keys("task", "u1"), "record", to_json(task(1, text="longer words")))
    handed = await world.lanes.dispatch(
        queued.task.with_snapshot(ORDER), pool="p", decision="rule", route_ms=0, route_tokens=0, epoch=world.epoch, known=queued.record
    )  # fmt: skip
    assert handed is Dispatched.GROWN
    assert (await world.lanes.queued("u1")).task.text == "longer words"


async def test_a_turn_is_remembered_once_and_only_the_last_ten_are_kept(world: World) -> None:
    for n in range(12):
        run = await world.claimed(task(n, text=f"turn {n}"))
        assert not await world.dispatch(run.task)
        await world.failed(run, Cause.INTERNAL)
    history = await world.lanes.history(1)
    assert [turn.text for turn in history] == [f"turn {n}" for n in range(2, 12)]


async def test_a_conversation_is_forgotten_a_day_after_its_last_turn(world: World) -> None:
    await world.ready(task(1))
    left_s = int(await world.script.read("TTL", world.script.keys("turns", 1)))
    assert 24 * 3600 - 600 < left_s <= 24 * 3600


async def test_stop_refuses_claim_hand_back_and_requeue(world: World) -> None:
    run = await world.claimed(task(1))
    await world.effects(STOP)
    assert await world.state(task(1)) == "cancelled"
    with pytest.raises(LostOwnership):
        await world.agent.renew(run)
    with pytest.raises(LostOwnership):
        await world.agent.end(run, HandedBack())
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == ""
    [notice] = await world.notices()
    assert notice.args["stopped"] == 1


async def test_stop_takes_waiting_and_ready_tasks_and_frees_the_lane(world: World) -> None:
    await world.ready(task(1))
    await world.ask(task(2))
    await world.effects(STOP)
    assert await world.agent.claim() is None
    assert await world.lanes.waiting() == 0
    await world.ask(task(3))
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u3"]


async def test_stop_after_the_answer_stands_comes_too_late(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.effects({**STOP, "task": "u1"})
    [notice] = await world.notices()
    assert notice.args == {"stopped": 0, "waiting": 0, "late": 1}
    assert await world.state(task(1)) == "answered"


async def test_stop_of_another_chats_task_does_nothing(world: World) -> None:
    await world.claimed(task(1))
    await world.effects({**STOP, "chat": "2", "task": "u1"})
    assert await world.state(task(1)) == "running"


async def test_new_forgets_and_an_answer_that_was_under_way_stays_forgotten(world: World) -> None:
    run = await world.claimed(task(1))
    await world.effects({"op": "forget", "chat": "1"})
    await world.answered(run)
    assert await world.history() == []
    assert await world.displays.answer("t:u1") == "42"  # it is shown all the same


async def test_new_is_for_a_task_that_nobody_has_claimed_yet_as_well(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.ready(task(2))
    await world.effects({"op": "forget", "chat": "1"})
    assert (await world.claim()).history == ()


async def handle(world: World, stream: Stream, *effects: Mapping[str, object]) -> None:
    """One update with its effects, in the stream that it came in."""
    await world.inbox.admit([(stream, {"update_id": next(_updates)})], offset=None, epoch=world.epoch)
    [*_, entry] = await world.inbox.waiting(stream)
    await world.inbox.handle(stream, [(entry.entry_id, [typed(one) for one in effects])], epoch=world.epoch, **CAPS)


async def test_a_stop_that_overtakes_its_question_stops_it_and_no_other(world: World) -> None:
    """Commands do not wait behind the messages of others, which came before them or after."""
    await handle(world, "control", {**STOP, "update": "50"})
    for n, chat in ((40, 1), (41, 2), (45, 1), (51, 1), (52, 2)):
        await handle(world, "inbox", effect(task(n, chat)))
    assert await world.lanes.waiting_in(1) == ["u51"]
    assert await world.lanes.waiting_in(2) == ["u41", "u52"]
    [notice] = await world.notices()
    assert (notice.chat_id, notice.args) == (1, {"stopped": 0, "waiting": 2, "late": 0})
    counts = await world.script.read("HGET", world.script.keys("counts"), "stopped_before")
    assert counts == "2"


async def test_a_stop_leaves_what_was_asked_after_it(world: World) -> None:
    await handle(world, "inbox", effect(task(40)))
    await handle(world, "inbox", effect(task(60)))
    await handle(world, "control", {**STOP, "update": "50"})
    assert await world.lanes.waiting_in(1) == ["u60"]
    assert (await world.notices())[0].args["waiting"] == 1


async def test_a_stop_that_overtook_is_for_one_topic_and_an_hour(world: World) -> None:
    await handle(world, "control", {**STOP, "thread": "3", "update": "50"})
    await handle(world, "inbox", effect(task(40)))
    assert await world.lanes.waiting_in(1) == ["u40"]
    left_s = await world.script.read("TTL", world.script.keys("stop", "1:3"))
    assert 3500 < int(left_s) <= 3600


async def test_what_goes_on_with_a_question_that_a_stop_overtook_is_stopped_as_well(world: World) -> None:
    act = {"act": "1:9", "sent_s": 50, "open_s": 2, "group": "g"}
    await handle(world, "control", {**STOP, "update": "50"})
    for n in (40, 41):
        await handle(world, "inbox", {**effect(task(n)), **act})
    assert await world.lanes.waiting() == 0
    assert (await world.notices())[0].args["waiting"] == 2


async def test_a_retry_is_asked_anew_whatever_stop_came_before(world: World) -> None:
    await world.failed(await world.claimed(task(1)))
    await handle(world, "control", {**STOP, "update": "50"})
    again = {**effect(task(1)), "op": "retry", "id": "u1r", "task": "u1", "key": "r1", "kind": "retry"}
    await handle(world, "inbox", again)
    assert await world.lanes.waiting_in(1) == ["u1r"]
    await handle(world, "control", {**STOP, "update": "60"})
    assert await world.lanes.waiting_in(1) == []


async def test_one_retry_for_each_finished_task(world: World) -> None:
    await world.failed(await world.claimed(task(1)))
    again = {**effect(task(1)), "op": "retry", "id": "u1r", "task": "u1", "key": "r1", "kind": "retry"}
    await world.effects({**again, "task": "u7", "key": "r0"})
    assert [notice.kind for notice in await world.notices()] == ["retry_nothing"]
    await world.show_all()
    await world.effects(again)
    await world.effects({**again, "key": "r2"})
    assert await world.lanes.waiting_in(1) == ["u1r"]
    assert [notice.kind for notice in await world.notices()] == ["retry_twice"]


async def test_a_chosen_role_counts_for_the_next_message_and_not_for_a_retry_or_after_new(world: World) -> None:
    await world.effects({"op": "choose", "chat": "1", "role": "coder"})
    await world.ask(task(1), task(2))
    assert [row["next_role"] for row in await world.lanes.fields(["u1", "u2"], "next_role")] == ["coder", None]
    await world.effects({"op": "choose", "chat": "1", "role": "summarizer"})
    await world.effects({"op": "forget", "chat": "1"})
    await world.ask(task(3))
    assert (await world.lanes.fields(["u3"], "next_role"))[0]["next_role"] is None


async def test_a_file_that_is_kept_no_more_is_told_and_one_of_another_chat_as_well(world: World) -> None:
    press = {"op": "file", "kind": "file_gone", "lang": "en", "task": "u1", "part": "1"}
    run = await world.claimed(task(1))
    await world.effects({**press, "chat": "1", "key": "a"})
    await world.answered(run)
    await world.effects({**press, "chat": "2", "key": "b"})
    assert [(n.kind, n.chat_id) for n in await world.notices()] == [("file_gone", 1), ("file_gone", 2)]
    await world.displays.take_indicators(9)
    await world.effects({**press, "chat": "1", "key": "c"})
    assert [sign.task_id for sign in await world.displays.take_indicators(9)] == ["u1"]


async def test_a_full_chat_and_a_full_bot_are_told_apart(world: World) -> None:
    for n in (1, 2):
        await world.inbox.admit([("inbox", {"update_id": n})], offset=None, epoch=world.epoch)
        [*_, entry] = await world.inbox.waiting("inbox")
        caps: Any = {"chat_cap": 0, "total_cap": 9} if n == 1 else {"chat_cap": 9, "total_cap": 0}
        await world.inbox.handle(
            "inbox", [(entry.entry_id, [typed(effect(task(n, chat=n)))])], epoch=world.epoch, **caps
        )
    assert [dict(n.args) for n in await world.notices()] == [{"cap": 0}, {}]
