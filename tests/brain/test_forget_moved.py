"""`/forget` in a group that becomes a supergroup within the same seconds: whatever comes first, no word of who asked
stays, and others' stay.
"""

from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_core.store import Script, move_chat
from tests.brain.access_desk import FRIEND, Desk
from tests.brain.test_forget import OTHER, answered, asks, button, everything, forgets, holding, told

OLD_ID, NEW_ID = -77, -10077
OLD: dict[str, Any] = {"id": OLD_ID, "type": "group"}
NEW: dict[str, Any] = {"id": NEW_ID, "type": "supergroup"}


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script, Access(users=frozenset({FRIEND, OTHER}))).open()


async def moves(desk: Desk) -> None:
    await move_chat(desk.world.script, OLD_ID, NEW_ID)


async def presses(desk: Desk, data: str, chat: dict[str, Any], stream: Any = "control") -> None:
    """The press that confirms is handled, and nothing is shown yet."""
    desk.updates += 1
    message = {"message_id": 9, "chat": chat}
    query = {"id": "cb", "data": data, "from": {"id": FRIEND}, "message": message}
    update = {"update_id": desk.updates, "callback_query": query}
    await desk.world.inbox.admit([(stream, update)], offset=None, epoch=desk.world.epoch)
    await desk.handler.handle_batch(stream)


@pytest.mark.parametrize("when", ["before the question", "before the press", "after the press", "between two looks"])
async def test_no_word_stays_whenever_the_group_moves(desk: Desk, when: str) -> None:
    await answered(desk, FRIEND, "marker-mine answered", OLD)
    await answered(desk, OTHER, "marker-theirs", OLD)
    data = await button(desk, FRIEND, OLD)
    running = await asks(desk, FRIEND, "marker-mine running", OLD)
    await desk.world.lanes.release(cap=9, at_most=9, epoch=desk.world.epoch)
    assert await desk.world.dispatch(running)
    await desk.world.claim()
    where = OLD
    if when == "before the question":
        await moves(desk)
        where = NEW
    await asks(desk, FRIEND, "marker-mine waiting", where)
    if when == "before the press":
        await moves(desk)  # the button still stands in the old chat

    await presses(desk, data, OLD)
    if when == "after the press":
        await moves(desk)
    await forgets(desk, at_most=1)
    if when == "between two looks":
        await moves(desk)
    await desk.world.show_all()
    await forgets(desk, at_most=1)

    assert ("forgotten", NEW_ID) in await told(desk)
    kept = await everything(desk)
    assert holding(kept, "marker-mine") == set()
    assert {
        name for name in kept if name.startswith(("msg:", "heard:")) and running.id == kept[name].strip('"')
    } == set()
    assert [text for _, text in await desk.world.history(NEW_ID)] == ["marker-theirs", "answer to marker-theirs"]


@pytest.mark.parametrize("moved", ["before", "after", "never"])
async def test_a_question_of_before_that_is_handled_after_the_request_begins_no_more(desk: Desk, moved: str) -> None:
    data, inbox = await button(desk, FRIEND, OLD), desk.world.inbox
    mine = desk.message(FRIEND, "@OpenClawBot marker-mine", OLD)
    theirs = desk.message(OTHER, "@OpenClawBot marker-theirs", OLD)
    await inbox.admit([("inbox", mine), ("inbox", theirs)], offset=None, epoch=desk.world.epoch)
    if moved == "before":
        await moves(desk)
    await presses(desk, data, OLD)
    if moved == "after":
        await moves(desk)
    while await desk.handler.handle_batch("inbox"):
        pass
    where = OLD if moved == "never" else NEW
    [left] = await desk.world.lanes.waiting_in(where["id"])
    assert (await desk.world.lanes.asked(left)).user_id == OTHER
    await desk.world.show_all()
    await forgets(desk)
    assert holding(await everything(desk), "marker-mine") == set()
    await asks(desk, FRIEND, "a question after it", where)


async def test_who_is_forgotten_everywhere_begins_nothing_of_before_in_a_group(desk: Desk) -> None:
    data, inbox = await button(desk, FRIEND), desk.world.inbox
    mine = desk.message(FRIEND, "@OpenClawBot marker-mine", OLD)
    await inbox.admit([("inbox", mine)], offset=None, epoch=desk.world.epoch)
    await presses(desk, data, {"id": FRIEND, "type": "private"})
    await desk.handler.handle_batch("inbox")
    assert await desk.world.lanes.waiting_in(OLD_ID) == []
