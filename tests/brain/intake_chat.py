"""A chat with the intake: what is said and pressed there, and the effects that it has."""

from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.context import ChatFacts
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import Bot, Incoming, read_update
from openclaw_core.roles.values import Roles
from openclaw_core.store.effects import to_lua
from openclaw_core.tasks.task import Task, from_json
from tests.shipped import ROLES

NOTHING = ChatFacts()
BOT = Bot(id=42, username="OpenClawBot")
GROUP = {"id": -100500, "type": "supergroup"}
Row = dict[str, Any]
"""An effect as the script reads it."""


@pytest.fixture(scope="module")
def roles() -> Roles:
    return ROLES


def rows(intake: Intake, incoming: Incoming, known: ChatFacts, *, admitted_ms: int = 1) -> list[Row]:
    return [to_lua(effect) for effect in intake.effects(incoming, known, admitted_ms=admitted_ms)]


class Chat:
    def __init__(self, roles: Roles, users: frozenset[int] | None = None, *, english_only: bool = False) -> None:
        self.intake = Intake(roles=roles, access=Access(users=users), english_only=english_only)

    def says(
        self, text: str = "", *, known: ChatFacts = NOTHING, user: int = 7, bot: bool = False, **fields: Any
    ) -> list[Row]:
        message = {
            "message_id": 5, "date": 1, "chat": {"id": user, "type": "private"},
            "from": {"id": user, "is_bot": bot, "language_code": "en"}, **fields,
        }  # fmt: skip
        if text:
            message["text"] = text
        return rows(self.intake, read_update({"update_id": 3, "message": message}, BOT), known, admitted_ms=1000)

    def presses(self, data: str, known: ChatFacts = NOTHING) -> list[Row]:
        query = {
            "id": "cb",
            "data": data,
            "from": {"id": 7},
            "message": {"message_id": 9, "chat": {"id": 7, "type": "private"}},
        }
        return rows(self.intake, read_update({"update_id": 3, "callback_query": query}, BOT), known, admitted_ms=1000)


@pytest.fixture
def chat(roles: Roles) -> Chat:
    return Chat(roles)


def kinds(effects: list[Row]) -> list[str]:
    return [str(effect.get("kind", effect["op"])) for effect in effects]


def task_of(effect: Row) -> Task:
    return from_json(str(effect["record"]))
