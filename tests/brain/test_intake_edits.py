"""What an edited message becomes."""

from typing import Any

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.context import ChatFacts
from openclaw_brain.inbox.handler import _needs_store
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.telegram.incoming import read_update
from openclaw_core.roles.values import Roles
from tests.brain.intake_chat import BOT, GROUP, NOTHING, Chat, Row, chat, roles, rows, task_of

__all__ = ["chat", "roles"]


def edits(chat: Chat, text: str, *, where: Any = GROUP, **fields: Any) -> list[Row]:
    message = {"message_id": 5, "date": 1, "edit_date": 9, "chat": where, "from": {"id": 7}, "text": text, **fields}
    return rows(chat.intake, read_update({"update_id": 4, "edited_message": message}, BOT), NOTHING, admitted_ms=1)


def test_an_edit_carries_what_it_asks_for_and_the_digest_of_its_words(chat: Chat) -> None:
    [effect] = edits(chat, "@OpenClawBot why?")
    [fresh] = effect["fresh"]
    assert (effect["op"], effect["message_id"], fresh["op"], fresh["id"], task_of(fresh).text) == (
        "edited",
        "5",
        "task",
        "u4",
        "why?",
    )
    [said] = chat.says("@OpenClawBot why?", chat=GROUP)
    assert said["heard"] == effect["heard"] == fresh["heard"]
    assert (said["heard_of"], chat.says("/nonsense")[0]["heard_of"]) == ("5", "5")
    [other] = edits(chat, "@OpenClawBot why not?")
    assert other["heard"] != effect["heard"]


@pytest.mark.parametrize("text", ["why?", "/ban x", "/etc/hosts"])
def test_an_edit_that_is_not_meant_for_us_does_nothing(chat: Chat, text: str) -> None:
    assert edits(chat, text) == []


def test_an_edit_of_somebody_without_access_or_of_a_bot_does_nothing(roles: Roles, chat: Chat) -> None:
    private = {"id": 7, "type": "private"}
    assert edits(Chat(roles, frozenset()), "why?", where=private) == []
    streaming: dict[str, Any] = {"from": {"id": 9, "is_bot": True}}
    listed = Chat(roles)
    listed.intake = Intake(roles=roles, access=Access(users=None, bots=frozenset({9})))
    assert edits(listed, "/code@OpenClawBot x", **streaming) == []


def test_an_edit_to_a_command_that_asks_the_store_is_known_as_such(chat: Chat) -> None:
    message = {"message_id": 5, "date": 1, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}, "text": "/retry"}
    incoming = read_update({"update_id": 4, "edited_message": message}, BOT)
    assert _needs_store(incoming, frozenset())
    old = task_of(chat.says("again please")[0])
    [effect] = rows(chat.intake, incoming, ChatFacts(old_task=old), admitted_ms=1)
    assert [one["op"] for one in effect["fresh"]] == ["retry"]
