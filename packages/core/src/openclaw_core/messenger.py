"""The Bot API: one call for each method of the port, errors by cause, nothing repeated, no token shown.

Without python-telegram-bot, whose 180 modules and objects took a fifth of an agent's CPU (docs/benchmarks.md). A send must not be
repeated unless it certainly did not land, an edit may be: that is judged from what the HTTP server said, which its exceptions do not tell.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from openclaw_core import bounded, errors, tls
from openclaw_core.ports import Attachment, Button, Entity, Lang, Page
from openclaw_core.records import parsed, whole

PUBLIC_BASE_URL = "https://api.telegram.org"
CONNECTIONS = 64
CONNECT_TIMEOUT_S = 3.0
REPLY_MAX_BYTES = 4_000_000
FILE_MAX_BYTES = 20_000_000
"""What the Bot API gives to a bot."""
RETRY_MAX_S = 24 * 3600

_SENDS = frozenset({"sendMessage", "sendDocument"})
_EDITS = frozenset({"editMessageText"})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""Faults of httpx after which no byte of the request has left."""
_MESSAGE_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "message not found")
_CHAT_GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "chat_write_forbidden",
    "not enough rights",
    "have no rights",
)
_TOPIC_GONE = ("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid", "topic not found")
"""The topic is closed or deleted; the chat around it is there."""
_MARKUP = ("entit", "url")
_REFUSED_URL = re.compile(r"URL '(.*)' is invalid", re.DOTALL)
_REFUSED_OFFSET = re.compile(r"entity begin(?:s|ning)\b.*?\bat UTF-16 offset (\d+)")
_DONE_ANYWAY = ("message is not modified", "query is too old")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotIdentity:
    """Who the token belongs to."""

    id: int
    username: str
    can_read_all_group_messages: bool


def verdict(method: str, status: int, description: str, parameters: Mapping[str, Any]) -> errors.OpenClawError | None:
    """What a refusal of the Bot API means for us; None if the wish is fulfilled all the same. Pure."""
    said = description.lower()
    if status == 429:
        return errors.FloodWait(retry_after_s=min(RETRY_MAX_S, max(1, whole(parameters.get("retry_after"), 1))))
    if status >= 500:
        return _unclear(method, f"HTTP {status}")
    if status == 400 and any(part in said for part in _DONE_ANYWAY):
        return None
    if status == 401 or (status == 404 and method != "file" and "method" not in said):
        return errors.MessengerUnauthorized("the Bot API does not know this token: set TELEGRAM_TOKEN")
    if status == 409:
        return errors.PollConflict("another process polls with this token, or a webhook is set")
    if status == 421:
        return errors.MessengerUnavailable("HTTP 421")
    if status == 400 and any(part in said for part in _TOPIC_GONE):
        return errors.MessageGone(method) if method in _EDITS else errors.TopicGone(method)
    if status == 403 or (status == 400 and any(part in said for part in _CHAT_GONE)):
        return errors.ChatGone(f"{method}: HTTP {status}")
    if status == 400 and method in _EDITS and any(part in said for part in _MESSAGE_GONE):
        return errors.MessageGone(method)
    if status == 400 and any(part in said for part in _MARKUP):
        url, offset = _REFUSED_URL.search(description), _REFUSED_OFFSET.search(description)
        return errors.MarkupRefused(method, url=url[1] if url else None, offset=int(offset[1]) if offset else None)
    return errors.MessengerRefused(f"{method}: HTTP {status}")


def _unclear(method: str, why: str) -> errors.OpenClawError:
    """The request went out and no usable answer came back."""
    if method in _SENDS:
        return errors.FateUnknown(f"{method}: {why}")
    return errors.MessengerUnavailable(f"{method}: {why}")


class _Moved(Exception):
    """The group became a supergroup and has another id now; nothing was sent."""

    def __init__(self, chat_id: int) -> None:
        super().__init__("moved")
        self.chat_id = chat_id


def _answer(payload: bytes) -> dict[str, Any]:
    """The JSON object that the Bot API always answers with; empty for anything else, such as a proxy's error page."""
    try:
        answer = parsed(payload)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _explanation(payload: bytes) -> tuple[str, Mapping[str, Any]]:
    answer = _answer(payload)
    parameters = answer.get("parameters")
    return str(answer.get("description") or ""), parameters if isinstance(parameters, dict) else {}


class TelegramMessenger:
    """The `Messenger` port. Also what a bot needs at its start and for files."""

    def __init__(self, http: httpx.AsyncClient, *, token: str, timeout_s: float) -> None:
        self._http = http
        self._token = token
        self.timeout_s = timeout_s
        self._moved: dict[int, int] = {}
        self.on_moved: Callable[[int, int], Awaitable[None]] | None = None
        """Told the old and the new id of a chat when a call has found that it moved."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, token: str, base_url: str | None = None, timeout_s: float = 8.0
    ) -> AsyncIterator["TelegramMessenger"]:
        """Connects at the first call. *base_url* is scheme, host and port; *timeout_s* bounds each call as a whole.

        Raises MessengerUnauthorized if *token* cannot be one.
        """
        if not token:
            raise errors.MessengerUnauthorized("TELEGRAM_TOKEN is not a token")
        for name in ("httpx", "httpcore"):  # at INFO they log the URL, and the token with it
            if (logger := logging.getLogger(name)).getEffectiveLevel() < logging.WARNING:
                logger.setLevel(logging.WARNING)
        connect_s = min(CONNECT_TIMEOUT_S, timeout_s / 2)
        async with httpx.AsyncClient(
            base_url=base_url or PUBLIC_BASE_URL,
            headers={"user-agent": "openclaw", **bounded.PLAIN},
            event_hooks={"response": [bounded.at_most(_limit)]},
            timeout=httpx.Timeout(timeout_s, connect=connect_s, pool=connect_s),
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            verify=tls.context(),
        ) as http:
            yield cls(http, token=token, timeout_s=timeout_s)

    def __repr__(self) -> str:
        return f"TelegramMessenger(timeout_s={self.timeout_s})"

    async def send(
        self,
        chat_id: int,
        page: Page,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        buttons: Sequence[Sequence[Button]] = (),
        silent: bool = True,
    ) -> int:
        return await self._send(
            "sendMessage",
            chat_id,
            text=page.text,
            entities=_entities(page.entities),
            thread_id=thread_id,
            reply_to=reply_to,
            link_preview_options={"is_disabled": True},
            reply_markup=_keyboard(buttons),
            disable_notification=silent,
        )

    async def edit(
        self, chat_id: int, message_id: int, page: Page, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        await self._in_chat(
            "editMessageText",
            chat_id,
            message_id=message_id,
            text=page.text,
            entities=_entities(page.entities),
            link_preview_options={"is_disabled": True},
            reply_markup=_keyboard(buttons),
        )

    async def send_file(
        self,
        chat_id: int,
        file: Attachment,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        caption: str = "",
    ) -> int:
        return await self._send(
            "sendDocument",
            chat_id,
            thread_id=thread_id,
            reply_to=reply_to,
            files={"document": (file.name, file.content.encode())},
            caption=caption or None,
            disable_notification=True,
        )

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        reaction = [{"type": "emoji", "emoji": emoji}] if emoji else []
        await self._in_chat("setMessageReaction", chat_id, message_id=message_id, reaction=reaction)

    async def action(self, chat_id: int, *, thread_id: int | None = None) -> None:
        await self._in_chat("sendChatAction", chat_id, action="typing", message_thread_id=thread_id)

    async def answer_button(self, callback_id: str, text: str = "") -> None:
        await self._call("answerCallbackQuery", callback_query_id=callback_id, text=text or None)

    async def get_me(self) -> BotIdentity:
        """Who the token belongs to; the check of a token at start."""
        me = await self._call("getMe")
        if not isinstance(me, dict) or not isinstance(me.get("id"), int):
            raise _not_the_bot_apis("getMe")
        return BotIdentity(
            id=me["id"],
            username=str(me.get("username") or ""),
            can_read_all_group_messages=bool(me.get("can_read_all_group_messages")),
        )

    async def set_commands(self, lang: Lang, commands: Sequence[tuple[str, str]]) -> None:
        """Register the menu for users of *lang*; the English one is also everybody else's."""
        menu = [{"command": name, "description": description} for name, description in commands]
        for code in (None, "en") if lang == "en" else (lang,):
            await self._call("setMyCommands", commands=menu, language_code=code)

    async def get_file_bytes(self, file_id: str, max_bytes: int) -> bytes:
        """The content of a file that a user sent. Raises MessengerRefused if it is larger than *max_bytes*."""
        file = await self._call("getFile", file_id=file_id)
        if not isinstance(file, dict) or not isinstance(file.get("file_path"), str):
            raise _not_the_bot_apis("getFile")
        if whole(file.get("file_size")) <= max_bytes:
            try:
                reply = await self._exchange("file", "GET", f"/file/bot{self._token}/{quote(file['file_path'])}")
            except errors.ReplyTooLong:
                raise errors.MessengerRefused(f"the file is larger than {FILE_MAX_BYTES} bytes") from None
            if reply.status_code >= 300:
                raise verdict("file", reply.status_code, *_explanation(reply.content)) or _not_the_bot_apis("file")
            if len(reply.content) <= max_bytes:
                return reply.content
        raise errors.MessengerRefused(f"the file is larger than {max_bytes} bytes")

    async def _send(
        self, method: str, chat_id: int, *, thread_id: int | None, reply_to: int | None, **fields: Any
    ) -> int:
        """As `_in_chat`, for what becomes a message: gives its id.

        A topic that is closed or deleted has certainly not got the message. It is sent without the topic, as a reply;
        and without the reply too, since Telegram puts a reply into the topic of the message that it answers.
        """
        places = dict.fromkeys([(thread_id, reply_to), (None, reply_to), (None, None)])
        for thread, reply in places:
            try:
                message = await self._in_chat(
                    method, chat_id, message_thread_id=thread, reply_parameters=_reply(reply), **fields
                )
                break
            except errors.TopicGone:
                continue
        else:
            raise errors.ChatGone(f"{method}: no topic of this chat takes a message")
        if not isinstance(message, dict) or not isinstance(message.get("message_id"), int):
            raise _not_the_bot_apis(method)
        return int(message["message_id"])

    async def _in_chat(self, method: str, chat_id: int, **fields: Any) -> Any:
        """As `_call`, in the chat's present id. A group that moved has certainly not got the message: it is sent there."""
        try:
            return await self._call(method, chat_id=self._moved.get(chat_id, chat_id), **fields)
        except _Moved as exc:
            self._moved[chat_id] = exc.chat_id
            if self.on_moved is not None:
                await self.on_moved(chat_id, exc.chat_id)
        try:
            return await self._call(method, chat_id=self._moved[chat_id], **fields)
        except _Moved:
            raise errors.ChatGone(f"{method}: the chat moved twice") from None

    async def _call(self, method: str, *, files: Mapping[str, tuple[str, bytes]] | None = None, **fields: Any) -> Any:
        """The result of a method. Raises _Moved too, for methods that name a chat."""
        reply = await self._exchange(method, "POST", f"/bot{self._token}/{method}", data=_form(fields), files=files)
        if reply.status_code < 300:
            answer = _answer(reply.content)
            if "result" not in answer:
                raise _not_the_bot_apis(method)
            return answer["result"]
        description, parameters = _explanation(reply.content)
        if moved_to := whole(parameters.get("migrate_to_chat_id")):
            raise _Moved(moved_to)
        if fault := verdict(method, reply.status_code, description, parameters):
            raise fault
        return True

    async def _exchange(self, method: str, verb: str, url: str, **body: Any) -> httpx.Response:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._http.request(verb, url, **body)
        except _NOT_SENT as exc:
            fault: errors.OpenClawError = errors.MessengerUnavailable(f"{method}: {type(exc).__name__}")
        except bounded.TooLong:
            fault = errors.ReplyTooLong(method) if method == "file" else _unclear(method, "a reply without end")
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            fault = _unclear(method, type(exc).__name__)
        except TimeoutError:
            fault = _unclear(method, "no answer in time")
        # Raised here, not in the handler: the library's exception may hold the URL with the token, or the user's words.
        raise fault


def _limit(request: httpx.Request) -> int:
    return FILE_MAX_BYTES if request.url.path.startswith("/file/") else REPLY_MAX_BYTES


def _not_the_bot_apis(method: str) -> errors.OpenClawError:
    return _unclear(method, "an answer that is not the Bot API's")


def _form(fields: Mapping[str, Any]) -> dict[str, str]:
    """As the Bot API reads a form: text as it is, anything else as JSON, nothing for None."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in fields.items()
        if value is not None
    }


def _entities(entities: Sequence[Entity]) -> list[dict[str, Any]] | None:
    wire = [
        {"type": e.type, "offset": e.offset, "length": e.length, "url": e.url, "language": e.language} for e in entities
    ]
    return [{name: value for name, value in entity.items() if value is not None} for entity in wire] or None


def _reply(message_id: int | None) -> dict[str, Any] | None:
    """A reply that becomes a plain message if what it answers has been deleted."""
    return None if message_id is None else {"message_id": message_id, "allow_sending_without_reply": True}


def _keyboard(buttons: Sequence[Sequence[Button]]) -> dict[str, Any] | None:
    if not buttons:
        return None
    return {
        "inline_keyboard": [[{"text": button.label, "callback_data": button.data} for button in row] for row in buttons]
    }
