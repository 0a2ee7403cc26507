"""A group that becomes a supergroup, as its updates tell it: one service message in the old chat, one in the new one, in any order."""

from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import Bot
from openclaw_core.budgets.values import Budgets
from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.store import Script
from openclaw_core.store.budgets import Spending
from openclaw_core.tasks.outcome import Cause
from tests.core.store_world import World, task
from tests.shipped import ROLES

OLD, NEW, BOT = -5, -1005, Bot(id=5, username="bot")


def message(update_id: int, chat: int, **content: Any) -> dict[str, Any]:
    kind = "supergroup" if chat == NEW else "group"
    person = {"id": 9, "is_bot": False, "first_name": "A"}
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": 1,
            "chat": {"id": chat, "type": kind, "title": "G"},
            "from": person,
            **content,
        },
    }


async def handled(world: World, *updates: dict[str, Any], stream: Any = "inbox") -> None:
    roles = ROLES
    handler = UpdateHandler(
        inbox=world.inbox, lanes=world.lanes, runs=world.runs, intake=Intake(roles=roles, access=Access(users=None)),
        bot=BOT, windows=Windows(), epoch=world.epoch,
        chat_cap=20, total_cap=5000, spending=Spending(world.script, Budgets()),
    )  # fmt: skip
    await world.inbox.admit([(stream, update) for update in updates], offset=None, epoch=world.epoch)
    while await handler.handle_batch(stream):
        pass


@pytest.mark.parametrize("first", ["in the old chat", "in the new chat"])
async def test_either_service_message_moves_what_is_kept(script: Script, first: str) -> None:
    world = World(script)
    await world.lead()
    await handled(
        world,
        message(1, OLD, text="/lang@bot he"),
        message(2, OLD, text="@bot hello", entities=[{"type": "mention", "offset": 0, "length": 4}]),
    )
    both = [message(3, OLD, migrate_to_chat_id=NEW), message(4, NEW, migrate_from_chat_id=OLD)]
    await handled(world, *(both if first == "in the old chat" else both[::-1]))
    assert (await world.inbox.chats([NEW]))[0]["lang"] == "he"
    assert await world.lanes.waiting_in(NEW) == ["u2"]
    assert await world.lanes.waiting_in(OLD) == []


async def test_a_press_under_a_message_of_the_old_chat_counts_for_the_new_one(script: Script) -> None:
    world = World(script)
    await world.lead()
    claimed = await world.claimed(task(1, chat=OLD))
    await world.failed(claimed, Cause.MODEL_DOWN)
    await handled(world, message(3, OLD, migrate_to_chat_id=NEW))
    for update_id, chat in ((7, OLD), (8, NEW)):
        where = message(0, chat)["message"]
        press = {"id": "c", "from": {"id": 9, "is_bot": False}, "message": where, "data": "retry:u1"}
        await handled(world, {"update_id": update_id, "callback_query": press}, stream="control")
    assert await world.lanes.waiting_in(NEW) == ["u1r"]
    shown = await world.displays.changed(0)
    assert [(display.stage, display.kind) for display in shown] == [(Stage.FAILED, ""), (Stage.NOTICE, "retry_twice")]
    assert {display.chat_id for display in shown} == {NEW}
