"""What an edit of a message does, by the words that were heard before, and what a press of Stop does."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import HandedBack
from tests.core.store_world import World, effect, task


def edit(one: Task, heard: str, *fresh: Mapping[str, object]) -> dict[str, object]:
    """The effect of an edit of the message that *one* came of, whose words have the digest *heard* now."""
    found = {
        "chat": "1",
        "lang": "en",
        "message_id": str(one.message_id),
        "heard": heard,
        "heard_of": str(one.message_id),
    }
    return {"op": "edited", "key": f"e{one.id}{heard}", **found, "fresh": list(fresh)}


def heard(one: Task, digest: str) -> dict[str, object]:
    return {**effect(one), "heard": digest, "heard_of": str(one.message_id)}


async def test_an_edit_changes_a_waiting_message_only(world: World) -> None:
    await world.ask(task(1), task(2))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    for n in (1, 2):
        await world.effects(
            edit(task(n), "new", effect(replace(task(50 + n, text="better words"), message_id=100 + n)))
        )
    records = await world.lanes.fields(["u1", "u2"], "record")
    assert "better" not in (records[0]["record"] or "")
    assert "better words" in (records[1]["record"] or "")
    assert '"id":"u2"' in (records[1]["record"] or "")
    assert [notice.kind for notice in await world.notices()] == ["edit_late", "edit_taken"]


@pytest.mark.parametrize("released", [False, True])
async def test_an_edit_that_changes_no_words_gets_nothing(world: World, released: bool) -> None:
    await world.effects(heard(task(1), "same"))
    if released:
        await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    for n in (51, 52):  # a link preview, then a reaction
        await world.effects(edit(task(1), "same", effect(task(n))))
    assert [notice.kind for notice in await world.notices()] == []
    assert await world.lanes.waiting_in(1) == ([] if released else ["u1"])


async def test_each_new_wording_is_held_against_the_one_before(world: World) -> None:
    await world.effects(heard(task(1), "first"))
    for n, digest in enumerate(("second", "second", "first")):
        await world.effects({**edit(task(1), digest, effect(task(51 + n))), "key": f"e{n}"})
    assert [notice.id for notice in await world.notices()] == ["n:e0", "n:e2"]


async def test_an_edit_that_asks_for_the_first_time_is_a_new_request_once(world: World) -> None:
    unknown = {"op": "notice", "key": "n", "kind": "unknown_command", "chat": "1", "lang": "en"}
    await world.effects({**unknown, "heard": "/cdoe x", "heard_of": "101"})
    for n in (51, 52):
        await world.effects(edit(task(1), "/code x", effect(replace(task(n), message_id=101))))
    assert await world.lanes.waiting_in(1) == ["u51"]
    assert [notice.kind for notice in await world.notices()] == ["unknown_command"]
    assert (await world.inbox.task_fields("u51", "message_id"))["message_id"] == "101"


async def test_a_waiting_question_that_becomes_a_command_is_not_answered_any_more(world: World) -> None:
    await world.effects(heard(task(1), "why?"))
    helped = {"op": "notice", "key": "h", "kind": "help", "chat": "1", "lang": "en"}
    await world.effects(edit(task(1), "/help", helped))
    assert await world.state(task(1)) == "cancelled"
    assert [notice.kind for notice in await world.notices()] == ["help"]


TOASTS = {"stopped": "stopping", "late": "too late", "not_yours": "not yours", "old": "old"}


def press(n: int, task_id: str = "u1", *, by: str | None = None, chat: str = "1") -> dict[str, object]:
    return {
        "op": "stop",
        "key": f"p{n}",
        "kind": "stopped",
        "chat": chat,
        "lang": "en",
        "task": task_id,
        "button": f"b{n}",
        "toasts": TOASTS,
        "by": by,
    }


async def toasts(world: World) -> list[str]:
    return [sign.toast for sign in await world.displays.signs(99) if sign.button_id]


async def test_stop_by_its_button_is_told_once_by_its_toast_and_the_mark(world: World) -> None:
    await world.claimed(task(1))
    for n in range(3):
        await world.effects(press(n))
    assert await toasts(world) == ["stopping"] * 3
    assert await world.state(task(1)) == "cancelled"
    assert [display.stage for display in await world.displays.changed(0)] == ["stopped"]


async def test_stop_of_a_task_that_was_handed_back_marks_its_message(world: World) -> None:
    run = await world.claimed(task(1))
    await world.displays.reserved("t:u1", 0, 77)
    await world.end(run, HandedBack())
    await world.effects(press(1))
    display = await world.opened("t:u1")
    assert (display.stage, display.slots) == ("stopped", {0: 77})


async def test_a_stop_button_says_what_it_could_not_do(world: World) -> None:
    await world.claimed(task(1))
    await world.effects(press(1, chat="2"))
    await world.effects(press(2, "u99"))
    await world.answered(await world.claimed(task(2, chat=3)))
    await world.effects(press(3, "u2", chat="3"))
    assert await toasts(world) == ["old", "old", "too late"]
    assert await world.state(task(1)) == "running"


@pytest.mark.parametrize(
    ("asker", "by", "toast"), [("9", "9", "stopping"), ("9", "10", "not yours"), ("-100500", "10", "stopping")]
)
async def test_in_a_group_the_asker_alone_may_press_stop(world: World, asker: str, by: str, toast: str) -> None:
    await world.effects({**effect(task(1)), "user": asker})
    await world.effects(press(1, by=by))
    assert await toasts(world) == [toast]
    assert await world.state(task(1)) == ("queued" if toast == "not yours" else "cancelled")


async def test_who_asked_is_known_also_after_the_end(world: World) -> None:
    await world.answered(await world.claimed(task(1)))
    await world.shown("t:u1")
    for by in ("9", "10"):
        await world.effects(press(int(by), by=by))
    assert await toasts(world) == ["too late", "not yours"]


async def test_an_edit_of_a_question_that_has_ended_comes_too_late(world: World) -> None:
    await world.effects(heard(task(1), "first"))
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    await world.dispatch(task(1))
    await world.answered(await world.claim())
    await world.shown("t:u1")
    await world.effects(edit(task(1), "second", effect(task(51))))
    assert [notice.kind for notice in await world.notices()] == ["edit_late"]
    assert await world.lanes.waiting_in(1) == []
