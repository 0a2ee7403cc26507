"""The leader's atomic steps, against a real server: from an update to a task that is released, stopped, edited or told."""

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.outcome import Cause, Delivery, TaskState
from tests.core.store_world import CAPS, World, effect, task


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
        await world.inbox.handle("inbox", [(entry.entry_id, [effect(task(1))])], epoch=world.epoch, **CAPS)
    assert await world.inbox.length("inbox") == 0
    assert await world.lanes.waiting_in(1) == ["u1"]


async def test_an_old_leader_is_refused_everywhere(world: World) -> None:
    old = world.epoch
    await world.inbox.give_up_lead("me")
    assert await world.lead("other") > old
    with pytest.raises(LostOwnership):
        await world.inbox.admit([("inbox", {"update_id": 1})], offset=None, epoch=old)
    with pytest.raises(LostOwnership):
        await world.lanes.release(cap=1, at_most=1, epoch=old)
    with pytest.raises(LostOwnership):
        await world.pools.new_job("p", "agent", epoch=old)


async def test_the_lead_cannot_be_taken_while_it_is_held_and_keeping_it_keeps_the_epoch(world: World) -> None:
    assert await world.inbox.take_lead("other", ttl_s=8) == 0
    assert await world.inbox.take_lead("me", ttl_s=8) == world.epoch


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


async def test_a_chat_over_its_cap_is_told_once_while_that_waits_and_nothing_is_queued(world: World) -> None:
    await world.ask(*(task(n) for n in range(1, 29)))
    assert len(await world.lanes.waiting_in(1)) == 20
    [notice] = await world.notices.waiting()
    assert (notice.kind, notice.args) == ("full", {"cap": 20})
    await world.notices.done(notice.key, Delivery.DELIVERED, epoch=world.epoch)
    await world.ask(task(29), *(task(n, 2) for n in range(30, 51)))
    assert [(notice.kind, notice.chat_id) for notice in await world.notices.waiting()] == [("full", 1), ("full", 2)]


async def test_a_turn_is_remembered_once_and_only_the_last_ten_are_kept(world: World) -> None:
    for n in range(12):
        await world.lanes.save_context(task(n, text=f"turn {n}"), epoch=world.epoch)
        await world.lanes.save_context(task(n, text=f"turn {n}"), epoch=world.epoch)
    history = await world.lanes.history(1)
    assert [turn.text for turn in history] == [f"turn {n}" for n in range(2, 12)]


async def test_a_conversation_is_forgotten_a_day_after_its_last_turn(world: World) -> None:
    await world.lanes.save_context(task(1), epoch=world.epoch)
    left_s = int(await world.script.read("TTL", world.script.keys("turns", 1)))
    assert 24 * 3600 - 600 < left_s <= 24 * 3600


async def test_stop_refuses_claim_hand_back_and_requeue(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    assert await world.state(task(1)) == "cancelled"
    assert await world.agent.renew(claimed) is TaskState.CANCELLED
    assert not await world.agent.hand_back(claimed)
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == ""
    [notice] = await world.notices.waiting()
    assert notice.args["stopped"] == 1


async def test_stop_takes_waiting_and_ready_tasks_and_frees_the_lane(world: World) -> None:
    await world.ask(task(1), task(2))
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.dispatch(task(1))
    await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    assert await world.agent.claim() is None
    assert await world.lanes.waiting() == 0
    await world.ask(task(3))
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u3"]


async def test_stop_after_the_answer_stands_comes_too_late(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.agent.answered(claimed, {"pages": []}, {})
    await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    [notice] = await world.notices.waiting()
    assert notice.args == {"stopped": 0, "waiting": 0, "late": 1}
    assert await world.state(task(1)) == "answered"


async def test_stop_of_another_chats_task_does_nothing(world: World) -> None:
    await world.claimed(task(1))
    await world.effects({"op": "stop", "key": "s", "chat": "2", "task": "u1", "lang": "en"})
    assert await world.state(task(1)) == "running"


async def test_new_forgets_and_an_answer_that_was_under_way_stays_forgotten(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.effects({"op": "forget", "chat": "1"})
    await world.agent.answered(claimed, {"pages": []}, {})
    await world.agent.close(claimed, answer="42", role="coder", delivery=Delivery.DELIVERED)
    assert await world.lanes.history(1) == ()


async def test_one_retry_for_each_finished_task(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.agent.give_up(claimed, Cause.MODEL_DOWN)
    again = {**effect(task(1)), "op": "retry", "id": "u1r", "task": "u1", "key": "r1", "kind": "retry"}
    await world.effects(again)
    await world.effects({**again, "key": "r2"})
    assert await world.lanes.waiting_in(1) == ["u1r"]
    assert [notice.kind for notice in await world.notices.waiting()] == ["failed", "retry_twice"]


async def test_a_chosen_role_counts_for_the_next_message_and_not_for_a_retry_or_after_new(world: World) -> None:
    await world.effects({"op": "choose", "chat": "1", "role": "coder"})
    await world.ask(task(1), task(2))
    assert [row["wish"] for row in await world.lanes.fields(["u1", "u2"], "wish")] == ["coder", None]
    await world.effects({"op": "choose", "chat": "1", "role": "summarizer"})
    await world.effects({"op": "forget", "chat": "1"})
    await world.ask(task(3))
    assert (await world.lanes.fields(["u3"], "wish"))[0]["wish"] is None


async def test_a_file_that_is_kept_no_more_is_told_and_one_of_another_chat_as_well(world: World) -> None:
    wish = {"op": "file", "kind": "file_gone", "lang": "en", "task": "u1", "part": "1"}
    claimed = await world.claimed(task(1))
    await world.effects({**wish, "chat": "1", "key": "a"})
    await world.agent.answered(claimed, {"pages": [], "files": []}, {})
    await world.effects({**wish, "chat": "2", "key": "b"})
    assert [(n.kind, n.chat_id) for n in await world.notices.waiting()] == [("file_gone", 1), ("file_gone", 2)]
    await world.effects({**wish, "chat": "1", "key": "c"})
    assert [row["task"] for row in await world.notices.pop("files")] == ["u1"]


async def test_a_full_chat_and_a_full_bot_are_told_apart(world: World) -> None:
    for n in (1, 2):
        await world.inbox.admit([("inbox", {"update_id": n})], offset=None, epoch=world.epoch)
        [*_, entry] = await world.inbox.waiting("inbox")
        caps = {"chat_cap": 0, "total_cap": 9} if n == 1 else {"chat_cap": 9, "total_cap": 0}
        await world.inbox.handle("inbox", [(entry.entry_id, [effect(task(n))])], epoch=world.epoch, **caps)
    assert [dict(n.args) for n in await world.notices.waiting()] == [{"cap": 0}, {}]
