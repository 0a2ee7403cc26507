"""A message alone waits for nothing; a task after a cue is held, and grows until something of its answer is shown."""

import pytest

from openclaw_brain.inbox.context import ChatFacts
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.telegram.incoming import read_update
from openclaw_core.store import Became
from openclaw_core.store.lanes import Dispatched
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import HandedBack, PutBack, Result
from tests.brain.gather.desk import FORWARDED, GROUP, MENTION, Desk, document, said
from tests.core.store_world import ORDER


async def test_a_message_alone_goes_at_once_and_one_with_a_cue_waits(desk: Desk) -> None:
    await desk.receives(said("why is the sky blue?", user=1), said("translate this:", user=2), said("b" * 4000, user=3))
    await desk.receives(said("news", user=4, **FORWARDED), said("", user=5, **document("a"), media_group_id="g"))
    assert await desk.release() == ["u1"]
    for n in range(2, 6):
        await desk.time_passes(f"u{n}")
    assert await desk.release() == ["u2", "u3", "u4", "u5"]


async def test_what_a_cue_announced_is_waited_for_no_longer_than_it_takes(desk: Desk) -> None:
    await desk.receives(said("translate this:"))
    assert await desk.release() == []
    await desk.receives(said("hello world"))
    assert await desk.release() == ["u1"]


async def test_each_further_part_begins_the_window_anew_within_a_bound(desk: Desk) -> None:
    await desk.receives(said("translate this:"))
    key = desk.world.script.keys("task", "u1")
    queued_ms = int(await desk.world.script.read("HGET", key, "queued_ms"))
    for n in range(5):
        await desk.receives(said("one more:", at=100 + n))
    until_ms = int(await desk.world.script.read("HGET", key, "not_before_ms"))
    assert queued_ms < until_ms <= queued_ms + Windows().at_most_ms
    await desk.world.script.read("HSET", key, "queued_ms", str(queued_ms - 10_000))
    await desk.receives(said("and one:", at=105))
    assert await desk.release() == ["u1"]


async def test_without_windows_nothing_waits_and_what_is_near_is_still_folded(desk: Desk) -> None:
    desk.windows(album_ms=0, more_ms=0, at_most_ms=0)
    await desk.receives(said("is this true?"))
    await desk.receives(said("news", **FORWARDED))
    assert await desk.release() == ["u1"]
    assert (await desk.world.lanes.queued("u1")).task.quoted == "news"


async def test_a_held_chat_keeps_its_turn_and_keeps_nobody_else_from_theirs(desk: Desk) -> None:
    await desk.receives(said("translate this:", user=1))
    await desk.receives(*(said("hello", user=n) for n in (2, 3)))
    assert await desk.world.lanes.release(cap=10, at_most=1, epoch=desk.world.epoch) == ["u2"]
    await desk.time_passes("u1")
    assert await desk.release() == ["u1", "u3"]
    assert await desk.release() == []


async def test_a_task_that_grew_while_it_was_routed_is_routed_again(desk: Desk) -> None:
    await desk.receives(said("is this true?"))
    [task_id] = await desk.release()
    queued = await desk.world.lanes.queued(task_id)
    await desk.receives(said("news", **FORWARDED))
    handed = await desk.world.lanes.dispatch(
        queued.task.with_snapshot(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0, epoch=desk.world.epoch
    )
    assert handed is Dispatched.GROWN
    assert await desk.dispatched(task_id) is Dispatched.HELD  # more may be forwarded
    await desk.time_passes(task_id)
    assert await desk.dispatched(task_id) is Dispatched.READY
    claimed = await desk.world.agent.claim()
    assert claimed is not None
    assert (claimed.task.text, claimed.task.quoted) == ("is this true?", "news")
    [turn] = await desk.world.lanes.history(7)
    assert turn.text == "is this true?\n\n[forwarded]\nnews"


async def test_a_task_called_back_is_first_in_its_lane_and_routed_with_all_its_words(desk: Desk) -> None:
    await desk.receives(said("@OpenClawBot is this true?", chat=GROUP, **MENTION))
    [task_id] = await desk.release()
    assert await desk.dispatched(task_id) is Dispatched.READY
    await desk.receives(said("@OpenClawBot and this?", user=8, chat=GROUP, **MENTION))
    await desk.receives(said("news", chat=GROUP, **FORWARDED))
    assert await desk.world.agent.claim() is None
    assert [task.id for task in await desk.waiting(-100500)] == ["u1", "u2"]
    assert await desk.release() == []
    await desk.time_passes(task_id)
    assert await desk.release() == [task_id]
    queued = await desk.world.lanes.queued(task_id)
    assert (queued.task.role, queued.task.snapshot) == (None, None), "its role is looked for anew"
    assert await desk.dispatched(task_id) is Dispatched.READY
    claimed = await desk.world.agent.claim()
    assert claimed is not None
    assert (claimed.task.text, claimed.task.quoted) == ("is this true?", "news")


@pytest.mark.parametrize("handed_back", [False, True])
async def test_a_task_of_which_something_may_be_shown_takes_nothing_more(desk: Desk, handed_back: bool) -> None:
    await desk.receives(said("is this true?"))
    [task_id] = await desk.release()
    await desk.dispatched(task_id)
    claimed = await desk.world.agent.claim()
    assert claimed is not None
    assert await desk.world.agent.write(claimed, "It")
    if handed_back:
        await desk.world.end(claimed, HandedBack())
    await desk.receives(said("news", **FORWARDED))
    await desk.receives(said("more news", **FORWARDED))
    assert [(task.id, task.text) for task in await desk.waiting()] == [("u2", "news\n\nmore news")]


async def test_an_agent_takes_what_comes_before_its_first_word_and_waits_for_the_rest(desk: Desk) -> None:
    await desk.receives(said("is this true?"))
    [task_id] = await desk.release()
    await desk.dispatched(task_id)
    agent = desk.world.agent
    claimed = await agent.claim()
    assert claimed is not None
    await desk.receives(said("news", **FORWARDED))
    assert not await agent.write(claimed, "It")
    assert [heard.became for heard in await desk.world.hear()] == [Became.GROWS]
    assert not await desk.world.news.regrow(claimed.name, epoch=desk.world.epoch), "more may be forwarded"
    assert await agent.grown(claimed) is None
    await desk.receives(said("more news", **FORWARDED))
    await desk.time_passes(task_id)
    assert await desk.world.news.regrow(claimed.name, epoch=desk.world.epoch)
    whole = await agent.grown(claimed)
    assert whole is not None
    assert (whole.task.text, whole.task.quoted) == ("is this true?", "news\n\nmore news")
    assert (whole.name, whole.snapshot) == (claimed.name, claimed.snapshot)
    assert await agent.write(whole, "It")
    [turn] = await desk.world.lanes.history(7)
    assert turn.text == "is this true?\n\n[forwarded]\nnews\n\nmore news"


@pytest.mark.parametrize("end", [HandedBack(), PutBack(), "lost"], ids=str)
async def test_what_an_agent_had_not_seen_when_it_went_is_for_the_next_one(desk: Desk, end: Result | str) -> None:
    await desk.receives(said("is this true?"))
    [task_id] = await desk.release()
    await desk.dispatched(task_id)
    claimed = await desk.world.agent.claim()
    assert claimed is not None
    await desk.receives(said("news", **FORWARDED))
    if isinstance(end, str):
        await desk.world.pools.lost(task_id, Cause.CRASH, epoch=desk.world.epoch)
    else:
        await desk.world.end(claimed, end)
    assert await desk.world.agent.claim() is None, "its record is not whole"
    await desk.time_passes(task_id)
    assert await desk.release() == [task_id]
    assert await desk.dispatched(task_id) is Dispatched.READY
    again = await desk.world.agent.claim()
    assert again is not None
    assert (again.task.text, again.task.quoted) == ("is this true?", "news")
    assert again.attempt > claimed.attempt


async def test_a_part_handled_twice_is_folded_once(desk: Desk) -> None:
    await desk.receives(said("is this true?"))
    update = {"update_id": 50, "message": {"message_id": 150, **said("news", **FORWARDED)}}
    await desk.world.inbox.admit([("inbox", update)], offset=None, epoch=desk.world.epoch)
    [entry] = await desk.world.inbox.waiting("inbox")
    part = desk.handler._part(entry, read_update(update, desk.handler.bot), ChatFacts())
    for _ in range(2):  # the reply of the first was lost on its way
        await desk.handler._commit("inbox", [part])
    [task] = await desk.waiting()
    assert task.quoted == "news"


async def test_an_edit_mends_its_own_part_while_it_waits(desk: Desk) -> None:
    await desk.receives(said("is this true:"), said("the mon is cheese"))
    await desk.edits(2, said("the moon is cheese"))
    await desk.edits(1, said("is that true:"))
    [task] = await desk.waiting()
    assert (task.id, task.text) == ("u1", "is that true:\nthe moon is cheese")
    assert [notice.kind for notice in await desk.notices()] == ["edit_taken"], "told once while it waits to be told"
    await desk.edits(1, said("/help"))
    assert len(await desk.waiting()) == 1, "the other part still wants its answer"


async def test_what_was_sent_in_parts_is_asked_again_whole(desk: Desk) -> None:
    await desk.receives(said("is this true?"), said("news", **FORWARDED))
    await desk.receives(said("/stop"), stream="control")
    await desk.receives(said("/retry"))
    [task] = await desk.waiting()
    assert (task.id, task.text, task.quoted) == ("u1r", "is this true?", "news")
