"""Everything that exists on the Telegram of the stand-in: one bot, its chats, users, messages, files and buttons pressed."""

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from openclaw_standin.bot_api.chat_page.events import Changes
from openclaw_standin.bot_api.flood import Flood
from openclaw_standin.bot_api.storage import Keeper
from openclaw_standin.bot_api.updates import Updates
from openclaw_standin.bot_api.wire import Params, Refused, bad_request

ChatType = Literal["private", "group", "supergroup", "channel"]
Wire = dict[str, Any]
"""An object of the Bot API, as it stands in a reply."""

_GONE = {
    "blocked": "Forbidden: bot was blocked by the user",
    "kicked": "Forbidden: bot was kicked from the supergroup chat",
    "deactivated": "Forbidden: user is deactivated",
}


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat that the bot can know of. A private one is a user too, with the same id."""

    id: int
    type: ChatType
    title: str
    """A user's first name in a private chat."""
    username: str | None = None
    language_code: str = "en"
    last_message_id: int = 0
    gone: str = ""
    """Why the bot cannot write any more: `blocked`, `kicked`, `deactivated`."""
    moved_to: int | None = None

    @property
    def is_group(self) -> bool:
        return self.type != "private"

    def wire(self) -> Wire:
        body: Wire = {"id": self.id, "type": self.type}
        body["title" if self.is_group else "first_name"] = self.title
        if self.username:
            body["username"] = self.username
        return body

    def user(self) -> Wire:
        body: Wire = {"id": self.id, "is_bot": False, "first_name": self.title, "language_code": self.language_code}
        if self.username:
            body["username"] = self.username
        return body


class World:
    """State and its changes, each written through before the caller goes on. All steps are atomic in the event loop."""

    def __init__(self, keeper: Keeper, flood: Flood, *, token: str, name: str, username: str) -> None:
        self.token = token
        self.keeper = keeper
        self.flood = flood
        self.changes = Changes()
        self.updates = Updates(keeper)
        self.bot: Wire = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": name,
            "username": username,
        }
        self.chats: dict[int, Chat] = {body["id"]: Chat(**body) for body in keeper.chats()}
        self._messages: dict[int, dict[int, Wire]] = {}
        self.reactions: dict[tuple[int, int], str] = {}
        for chat_id, message_id, body, reaction in keeper.messages():
            self._messages.setdefault(chat_id, {})[message_id] = body
            if reaction:
                self.reactions[chat_id, message_id] = reaction
        self.lost_topics: dict[tuple[int, int], str] = {}
        """Topics that take no message of the bot, by chat and thread, with Telegram's words for why."""
        self.commands: dict[str, list[Wire]] = keeper.known("commands", {})
        self.watchers: list[Callable[[Wire, bool], None]] = []
        """Told of each message that is new, or (True) edited: another bot may hear it."""
        self.waiting_buttons: dict[str, int] = {}
        """Ids of callback queries that the bot has not answered, with their chats."""

    # ---- chats

    def add_chat(self, chat: Chat) -> Chat:
        self.chats[chat.id] = chat
        self.save_chat(chat)
        return chat

    def save_chat(self, chat: Chat) -> None:
        self.keeper.chat(chat.id, asdict(chat))
        self.changes.publish("chat", chat.id)

    def find_chat(self, params: Params) -> Chat:
        """The chat that *params* name. Raises Refused if there is none or if the bot may not write to it."""
        raw = params.text("chat_id")
        if not raw:
            raise bad_request("chat_id is empty")
        if raw.startswith("@"):
            chat = next((c for c in self.chats.values() if c.username == raw[1:] and c.is_group), None)
        else:
            chat = self.chats.get(params.integer("chat_id"))
        if chat is None:
            raise bad_request("chat not found")
        if chat.moved_to is not None:
            what = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refused(400, what, parameters={"migrate_to_chat_id": chat.moved_to})
        if chat.gone:
            raise Refused(403, _GONE.get(chat.gone, chat.gone))
        return chat

    def check_topic(self, chat_id: int, thread_id: int | None) -> None:
        """Raises Refused for a topic in which nobody has written, or that is closed or deleted."""
        if not thread_id:
            return
        if refusal := self.lost_topics.get((chat_id, thread_id)):
            raise bad_request(refusal)
        if not any(
            message.get("is_topic_message") and message.get("message_thread_id") == thread_id
            for message in self._messages.get(chat_id, {}).values()
        ):
            raise bad_request("message thread not found")

    # ---- messages

    def messages(self, chat_id: int) -> list[Wire]:
        """The messages of a chat, oldest first."""
        return list(self._messages.get(chat_id, {}).values())

    def message(self, chat_id: int, message_id: int) -> Wire | None:
        return self._messages.get(chat_id, {}).get(message_id)

    def new_message(self, chat: Chat, sender: Wire, body: Wire) -> Wire:
        """Number, date and keep a message."""
        chat.last_message_id += 1
        message = {
            "message_id": chat.last_message_id,
            "from": sender,
            "chat": chat.wire(),
            "date": int(time.time()),
            **{key: value for key, value in body.items() if value not in (None, [], ())},
        }
        with self.keeper.together():
            self.keeper.chat(chat.id, asdict(chat))
            self._keep(chat.id, message)
        self._tell(chat.id, message, edited=False)
        return message

    def keep_message(self, chat_id: int, message: Wire) -> None:
        """Replace or add *message* as it is."""
        self._keep(chat_id, message)
        self._tell(chat_id, message, edited=True)

    def _tell(self, chat_id: int, message: Wire, *, edited: bool) -> None:
        self.changes.publish("message", chat_id, message=message)
        for watcher in self.watchers:
            watcher(message, edited)

    def _keep(self, chat_id: int, message: Wire) -> None:
        message_id = message["message_id"]
        # First where it stays: a write for which there is no room must not be shown as if it had been made.
        self.keeper.message(chat_id, message_id, message, self.reactions.get((chat_id, message_id), ""))
        self._messages.setdefault(chat_id, {})[message_id] = message

    def forget_message(self, chat_id: int, message_id: int) -> None:
        self._messages.get(chat_id, {}).pop(message_id, None)
        self.reactions.pop((chat_id, message_id), None)
        self.keeper.forget_message(chat_id, message_id)
        self.changes.publish("deleted", chat_id, message_id=message_id)

    def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        self.reactions[chat_id, message_id] = emoji
        if not emoji:
            del self.reactions[chat_id, message_id]
        self._keep(chat_id, self._messages[chat_id][message_id])
        self.changes.publish("reaction", chat_id, message_id=message_id, emoji=emoji)

    # ---- files

    def new_file(self, name: str, mime_type: str, content: bytes, *, folder: str = "documents") -> Wire:
        """Keep a file and return the fields that every kind of it has."""
        file_id = f"BQ{secrets.token_urlsafe(24)}"
        suffix = Path(name).suffix[:16]
        self.keeper.file(file_id, f"{folder}/file_{secrets.token_hex(6)}{suffix}", name, mime_type, content)
        return {"file_id": file_id, "file_unique_id": file_id[2:18], "file_size": len(content)}

    # ---- commands

    def set_commands(self, key: str, commands: list[Wire]) -> None:
        self.commands[key] = commands
        self.keeper.fact("commands", self.commands)
        self.changes.publish("commands")
