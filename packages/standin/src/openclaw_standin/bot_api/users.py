"""What users do in the chats: write, edit, press buttons, send files. Each action queues an update for the bot."""

import itertools
import secrets
import time
from typing import Any, Literal

from openclaw_standin.bot_api.formatting import with_found
from openclaw_standin.bot_api.state import ApiObject, Chat, ChatType, TelegramState

FIRST_USER_ID = 1_000_001
ANONYMOUS_ADMIN: ApiObject = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
"""Telegram's `from` of a message of an anonymous administrator."""
_NOT_IN_REPLIES = ("reply_to_message", "external_reply", "quote")
FileKind = Literal["document", "voice", "photo"]


class Users:
    """Actions of users. Those that queue an update return its id."""

    def __init__(self, state: TelegramState) -> None:
        self._state = state
        self._query_ids = itertools.count(1)

    # ---- chats

    def user(
        self, user_id: int, *, first_name: str = "", language_code: str | None = None, username: str | None = None
    ) -> Chat:
        """The private chat of a user, created at first use. Later names and languages replace earlier ones."""
        chat = self._state.chats.get(user_id)
        if chat is None:
            if user_id <= 0:
                raise ValueError("a user's id is positive; make a group with `add_group` first")
            name = first_name or f"User {user_id}"
            chat = Chat(id=user_id, type="private", title=name, username=username, language_code=language_code or "en")
            return self._state.add_chat(chat)
        if (
            (first_name and first_name != chat.title)
            or (language_code and language_code != chat.language_code)
            or username
        ):
            chat.title = first_name or chat.title
            chat.language_code = language_code or chat.language_code
            chat.username = username or chat.username
            self._state.save_chat(chat)
        return chat

    def new_user(self, *, first_name: str, language_code: str) -> Chat:
        """A user with a new id."""
        taken = [chat_id for chat_id in self._state.chats if chat_id > 0]
        return self.user(max([FIRST_USER_ID - 1, *taken]) + 1, first_name=first_name, language_code=language_code)

    def add_group(self, chat_id: int, *, title: str = "Group", kind: ChatType = "supergroup") -> Chat:
        """A group that the bot is in."""
        if chat_id >= 0:
            raise ValueError("a group's id is negative")
        return self._state.add_chat(Chat(id=chat_id, type=kind, title=title))

    def block(self, chat_id: int, *, reason: str = "blocked") -> None:
        """The bot gets 403 here from now on: `blocked`, `kicked` or `deactivated`. An empty *reason* lets it write again."""
        chat = self._state.chats[chat_id]
        chat.gone = reason
        self._state.save_chat(chat)

    def close_topic(self, chat_id: int, thread_id: int, *, refusal: str = "message thread not found") -> None:
        """An administrator closes (`TOPIC_CLOSED`) or deletes a topic. Messages of the bot to it get *refusal*."""
        self._state.closed_topics[chat_id, thread_id] = refusal

    def upgrade_group(self, chat_id: int, new_id: int) -> int:
        """The group becomes a supergroup with *new_id*. Calls for the old id are told the new one."""
        old = self._state.chats[chat_id]
        self.add_group(new_id, title=old.title)
        message = self._state.new_message(old, self._state.bot, {"migrate_to_chat_id": new_id})
        old.moved_to = new_id
        self._state.save_chat(old)
        return self._state.updates.add({"message": message})

    # ---- messages

    def write(
        self,
        chat_id: int,
        text: str,
        *,
        extra: ApiObject | None = None,
        **sender: Any,
    ) -> int:
        """A user writes *text*. *extra* adds or replaces fields of the message. *sender* are options of `_post`."""
        return self._post(chat_id, {"text": text, "entities": with_found(text) or None} | (extra or {}), **sender)

    def upload(
        self,
        chat_id: int,
        name: str,
        content: bytes,
        *,
        kind: FileKind = "document",
        mime_type: str = "application/octet-stream",
        caption: str = "",
        duration_s: int = 1,
        size: tuple[int, int] | None = None,
        user_id: int | None = None,
        language_code: str | None = None,
        extra: ApiObject | None = None,
    ) -> int:
        """A user sends a file, as a document or as one of the other kinds. *size*: width and height of a photo."""
        file = self._state.new_file(name, mime_type, content)
        parts: dict[FileKind, Any] = {
            "document": file | {"file_name": name, "mime_type": mime_type},
            "voice": file | {"mime_type": mime_type, "duration": duration_s},
            "photo": [file | dict(zip(("width", "height"), size or (640, 480), strict=True))],
        }
        body: ApiObject = {kind: parts[kind]}
        if caption:
            body |= {"caption": caption, "caption_entities": with_found(caption) or None}
        return self._post(chat_id, body | (extra or {}), user_id=user_id, language_code=language_code)

    def _post(
        self,
        chat_id: int,
        body: ApiObject,
        *,
        user_id: int | None = None,
        first_name: str = "",
        language_code: str | None = None,
        username: str | None = None,
        reply_to: int | None = None,
        thread_id: int | None = None,
        as_group: bool = False,
    ) -> int:
        """Post a message. In a group *user_id* is its author, who writes *as_group* if they are an anonymous administrator."""
        state = self._state
        chat = state.chats.get(chat_id)
        if chat_id < 0 and (chat is None or user_id is None):
            raise ValueError("in a group say who: make it with `add_group` and pass user_id")
        sender = self.user(user_id or chat_id, first_name=first_name, language_code=language_code, username=username)
        target = chat if chat is not None and chat.is_group else sender
        if reply_to is not None:
            old = state.message(chat_id, reply_to) or {}
            # As in Telegram, a quoted message quotes none itself.
            quoted = {key: value for key, value in old.items() if key not in _NOT_IN_REPLIES}
            body = body | {"reply_to_message": quoted or None}
        if thread_id is not None:
            body = body | {"message_thread_id": thread_id, "is_topic_message": True}
        author = sender.user()
        if as_group:
            author = ANONYMOUS_ADMIN
            body = body | {"sender_chat": target.wire()}
        message = state.new_message(target, author, body)
        return state.updates.add({"message": message})

    def edit(self, chat_id: int, message_id: int, text: str) -> int:
        """A user edits their message, or its caption. The update comes even if the text is the same."""
        old = self._state.message(chat_id, message_id)
        if old is None:
            raise ValueError("no such message")
        words, entities = ("text", "entities") if "text" in old else ("caption", "caption_entities")
        message = {key: value for key, value in old.items() if key != entities}
        message |= {words: text, "edit_date": int(time.time())}
        if found := with_found(text):
            message[entities] = found
        self._state.save_message(chat_id, message)
        return self._state.updates.add({"edited_message": message})

    def press(
        self, chat_id: int, message_id: int, data: str, *, user_id: int | None = None, stale: bool = False
    ) -> int:
        """A user presses the button with *data*. Raises ValueError if the message has no such button, unless *stale* (an old screen)."""
        state = self._state
        message = state.message(chat_id, message_id)
        if message is None:
            raise ValueError("no such message")
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        if not stale and all(button.get("callback_data") != data for row in rows for button in row):
            raise ValueError("the message shows no button with this data")
        query_id = f"{secrets.randbits(48)}{next(self._query_ids)}"
        state.open_callbacks[query_id] = chat_id
        return state.updates.add(
            {
                "callback_query": {
                    "id": query_id,
                    "from": self.user(user_id or chat_id).user(),
                    "message": message,
                    "chat_instance": str(chat_id),
                    "data": data,
                }
            }
        )
