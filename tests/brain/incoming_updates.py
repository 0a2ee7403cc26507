"""Updates as Telegram sends them, sound ones and parts of broken ones."""

from typing import Any

from hypothesis import strategies as st

from openclaw_brain.telegram.incoming import Bot, Incoming, read_update

BOT = Bot(id=42, username="OpenClawBot")
USER = {"id": 7, "is_bot": False, "first_name": "A", "language_code": "he"}
PRIVATE = {"id": 7, "type": "private"}
GROUP = {"id": -100500, "type": "supergroup", "title": "G"}


def message(chat: dict[str, Any] = PRIVATE, **fields: Any) -> dict[str, Any]:
    return {"update_id": 1, "message": {"message_id": 5, "date": 1, "chat": chat, "from": USER, **fields}}


def read(update: dict[str, Any]) -> Incoming:
    return read_update(update, BOT)


def edited(chat: dict[str, Any] = PRIVATE, **fields: Any) -> dict[str, Any]:
    return {"update_id": 1, "edited_message": message(chat, **fields)["message"]}


NAMES = [
    "message", "chat", "from", "id", "type", "text", "caption", "entities", "caption_entities", "offset", "length",
    "user", "reply_to_message",
    "external_reply", "message_id", "quote", "new_chat_members", "voice", "document", "file_id", "file_name",
    "mime_type", "file_size", "photo",
    "message_thread_id", "is_topic_message", "language_code", "data", "rich_message", "blocks", "items", "cells",
    "summary", "label", "credit", "username",
    "checklist", "tasks", "title", "poll", "question", "options", "contact", "first_name", "venue", "location",
    "latitude", "longitude", "game", "gift",
    "sender_chat", "forward_origin", "media_group_id", "migrate_to_chat_id", "pinned_message", "date", "edit_date", "file_unique_id",
]  # fmt: skip
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | st.floats() | st.text()
    | st.sampled_from(["private", "supergroup", "mention", "bot_command", "/stop", "@OpenClawBot", "\ud800", "application/json", "retry:", "file:u1:x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=10,
)  # fmt: skip
PARTS = st.dictionaries(st.sampled_from(NAMES), junk, max_size=4)
