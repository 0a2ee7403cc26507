"""The Bot API by python-telegram-bot: one call for each method of the port, errors by cause, nothing repeated, no token shown.

A send must not be repeated unless it certainly did not land, an edit may be. So the answer of the HTTP server is judged
here, before python-telegram-bot turns it into its own exceptions, which no longer tell the cases apart.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
)
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from openclaw_core import errors, tls
from openclaw_core.ports import Attachment, Button, Entity, Lang, Page

PUBLIC_BASE_URL = "https://api.telegram.org"
CONNECTIONS = 64
CONNECT_TIMEOUT_S = 3.0

_Result = TypeVar("_Result")
_SENDS = frozenset({"sendMessage", "sendDocument"})
_EDITS = frozenset({"editMessageText"})
_NOT_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"})
"""Faults of httpx after which no byte of the request has left."""
_MESSAGE_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "message not found")
_CHAT_GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "chat_write_forbidden",
    "not enough rights",
    "have no rights",
    "topic_closed",
    "message thread not found",
)
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
        return errors.FloodWait(retry_after_s=float(parameters.get("retry_after") or 1))
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
    if status == 403 or (status == 400 and any(part in said for part in _CHAT_GONE)):
        return errors.ChatGone(f"{method}: HTTP {status}")
    if status == 400 and method in _EDITS and any(part in said for part in _MESSAGE_GONE):
        return errors.MessageGone(method)
    if status == 400 and "entit" in said:
        return errors.MarkupRefused(method)
    return errors.MessengerRefused(f"{method}: HTTP {status}")


def _unclear(method: str, why: str) -> errors.OpenClawError:
    """The request went out and no usable answer came back."""
    if method in _SENDS:
        return errors.FateUnknown(f"{method}: {why}")
    return errors.MessengerUnavailable(f"{method}: {why}")


class _Judged(TelegramError):
    """Carries a verdict through python-telegram-bot, which lets its own exceptions pass."""

    def __init__(self, fault: errors.OpenClawError) -> None:
        super().__init__(type(fault).__name__)
        self.fault = fault


class _Moved(TelegramError):
    """The group became a supergroup and has another id now; nothing was sent."""

    def __init__(self, chat_id: int) -> None:
        super().__init__("moved")
        self.chat_id = chat_id


class _Requests(HTTPXRequest):
    """python-telegram-bot's transport with our verdicts."""

    async def do_request(self, url: str, method: str, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        api = "file" if "/file/bot" in url else url.rpartition("/")[2]
        try:
            status, payload = await super().do_request(url, method, *args, **kwargs)
        except TelegramError as exc:
            why = type(exc.__cause__).__name__
            not_sent = why in _NOT_SENT
        else:
            if status < 300 and (api == "file" or "result" in _answer(payload)):
                return status, payload
            if status < 300:
                raise _Judged(_unclear(api, "an answer that is not the Bot API's"))
            description, parameters = _explanation(payload)
            if moved_to := parameters.get("migrate_to_chat_id"):
                raise _Moved(int(moved_to))
            fault = verdict(api, status, description, parameters)
            if fault is None:
                return 200, b'{"ok":true,"result":true}'
            raise _Judged(fault)
        raise _Judged(errors.MessengerUnavailable(f"{api}: {why}") if not_sent else _unclear(api, why))


def _answer(payload: bytes) -> dict[str, Any]:
    """The JSON object that the Bot API always answers with; empty for anything else, such as a proxy's error page."""
    try:
        answer = json.loads(payload)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _explanation(payload: bytes) -> tuple[str, Mapping[str, Any]]:
    answer = _answer(payload)
    parameters = answer.get("parameters")
    return str(answer.get("description") or ""), parameters if isinstance(parameters, dict) else {}


@contextmanager
def _translated(method: str) -> Iterator[None]:
    """Inside, faults of python-telegram-bot's *method* become those of `errors`."""
    try:
        yield
    except _Judged as exc:
        fault = exc.fault
    except InvalidToken:
        fault = errors.MessengerUnauthorized("TELEGRAM_TOKEN is not a token")
    except TimeoutError:
        fault = _unclear(method, "no answer in time")
    except TelegramError:
        fault = _unclear(method, "an answer that is not the Bot API's")
    else:
        return
    # Raised here, not in the handler: the SDK's exception may hold the URL with the token, or the user's words.
    raise fault


class TelegramMessenger:
    """The `Messenger` port. Also what a bot needs at its start and for files."""

    def __init__(self, bot: Bot, *, timeout_s: float) -> None:
        self._bot = bot
        self.timeout_s = timeout_s
        self._moved: dict[int, int] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, token: str, base_url: str | None = None, timeout_s: float = 8.0
    ) -> AsyncIterator["TelegramMessenger"]:
        """Connects at the first call. *base_url* is scheme, host and port; *timeout_s* bounds each call as a whole.

        Raises MessengerUnauthorized if *token* cannot be one.
        """
        for name in ("httpx", "httpcore"):  # at INFO they log the URL, and the token with it
            if (logger := logging.getLogger(name)).getEffectiveLevel() < logging.WARNING:
                logger.setLevel(logging.WARNING)
        base = (base_url or PUBLIC_BASE_URL).rstrip("/")
        requests = _Requests(
            connection_pool_size=CONNECTIONS,
            read_timeout=timeout_s,
            write_timeout=timeout_s,
            media_write_timeout=timeout_s,
            connect_timeout=min(CONNECT_TIMEOUT_S, timeout_s / 2),
            pool_timeout=min(CONNECT_TIMEOUT_S, timeout_s / 2),
            httpx_kwargs={"verify": tls.context()},
        )
        try:
            with _translated("open"):
                # `Bot.initialize` would ask the network before the first call is wanted; nothing here needs it.
                bot = Bot(
                    token,
                    base_url=f"{base}/bot",
                    base_file_url=f"{base}/file/bot",
                    request=requests,
                    get_updates_request=requests,
                )
            yield cls(bot, timeout_s=timeout_s)
        finally:
            await requests.shutdown()

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
        message = await self._in_chat(
            "sendMessage",
            chat_id,
            lambda chat: self._bot.send_message(
                chat,
                page.text,
                entities=_entities(page.entities),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                message_thread_id=thread_id,
                reply_parameters=_reply(reply_to),
                reply_markup=_keyboard(buttons),
                disable_notification=silent,
            ),
        )
        return message.message_id

    async def edit(
        self, chat_id: int, message_id: int, page: Page, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        await self._in_chat(
            "editMessageText",
            chat_id,
            lambda chat: self._bot.edit_message_text(
                page.text,
                chat,
                message_id,
                entities=_entities(page.entities),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_markup=_keyboard(buttons),
            ),
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
        message = await self._in_chat(
            "sendDocument",
            chat_id,
            lambda chat: self._bot.send_document(
                chat,
                InputFile(file.content.encode(), filename=file.name),
                caption=caption or None,
                message_thread_id=thread_id,
                reply_parameters=_reply(reply_to),
                disable_notification=True,
            ),
        )
        return message.message_id

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        reaction = [ReactionTypeEmoji(emoji)] if emoji else []
        await self._in_chat(
            "setMessageReaction",
            chat_id,
            lambda chat: self._bot.set_message_reaction(chat, message_id, reaction),
        )

    async def action(self, chat_id: int, *, thread_id: int | None = None) -> None:
        await self._in_chat(
            "sendChatAction",
            chat_id,
            lambda chat: self._bot.send_chat_action(chat, "typing", message_thread_id=thread_id),
        )

    async def answer_button(self, callback_id: str, text: str = "") -> None:
        await self._call("answerCallbackQuery", lambda: self._bot.answer_callback_query(callback_id, text or None))

    async def get_me(self) -> BotIdentity:
        """Who the token belongs to; the check of a token at start."""
        me = await self._call("getMe", self._bot.get_me)
        return BotIdentity(
            id=me.id,
            username=me.username or "",
            can_read_all_group_messages=bool(me.can_read_all_group_messages),
        )

    async def set_commands(self, lang: Lang, commands: Sequence[tuple[str, str]]) -> None:
        """Register the menu for users of *lang*; the English one is also everybody else's."""
        menu = [BotCommand(name, description) for name, description in commands]
        for code in (None, "en") if lang == "en" else (lang,):
            await self._call("setMyCommands", partial(self._bot.set_my_commands, menu, language_code=code))

    async def get_file_bytes(self, file_id: str, max_bytes: int) -> bytes:
        """The content of a file that a user sent. Raises MessengerRefused if it is larger than *max_bytes*."""
        file = await self._call("getFile", lambda: self._bot.get_file(file_id))
        if (file.file_size or 0) <= max_bytes:
            content = bytes(await self._call("file", file.download_as_bytearray))
            if len(content) <= max_bytes:
                return content
        raise errors.MessengerRefused(f"the file is larger than {max_bytes} bytes")

    async def _in_chat(self, method: str, chat_id: int, call: Callable[[int], Awaitable[_Result]]) -> _Result:
        """As `_call`, in the chat's present id. A group that moved has certainly not got the message: it is sent there."""

        async def follow() -> _Result:
            try:
                return await call(self._moved.get(chat_id, chat_id))
            except _Moved as exc:
                self._moved[chat_id] = exc.chat_id
            try:
                return await call(self._moved[chat_id])
            except _Moved:
                raise _Judged(errors.ChatGone(f"{method}: the chat moved twice")) from None

        return await self._call(method, follow)

    async def _call(self, method: str, call: Callable[[], Awaitable[_Result]]) -> _Result:
        with _translated(method):
            async with asyncio.timeout(self.timeout_s):
                return await call()
        raise AssertionError("unreachable: `_translated` raises or the call returned")


def _entities(entities: Sequence[Entity]) -> list[MessageEntity]:
    return [
        MessageEntity(entity.type, entity.offset, entity.length, url=entity.url, language=entity.language)
        for entity in entities
    ]


def _reply(message_id: int | None) -> ReplyParameters | None:
    """A reply that becomes a plain message if what it answers has been deleted."""
    return None if message_id is None else ReplyParameters(message_id, allow_sending_without_reply=True)


def _keyboard(buttons: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.label, callback_data=button.data) for button in row] for row in buttons]
    )
