"""Parses a raw update into an `Incoming`. Pure; raises nothing, whatever the update looks like."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_brain.telegram.content import (
    GESTURES,
    MessageKind,
    attachment,
    attachment_id,
    is_service,
    kind_of,
    unseen,
)
from openclaw_brain.telegram.message_text import QUOTED_MAX_CHARS, MessageText, full_text, quoted_text, sender_text
from openclaw_brain.telegram.wire import integer, listed, mapping, text_of
from openclaw_core.characters import trimmed
from openclaw_core.store.inbox import Stream
from openclaw_core.tasks.task import Attachment, ChatKind

# They bypass the queue: a command about a running task must not wait behind it.
CONTROL_COMMANDS = frozenset({"stop", "status", "usage", "why", "help"})
ROOT_FOLDERS = frozenset(
    {
        "applications", "bin", "boot", "dev", "etc", "home", "lib", "lib64", "library", "media", "mnt", "opt",
        "private", "proc", "root", "run", "sbin", "srv",
        "sys", "system", "tmp", "users", "usr", "var", "volumes",
    }
)  # fmt: skip
"""Folders at the root of Linux and macOS. A message that begins with one is about a path, not a command."""
EDIT_MAX_AGE_S = 48 * 3600
"""The digest of a message is stored this long. An edit of an older message would be answered twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Who this bot is, to see which messages are meant for it."""

    id: int
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What a person did, parsed from an update. Kind `ignored`: nobody expects an answer."""

    update_id: int
    kind: MessageKind
    chat_id: int = 0
    chat_kind: ChatKind = "private"
    user_id: int = 0
    """The sender. For a person who writes as a group or a channel: the id of that chat."""
    user_is_bot: bool = False
    message_id: int = 0
    thread_id: int | None = None
    language_code: str = ""
    text: str = field(default="", repr=False)
    prose: str | None = field(default=None, repr=False)
    """The part of the text whose letters tell the language, if that is not *text*."""
    quoted: str = field(default="", repr=False)
    attachment: Attachment | None = None
    """A recording, text file, document or picture, here or in the message replied to. Other files have kind `file` only."""
    unseen: str = ""
    """What came with the text and no agent can read: `photo`, `video`, `file` or `other`."""
    details: str = field(default="", repr=False)
    """The names and addresses in a message without text: a contact, a place, a game."""
    command: str = ""
    names_us: bool = False
    """Whether a command names this bot."""
    edited_kind: MessageKind = "ignored"
    """Of an edit: the kind that the message has now."""
    content_digest: str = ""
    """Changes when somebody changes the text or the file of this message."""
    button_id: str = ""
    button_data: str = field(default="", repr=False)
    media_group_id: str = ""
    """Telegram's id of an album, the same for all its messages."""
    forwarded: bool = False
    migrated_to: int = 0
    """The chat's new id, if this is the service message that says so (kind `migrated`)."""

    @property
    def content_kind(self) -> MessageKind:
        """The kind; of an edit, the kind that its message has now."""
        return self.edited_kind if self.kind == "edited" else self.kind


def stream_of(update: Mapping[str, Any]) -> Stream:
    """Return the stream for a raw update."""
    if "callback_query" in update:
        return "control"
    message = mapping(update.get("message")) or mapping(update.get("edited_message"))
    command, _, _ = _command_in(message, _without_mention(sender_text(message).text, None))
    return "control" if command in CONTROL_COMMANDS else "inbox"


def read_update(update: Mapping[str, Any], bot: Bot) -> Incoming:
    """Parse *update*. An update that lacks what its kind needs is `ignored`."""
    update_id = integer(update.get("update_id"))
    if "callback_query" in update:
        return _button(update_id, mapping(update["callback_query"]))
    if "message" in update:
        return _message(update_id, mapping(update["message"]), bot)
    if "edited_message" in update:
        return _edited(update_id, mapping(update["edited_message"]), bot)
    # Channel posts, reactions, polls, members: nobody waits for an answer.
    return Incoming(update_id=update_id, kind="ignored")


def _button(update_id: int, query: Mapping[str, Any]) -> Incoming:
    message = mapping(query.get("message"))
    chat, user = mapping(message.get("chat")), mapping(query.get("from"))
    chat_kind = _chat_kind(chat)
    if not (integer(chat.get("id")) and integer(user.get("id")) and chat_kind):
        return Incoming(update_id=update_id, kind="ignored")
    return Incoming(
        update_id=update_id,
        kind="button",
        chat_id=integer(chat.get("id")),
        chat_kind=chat_kind,
        user_id=integer(user.get("id")),
        message_id=integer(message.get("message_id")),
        thread_id=_thread(message),
        language_code=text_of(user.get("language_code"))[:35],
        button_id=text_of(query.get("id"))[:64],
        button_data=text_of(query.get("data"))[:64],
    )


def _edited(update_id: int, message: Mapping[str, Any], bot: Bot) -> Incoming:
    """Parse an edit. Whether the text changed is not in the update: the store knows the digest from before."""
    now = _message(update_id, message, bot)
    age_s = integer(message.get("edit_date")) - integer(message.get("date"))
    # Telegram also edits what nobody changed: a location that is shared live, a poll that is voted in.
    if now.kind in ("ignored", "migrated", "joined") or age_s > EDIT_MAX_AGE_S or not now.content_digest:
        return replace(now, kind="ignored")
    return replace(now, kind="edited", edited_kind=now.kind)


def _message(update_id: int, message: Mapping[str, Any], bot: Bot) -> Incoming:
    chat, user = mapping(message.get("chat")), mapping(message.get("from"))
    chat_id, chat_kind = integer(chat.get("id")), _chat_kind(chat)
    moved_to, moved_from = integer(message.get("migrate_to_chat_id")), integer(message.get("migrate_from_chat_id"))
    for old_id, new_id in ((chat_id, moved_to), (moved_from, chat_id)):
        if old_id and new_id and chat_kind:
            return Incoming(
                update_id=update_id, kind="migrated", chat_id=old_id, chat_kind=chat_kind, migrated_to=new_id
            )
    if not (chat_id and integer(user.get("id")) and integer(message.get("message_id")) and chat_kind):
        return Incoming(update_id=update_id, kind="ignored")
    written = sender_text(message)
    named_first, text = _leading_mention(written.text, bot)
    command, rest, named = _command_in(message, text)
    names_us = named_first or named.lower() == bot.username.lower()
    reply = mapping(message.get("reply_to_message"))
    elsewhere = mapping(message.get("external_reply"))
    kind: MessageKind = "command" if command else kind_of(message, has_text=bool(written.text))
    gesture = not written.text and not GESTURES.isdisjoint(message)
    if chat_kind == "group":
        if command and named and not names_us:
            kind = "ignored"  # a command for another bot
        elif kind == "joined":
            kind = "joined" if _joined_is(message, bot) else "ignored"
        elif gesture or not (command or names_us or _is_for(bot, written, reply)):
            kind = "ignored"
    if integer(user.get("id")) == bot.id:
        kind = "ignored"  # our own answer, whatever the settings allow bots
    # For a person who writes as a group or a channel, and for posts of a linked channel, Telegram puts a bot of its own into `from`.
    sender_chat_id = integer(mapping(message.get("sender_chat")).get("id"))
    quote = quoted_text(message)
    own = attachment(message)
    replied = attachment(reply) or attachment(elsewhere) if written.text else None
    chosen = _chosen(own, replied)
    return Incoming(
        update_id=update_id,
        kind=kind,
        chat_id=chat_id,
        chat_kind=chat_kind,
        user_id=sender_chat_id or integer(user.get("id")),
        user_is_bot=user.get("is_bot") is True and not sender_chat_id,
        message_id=integer(message.get("message_id")),
        thread_id=_thread(message),
        language_code=text_of(user.get("language_code"))[:35],
        text=rest if command else text,
        prose=written.prose,
        quoted=quote,
        attachment=chosen,
        details="" if written.text else full_text(message)[:QUOTED_MAX_CHARS],
        unseen="photo"
        if own is not chosen and own
        else unseen(message) or ("" if own else _unseen_in_reply(reply or elsewhere, quote)),
        command=command,
        names_us=bool(command) and names_us,
        content_digest=_digest(message, written.text),
        media_group_id=text_of(message.get("media_group_id"))[:64],
        forwarded=_is_forwarded(message),
    )


def _chosen(own: Attachment | None, replied: Attachment | None) -> Attachment | None:
    """The attachment that an agent gets. A picture gives way to a file in the message replied to, which the words are about."""
    if own is not None and own.kind == "picture" and replied is not None and replied.kind != "picture":
        return replied
    return own or replied


def _digest(message: Mapping[str, Any], text: str) -> str:
    content = f"{text}\0{attachment_id(message)}"
    return hashlib.sha256(content.encode()).hexdigest()[:16] if content != "\0" else ""


def _unseen_in_reply(replied: Mapping[str, Any], quote: str) -> str:
    """Return what no agent can read in the message replied to, unless its quoted text takes its place."""
    what = unseen(replied)
    return "" if what == "other" and quote else what


def _is_forwarded(message: Mapping[str, Any]) -> bool:
    """Whether a person forwarded this. Telegram itself forwards the posts of a linked channel: those are its own."""
    return isinstance(message.get("forward_origin"), Mapping) and message.get("is_automatic_forward") is not True


def _command_in(message: Mapping[str, Any], text: str) -> tuple[str, str, str]:
    """Return the command in *text* of *message*. A forward or the text of an inline bot is no command."""
    if _is_forwarded(message) or "via_bot" in message:
        return "", text, ""
    return _command(text)


def _command(text: str) -> tuple[str, str, str]:
    """Return the command in lower case without slash, the rest, and the bot that it names."""
    if not text.startswith("/") or not text[1:2].strip():
        return "", text, ""
    head, *rest = text[1:].split(maxsplit=1)
    name, _, named = trimmed(head).partition("@")
    if not name.replace("_", "").isalnum() or not name.isascii() or len(name) > 32:
        return "", text, ""  # a path such as /etc/hosts is text
    if name.lower() in ROOT_FOLDERS and not named:
        return "", text, ""  # so is "/tmp is full"
    return name.lower(), trimmed(rest[0]) if rest else "", named


def _is_for(bot: Bot, written: MessageText, reply: Mapping[str, Any]) -> bool:
    # In a topic that this bot opened, each message replies to the service message about it.
    if integer(mapping(reply.get("from")).get("id")) == bot.id and not is_service(reply):
        return True
    return bot.username.lower() in written.names or bot.id in written.user_ids


def _leading_mention(text: str, bot: Bot) -> tuple[bool, str]:
    """Return whether *text* begins with the name of the bot, and the text without it."""
    without = text
    while (shorter := _without_mention(without, bot.username)) != without:
        without = shorter
    return without != text, without


def _without_mention(text: str, username: str | None) -> str:
    """Return *text* without *username* at its start, or without any username if that is None."""
    if not text.startswith("@"):
        return text
    end = next((n for n, char in enumerate(text[1:66], 1) if not (char.isascii() and (char.isalnum() or char == "_"))), len(text[:66]))  # fmt: skip
    if username is not None and text[1:end].lower() != username.lower():
        return text
    rest = trimmed(text[end:])
    return trimmed(rest.lstrip(",:;")) if rest[:1] in (",", ":", ";") else rest


def _joined_is(message: Mapping[str, Any], bot: Bot) -> bool:
    return any(integer(mapping(member).get("id")) == bot.id for member in listed(message.get("new_chat_members")))


def _chat_kind(chat: Mapping[str, Any]) -> ChatKind | None:
    kind = chat.get("type")
    if kind == "private":
        return "private"
    return "group" if kind in ("group", "supergroup") else None


def _thread(message: Mapping[str, Any]) -> int | None:
    # Replies in plain groups carry a thread id too, which sendMessage refuses; only topics take one.
    return integer(message.get("message_thread_id")) or None if message.get("is_topic_message") is True else None
