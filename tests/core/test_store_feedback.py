"""Feedback on answers as the store takes it: once for an answer, from who asked, and without a word of theirs."""

from dataclasses import replace
from typing import Any

import pytest

from openclaw_core.store import Script
from openclaw_core.store.feedback import FeedbackRecords
from openclaw_core.tasks.feedback import Feedback, FeedbackKind, by_task
from tests.core.store_world import World, effect, task

RETRY: dict[str, Any] = {**effect(task(1)), "op": "retry", "id": "u1r", "task": "u1", "key": "r", "kind": "retry"}
CORRECTION = {"op": "correction", "chat": "1", "user": "9", "within_ms": 60_000}


@pytest.fixture
async def world(script: Script) -> World:
    """A chat that has been shown the answer of u1."""
    world = World(script)
    await world.lead()
    await world.answered(await world.claimed(task(1)))
    await world.show_all()
    return world


async def given(world: World) -> list[tuple[str, str | None]]:
    return [(row.task, row.kind) for row in await FeedbackRecords(world.script).after("0")]


async def test_a_retry_of_an_answer_is_feedback_once(world: World) -> None:
    await world.effects(RETRY)
    await world.effects(RETRY)
    assert await given(world) == [("u1", "retry")]


async def test_a_retry_of_a_failure_is_none(world: World) -> None:
    await world.failed(await world.claimed(task(2)))
    await world.show_all()
    await world.effects({**effect(task(2)), "op": "retry", "id": "u2r", "task": "u2", "key": "r", "kind": "retry"})
    assert await world.lanes.waiting_in(1) == ["u2r"]
    assert await given(world) == []


async def test_a_correction_counts_once(world: World) -> None:
    await world.effects(CORRECTION)
    await world.effects(CORRECTION)
    assert await given(world) == [("u1", "correction")]


@pytest.mark.parametrize(
    "other", [{"user": "8"}, {"thread": "3"}, {"chat": "2"}, {"within_ms": -1}], ids=["person", "topic", "chat", "late"]
)
async def test_what_does_not_follow_the_answer_corrects_nothing(world: World, other: dict[str, Any]) -> None:
    await world.effects({**CORRECTION, **other})
    assert await given(world) == []


async def test_where_something_was_asked_between_it_corrects_nothing(world: World) -> None:
    await world.ask(task(2))
    await world.effects(CORRECTION)
    assert await given(world) == []


async def test_a_correction_of_a_failure_is_none(world: World) -> None:
    await world.failed(await world.claimed(task(2)))
    await world.show_all()
    await world.effects(CORRECTION)
    assert await given(world) == []


async def test_a_correction_is_noted_before_its_own_question_is_the_last(world: World) -> None:
    await world.effects(CORRECTION, effect(replace(task(2), text="wrong")))
    assert await given(world) == [("u1", "correction")]
    assert await world.lanes.waiting_in(1) == ["u2"]


async def test_a_record_that_has_gone_is_corrected_by_nothing_and_stays_gone(world: World) -> None:
    await world.script.read("DEL", world.script.keys("task", "u1"))
    await world.effects(CORRECTION)
    assert await given(world) == []
    assert await world.script.read("EXISTS", world.script.keys("task", "u1")) == 0


async def test_a_kind_of_a_newer_release_is_left_out(world: World) -> None:
    await world.script.read("XADD", world.script.keys("feedback"), "*", "task", "u1", "kind", "smiled", "v", "9")
    await world.effects(CORRECTION)
    assert await given(world) == [("", None), ("u1", "correction")]
    assert await FeedbackRecords(world.script).by_task() == {"u1": Feedback(corrected=True)}


def test_the_last_vote_counts_and_nothing_else_is_taken_back() -> None:
    up, down, retry = FeedbackKind.UP, FeedbackKind.DOWN, FeedbackKind.RETRY
    assert by_task([("a", down), ("a", up), ("b", up), ("b", retry), ("b", down)]) == {
        "a": Feedback(vote="up"),
        "b": Feedback(vote="down", retried=True),
    }
    assert not Feedback(vote="up").is_bad
    assert all(one.is_bad for one in (Feedback(vote="down"), Feedback(retried=True), Feedback(corrected=True)))


# ---- 👍 and 👎


TOASTS = {"taken": "taken", "not_yours": "not yours", "old": "old"}


async def press(world: World, vote: str, **other: Any) -> str:
    """Press a button under the answer of u1, and give its toast."""
    row = {"op": "vote", "chat": "1", "task": "u1", "vote": vote, "button": "b", "toasts": TOASTS, **other}
    await world.effects(row)
    [*_, toast] = await world.displays.take_indicators(10)
    return toast.toast


async def test_the_last_press_counts_and_a_repeated_one_is_one(world: World) -> None:
    assert [await press(world, vote) for vote in ("up", "up", "down", "down", "up")] == ["taken"] * 5
    assert await given(world) == [("u1", "up"), ("u1", "down"), ("u1", "up")]
    assert await FeedbackRecords(world.script).by_task() == {"u1": Feedback(vote="up")}


async def test_who_presses_to_and_fro_fills_nothing(world: World) -> None:
    said = [await press(world, vote) for _ in range(15) for vote in ("up", "down")]
    assert (said[19], said[20]) == ("taken", "old")
    assert len(await given(world)) == 20


@pytest.mark.parametrize(
    ("other", "toast"),
    [({"by": "8"}, "not yours"), ({"by": "9"}, "taken"), ({"chat": "2"}, "old"), ({"task": "u7"}, "old")],
    ids=["another person of the group", "who asked", "another chat", "no such task"],
)
async def test_only_who_asked_may_press_in_a_group_and_only_where_the_answer_is(
    world: World, other: dict[str, Any], toast: str
) -> None:
    assert await press(world, "down", **other) == toast
    assert await given(world) == ([("u1", "down")] if toast == "taken" else [])
    assert await world.script.read("EXISTS", world.script.keys("task", "u7")) == 0


async def test_a_question_of_a_channel_may_be_judged_by_anybody_of_its_group(world: World) -> None:
    asked = replace(task(2, chat=-5), chat_kind="group", user_id=-100)
    await world.answered(await world.claimed(asked))
    await world.show_all()
    assert await press(world, "up", chat="-5", task="u2", by="8") == "taken"


async def test_a_failure_is_not_judged(world: World) -> None:
    await world.failed(await world.claimed(task(2)))
    await world.show_all()
    assert await press(world, "down", task="u2") == "old"


async def test_a_group_that_got_another_id_keeps_its_buttons(world: World) -> None:
    await world.answered(await world.claimed(replace(task(2, chat=-5), chat_kind="group")))
    await world.show_all()
    await world.effects({"op": "move", "from": "-5", "to": "-1005"})
    assert await press(world, "down", chat="-5", task="u2", by="9") == "taken"
