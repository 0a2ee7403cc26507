"""The state of the stand-in's Telegram: one bot, its chats, users, messages, files and pressed buttons."""

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from openclaw_standin.bot_api.chat_page.events import PageEvents
from openclaw_standin.bot_api.flood import Flood
from openclaw_standin.bot_api.storage import Storage
from openclaw_standin.bot_api.updates import Updates
from openclaw_standin.bot_api.wire import ErrorReply, Params, bad_request

ChatType = Literal["private", "group", "supergroup"]
ApiObject = dict[str, Any]
"""An object of the Bot API, as in a reply."""

_GONE = {
    "blocked": "Forbidden: bot was blocked by the user",
    "kicked": "Forbidden: bot was kicked from the supergroup chat",
    "deactivated": "Forbidden: user is deactivated",
}


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat that the bot knows. A private chat is a user too, with the same id."""

    id: int
    type: ChatType
    title: str
    """In a private chat, the first name of the user."""
    username: str | None = None
    language_code: str = "en"
    last_message_id: int = 0
    gone: str = ""
    """Why the bot can no longer write: `blocked`, `kicked`, `deactivated`."""
    moved_to: int | None = None

    @property
    def is_group(self) -> bool:
        return self.type != "private"

    def wire(self) -> ApiObject:
        """As a `Chat` of the Bot API."""
        name = "title" if self.is_group else "first_name"
        return {"id": self.id, "type": self.type, name: self.title} | self._username()

    def user(self) -> ApiObject:
        """As a `User` of the Bot API."""
        fields: ApiObject = {
            "id": self.id,
            "is_bot": False,
            "first_name": self.title,
            "language_code": self.language_code,
        }
        return fields | self._username()

    def _username(self) -> ApiObject:
        return {"username": self.username} if self.username else {}


class TelegramState:
    """The state and its changes. Each change is stored before the call returns, and is atomic in the event loop."""

    def __init__(self, storage: Storage, flood: Flood, *, token: str) -> None:
        self.token = token
        self.storage = storage
        self.flood = flood
        self.page_events = PageEvents()
        self.updates = Updates(storage)
        self.bot: ApiObject = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "OpenClaw",
            "username": "openclaw_local_bot",
        }
        self.chats: dict[int, Chat] = {body["id"]: Chat(**body) for body in storage.chats()}
        self._messages: dict[int, dict[int, ApiObject]] = {}
        self.reactions: dict[tuple[int, int], str] = {}
        for chat_id, message_id, body, reaction in storage.messages():
            self._messages.setdefault(chat_id, {})[message_id] = body
            if reaction:
                self.reactions[chat_id, message_id] = reaction
        self.closed_topics: dict[tuple[int, int], str] = {}
        """Topics that refuse messages of the bot, by chat and thread, with Telegram's error text."""
        self.commands: dict[str, list[ApiObject]] = storage.fact("commands", {})
        self.message_listeners: list[Callable[[ApiObject, bool], None]] = []
        """Called with each message that is new, or (True) edited: the second bot may get it."""
        self.open_callbacks: dict[str, int] = {}
        """Callback queries that the bot has not answered yet: their ids, with their chats."""
        self.file_links: dict[str, float] = {}
        """Paths that `getFile` gave out, and when, by `clock`. A path is good for an hour, and for no file that was not asked for."""
        self.clock: Callable[[], float] = time.monotonic

    # ---- chats

    def add_chat(self, chat: Chat) -> Chat:
        self.chats[chat.id] = chat
        self.save_chat(chat)
        return chat

    def save_chat(self, chat: Chat) -> None:
        self.storage.save_chat(chat.id, asdict(chat))
        self.page_events.publish("chat", chat.id)

    def find_chat(self, params: Params) -> Chat:
        """The chat that *params* name. Raises ErrorReply if there is none or the bot may not write to it."""
        if not params.has("chat_id"):
            raise bad_request("chat_id is empty")
        chat = self.chats.get(params.integer("chat_id"))
        if chat is None:
            raise bad_request("chat not found")
        if chat.moved_to is not None:
            description = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ErrorReply(400, description, parameters={"migrate_to_chat_id": chat.moved_to})
        if chat.gone:
            raise ErrorReply(403, _GONE.get(chat.gone, chat.gone))
        return chat

    def check_topic(self, chat_id: int, thread_id: int | None) -> None:
        """Raises ErrorReply for a topic in which nobody has written, or that is closed or deleted."""
        if not thread_id:
            return
        if refusal := self.closed_topics.get((chat_id, thread_id)):
            raise bad_request(refusal)
        if not any(
            message.get("is_topic_message") and message.get("message_thread_id") == thread_id
            for message in self._messages.get(chat_id, {}).values()
        ):
            raise bad_request("message thread not found")

    # ---- messages

    def messages(self, chat_id: int) -> list[ApiObject]:
        """The messages of a chat, oldest first."""
        return list(self._messages.get(chat_id, {}).values())

    def message(self, chat_id: int, message_id: int) -> ApiObject | None:
        return self._messages.get(chat_id, {}).get(message_id)

    def new_message(self, chat: Chat, sender: ApiObject, body: ApiObject) -> ApiObject:
        """Store a new message, with its number and date."""
        chat.last_message_id += 1
        message = {
            "message_id": chat.last_message_id,
            "from": sender,
            "chat": chat.wire(),
            "date": int(time.time()),
            **{key: value for key, value in body.items() if value not in (None, [], ())},
        }
        with self.storage.transaction():
            self.storage.save_chat(chat.id, asdict(chat))
            self._store(chat.id, message)
        self._publish(chat.id, message, edited=False)
        return message

    def save_message(self, chat_id: int, message: ApiObject) -> None:
        """Add or replace *message* as it is."""
        self._store(chat_id, message)
        self._publish(chat_id, message, edited=True)

    def _publish(self, chat_id: int, message: ApiObject, *, edited: bool) -> None:
        self.page_events.publish("message", chat_id, message=message)
        for listener in self.message_listeners:
            listener(message, edited)

    def _store(self, chat_id: int, message: ApiObject) -> None:
        message_id = message["message_id"]
        # Stored first: a message that the disk has no room for must not be shown.
        self.storage.save_message(chat_id, message_id, message, self.reactions.get((chat_id, message_id), ""))
        self._messages.setdefault(chat_id, {})[message_id] = message

    def delete_message(self, chat_id: int, message_id: int) -> None:
        self._messages.get(chat_id, {}).pop(message_id, None)
        self.reactions.pop((chat_id, message_id), None)
        self.storage.delete_message(chat_id, message_id)
        self.page_events.publish("deleted", chat_id, message_id=message_id)

    def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        self.reactions[chat_id, message_id] = emoji
        if not emoji:
            del self.reactions[chat_id, message_id]
        self._store(chat_id, self._messages[chat_id][message_id])
        self.page_events.publish("reaction", chat_id, message_id=message_id, emoji=emoji)

    # ---- files

    def new_file(self, name: str, mime_type: str, content: bytes, *, folder: str = "documents") -> ApiObject:
        """Store a file. Returns the fields that all kinds of files have."""
        file_id = f"BQ{secrets.token_urlsafe(24)}"
        suffix = Path(name).suffix[:16]
        self.storage.save_file(file_id, f"{folder}/file_{secrets.token_hex(6)}{suffix}", name, mime_type, content)
        return {"file_id": file_id, "file_unique_id": file_id[2:18], "file_size": len(content)}

    # ---- commands

    def set_commands(self, key: str, commands: list[ApiObject]) -> None:
        self.commands[key] = commands
        self.storage.save_fact("commands", self.commands)
        self.page_events.publish("commands")
