"""The messenger: Telegram's Bot API over python-telegram-bot. One call for each method, errors by cause, no retries, no token in logs."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
)
from telegram.constants import ChatAction
from telegram.error import TelegramError

from openclaw_core import errors
from openclaw_core.chat.telegram.error_translation import FILE, Moved, fate_unknown, translated_error
from openclaw_core.chat.telegram.request import FILE_MAX_BYTES, OversizedReply, TelegramRequest
from openclaw_core.ports import AnswerFile, Button, Entity, Lang, Page, picture_name
from openclaw_core.records import UNREADABLE, whole

PUBLIC_BASE_URL = "https://api.telegram.org"

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_LOGGERS_WITH_SECRETS = ("httpx", "httpcore", "telegram", "telegram.Bot")
"""At INFO or DEBUG they log URLs, which hold the token, and the user's words."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotIdentity:
    """Who the token belongs to."""

    id: int
    username: str


class TelegramMessenger:
    """The `Messenger` port. Also what a bot needs at its start and for files."""

    def __init__(self, bot: Bot, request: TelegramRequest, *, timeout_s: float) -> None:
        self._bot = bot
        self._request = request
        self.timeout_s = timeout_s
        self._moved: dict[int, int] = {}
        self.on_moved: Callable[[int, int], Awaitable[None]] | None = None
        """Called with the old and the new id of a chat that has moved."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, token: str, base_url: str | None = None, timeout_s: float = 8.0
    ) -> AsyncIterator["TelegramMessenger"]:
        """Connects at the first call. *base_url* is scheme, host and port; *timeout_s* limits each call.

        Raises MessengerUnauthorized if *token* cannot be one.
        """
        if not token:
            raise errors.MessengerUnauthorized("TELEGRAM_TOKEN is not a token")
        for name in _LOGGERS_WITH_SECRETS:
            if (logger := logging.getLogger(name)).getEffectiveLevel() < logging.WARNING:
                logger.setLevel(logging.WARNING)
        server = (base_url or PUBLIC_BASE_URL).rstrip("/")
        async with TelegramRequest(timeout_s=timeout_s) as request:
            bot = Bot(  # not initialized: that would be a call, and everything here works without
                token,
                base_url=f"{server}/bot",
                base_file_url=f"{server}/file/bot",
                request=request,
                get_updates_request=request,
            )
            yield cls(bot, request, timeout_s=timeout_s)

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
        sending = partial(
            self._bot.send_message,
            text=page.text,
            entities=_entities(page.entities),
            link_preview_options=_NO_PREVIEW,
            reply_markup=_keyboard(buttons),
            disable_notification=silent,
        )
        return await self._send("sendMessage", chat_id, sending, thread_id=thread_id, reply_to=reply_to)

    async def edit(
        self, chat_id: int, message_id: int, page: Page, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        editing = partial(
            self._bot.edit_message_text,
            text=page.text,
            message_id=message_id,
            entities=_entities(page.entities),
            link_preview_options=_NO_PREVIEW,
            reply_markup=_keyboard(buttons),
        )
        await self._in_chat("editMessageText", chat_id, editing)

    async def send_file(
        self,
        chat_id: int,
        file: AnswerFile,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        caption: str = "",
    ) -> int:
        sending = partial(
            self._bot.send_document,
            document=InputFile(
                file.content.encode() if isinstance(file.content, str) else file.content, filename=file.name
            ),
            caption=caption or None,
            disable_notification=True,
        )
        return await self._send("sendDocument", chat_id, sending, thread_id=thread_id, reply_to=reply_to)

    async def send_picture(
        self, chat_id: int, picture: bytes, *, thread_id: int | None = None, reply_to: int | None = None
    ) -> int:
        sending = partial(
            self._bot.send_photo, photo=InputFile(picture, filename=picture_name(picture)), disable_notification=True
        )
        return await self._send("sendPhoto", chat_id, sending, thread_id=thread_id, reply_to=reply_to)

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        reaction = [ReactionTypeEmoji(emoji)] if emoji else []
        reacting = partial(self._bot.set_message_reaction, message_id=message_id, reaction=reaction)
        await self._in_chat("setMessageReaction", chat_id, reacting)

    async def show_typing(self, chat_id: int, *, thread_id: int | None = None) -> None:
        typing = partial(self._bot.send_chat_action, action=ChatAction.TYPING, message_thread_id=thread_id)
        await self._in_chat("sendChatAction", chat_id, typing)

    async def answer_button(self, callback_id: str, text: str = "") -> None:
        await self._call("answerCallbackQuery", self._bot.answer_callback_query(callback_id, text or None))

    async def get_me(self) -> BotIdentity:
        """The bot of the token."""
        me = await self._call("getMe", self._bot.get_me())
        if me is None or not isinstance(me.id, int):
            raise _not_the_bot_apis("getMe")
        return BotIdentity(
            id=me.id,
            username=str(me.username or ""),
        )

    async def set_commands(self, lang: Lang, commands: Sequence[tuple[str, str]]) -> None:
        """Set the command menu for users of *lang*; the English one is also the default."""
        menu = [BotCommand(name, description) for name, description in commands]
        for code in (None, "en") if lang == "en" else (lang,):
            await self._call("setMyCommands", self._bot.set_my_commands(menu, language_code=code))

    async def get_file_bytes(self, file_id: str, max_bytes: int) -> bytes:
        async with aclosing(self.stream_file(file_id, max_bytes)) as pieces:
            return b"".join([piece async for piece in pieces])

    async def stream_file(self, file_id: str, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """Yield a file that a user sent, piece by piece.

        Raises MessengerRefused if the file has more than *max_bytes* bytes, or more than the Bot API gives: before the first piece if
        the Bot API states the size, else after *max_bytes* bytes at most. Each of the two requests waits `timeout_s` at most, without the
        time that the reader takes between pieces. A reader that may stop early uses `contextlib.aclosing`.
        """
        file = await self._call("getFile", self._bot.get_file(file_id))
        if file is None or not isinstance(file.file_path, str):
            raise _not_the_bot_apis("getFile")
        most = min(max_bytes, FILE_MAX_BYTES)
        too_large = errors.MessengerRefused(f"the file is larger than {most} bytes")
        if whole(file.file_size) > most:
            raise too_large
        # The library would read a local file if there is one of that path. Always ask the server.
        folder = self._bot.base_file_url
        url = f"{folder}/{quote(file.file_path.removeprefix(f'{folder}/'))}"
        try:
            async with aclosing(self._request.stream(url, most)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        except OversizedReply:
            fault: errors.OpenClawError | None = too_large
        except TelegramError as exc:
            fault = translated_error(FILE, exc)
        raise fault or _not_the_bot_apis(FILE)

    async def _send(
        self,
        method: str,
        chat_id: int,
        sending: Callable[..., Awaitable[Message]],
        *,
        thread_id: int | None,
        reply_to: int | None,
    ) -> int:
        """As `_in_chat` for a new message. Returns its id.

        If the topic is closed or deleted, the message is sent as a reply without the topic, then without the reply too:
        Telegram puts a reply into the topic of the message that it answers.
        """
        places = dict.fromkeys([(thread_id, reply_to), (None, reply_to), (None, None)])
        for thread, reply in places:
            there = partial(sending, message_thread_id=thread, reply_parameters=_reply(reply))
            try:
                message = await self._in_chat(method, chat_id, there)
                break
            except errors.TopicGone:
                continue
        else:
            raise errors.ChatGone(f"{method}: no topic of this chat takes a message")
        if not isinstance(message, Message) or not isinstance(message.message_id, int):
            raise _not_the_bot_apis(method)
        return message.message_id

    async def _in_chat(self, method: str, chat_id: int, call: Callable[..., Awaitable[T]]) -> T | None:
        """As `_call`, with the chat's present id. After a move the call is repeated with the new id."""
        try:
            return await self._call(method, call(chat_id=self._moved.get(chat_id, chat_id)))
        except Moved as exc:
            self._moved[chat_id] = exc.chat_id
            if self.on_moved is not None:
                await self.on_moved(chat_id, exc.chat_id)
        try:
            return await self._call(method, call(chat_id=self._moved[chat_id]))
        except Moved:
            raise errors.ChatGone(f"{method}: the chat moved twice") from None

    async def _call(self, method: str, call: Awaitable[T]) -> T | None:
        """The result of a library call; None if it was refused but the wanted state holds anyway. Raises Moved for chats that moved."""
        try:
            return await call
        except TelegramError as exc:
            fault = translated_error(method, exc)
        except UNREADABLE:  # the library builds its types from any result
            fault = _not_the_bot_apis(method)
        # Raised here, not in the handler: the library's exception may hold the token, or the user's words.
        if fault is not None:
            raise fault
        return None


def _not_the_bot_apis(method: str) -> errors.OpenClawError:
    return fate_unknown(method, "an answer that is not the Bot API's")


def _entities(entities: Sequence[Entity]) -> list[MessageEntity] | None:
    return [MessageEntity(e.type, e.offset, e.length, url=e.url, language=e.language) for e in entities] or None


def _reply(message_id: int | None) -> ReplyParameters | None:
    """A reply that becomes a plain message if what it answers has been deleted."""
    return None if message_id is None else ReplyParameters(message_id, allow_sending_without_reply=True)


def _keyboard(buttons: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.label, callback_data=button.data) for button in row] for row in buttons]
    )
