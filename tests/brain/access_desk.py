"""A brain that takes messages of an owner and of others, with the store that remembers who may use the bot."""

from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.gather import Windows
from openclaw_brain.inbox.handler import UpdateHandler
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import Bot
from openclaw_core.budgets.values import Budgets
from openclaw_core.store import Script
from openclaw_core.store.access import set_git_access
from openclaw_core.store.budgets import Spending
from tests.core.store_world import CAPS, World
from tests.shipped import ROLES

OWNER = 5
FRIEND = 6
STRANGER = 404
GROUP_ID = -100500
GROUP = {"id": GROUP_ID, "type": "supergroup"}


class Desk:
    """The leader's inbox over a real store."""

    def __init__(self, script: Script, access: Access) -> None:
        self.world, self.access, self.updates = World(script), access, 0

    async def open(self) -> "Desk":
        await self.world.lead()
        await set_git_access(self.world.script, self.access.rights(), epoch=self.world.epoch)
        self.handler = UpdateHandler(
            inbox=self.world.inbox, lanes=self.world.lanes, runs=self.world.runs,
            intake=Intake(roles=ROLES, access=self.access), bot=Bot(id=42, username="OpenClawBot"),
            windows=Windows(), epoch=self.world.epoch, chat_cap=CAPS["chat_cap"], total_cap=CAPS["total_cap"],
            spending=Spending(self.world.script, Budgets()),
        )  # fmt: skip
        return self

    def message(self, user: int, text: str, chat: dict[str, Any] | None = None) -> dict[str, Any]:
        self.updates += 1
        where = chat or {"id": user, "type": "private"}
        sender = {"id": user, "is_bot": False, "first_name": "N", "language_code": "en"}
        message = {"message_id": self.updates, "date": self.updates * 100, "chat": where, "from": sender, "text": text}
        return {"update_id": self.updates, "message": message}

    async def handles(self, *updates: dict[str, Any]) -> list[tuple[str, int, dict[str, Any]]]:
        """Handle *updates* as one batch; gives what is told, in which chat, and tells it."""
        await self.world.inbox.admit([("inbox", one) for one in updates], offset=None, epoch=self.world.epoch)
        while await self.handler.handle_batch("inbox"):
            pass
        waiting = [(one.kind, one.chat_id, dict(one.args)) for one in await self.world.notices()]
        await self.world.show_all()
        return waiting

    async def says(self, user: int, text: str, chat: dict[str, Any] | None = None) -> list[str]:
        return [kind for kind, _, _ in await self.handles(self.message(user, text, chat))]

    async def presses(self, user: int, data: str) -> list[str]:
        """The toasts that a press brings, and the kinds of notices."""
        self.updates += 1
        message = {"message_id": 9, "chat": {"id": user, "type": "private"}}
        told = await self.handles(
            {"update_id": self.updates, "callback_query": {"id": "cb", "data": data, "from": {"id": user}, "message": message}}
        )  # fmt: skip
        toasts = [one.toast for one in await self.world.displays.take_indicators(99) if one.toast]
        return toasts + [kind for kind, _, _ in told]

    async def queued(self, chat: int) -> int:
        return len(await self.world.lanes.waiting_in(chat))


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script, Access(users=frozenset({FRIEND}), owners=frozenset({OWNER}))).open()
