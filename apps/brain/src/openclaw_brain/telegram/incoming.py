"""A raw update becomes an `Incoming`: pure, and never an exception, whatever the update looks like."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_brain.telegram.content import GESTURES, Kind, is_service, kind_of, material, material_id, unseen
from openclaw_brain.telegram.wire import integer, listed, mapping, text_of
from openclaw_brain.telegram.words import QUOTED_MAX_CHARS, Words, quoted, said, written
from openclaw_core.characters import trimmed
from openclaw_core.store.inbox import Stream
from openclaw_core.tasks.task import ChatKind, Material

# Passes the queue: what a user says of running work must not wait behind it.
CONTROL_COMMANDS = frozenset({"stop", "status", "help"})
ROOT_FOLDERS = frozenset(
    {
        "applications", "bin", "boot", "dev", "etc", "home", "lib", "lib64", "library", "media", "mnt", "opt", "private", "proc", "root", "run", "sbin", "srv",
        "sys", "system", "tmp", "users", "usr", "var", "volumes",
    }
)  # fmt: skip
"""Folders at the root of Linux and macOS. A message that begins with one speaks of a path."""
EDIT_MAX_AGE_S = 48 * 3600
"""What was heard of a message is known for as long; who edits an older one would be answered twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Who we are, to see what is meant for us."""

    id: int
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What a person did. `ignored` means that nobody expects an answer."""

    update_id: int
    kind: Kind
    chat_id: int = 0
    chat_kind: ChatKind = "private"
    user_id: int = 0
    """Who wrote; for a person who writes as a group or a channel, the id of that chat."""
    user_is_bot: bool = False
    message_id: int = 0
    thread_id: int | None = None
    language_code: str = ""
    text: str = field(default="", repr=False)
    prose: str | None = field(default=None, repr=False)
    """The words whose letters tell the language, if that is not *text*."""
    quoted: str = field(default="", repr=False)
    material: Material | None = None
    """A recording or a text file that can be read, here or in the message replied to; other files are of kind `file` without it."""
    unseen: str = ""
    """What came with the words and nobody looks at: `photo`, `video`, `file` or `other`."""
    said: str = field(default="", repr=False)
    """The names and addresses of a message without words: a contact, a place, a game."""
    command: str = ""
    names_us: bool = False
    """Whether a command names this bot."""
    becomes: Kind = "ignored"
    """Of an edit: what the message is now."""
    words_digest: str = ""
    """The same as long as nobody changes the words or the file of this message."""
    button_id: str = ""
    button_data: str = ""
    media_group_id: str = ""
    """The same for all messages of one album."""
    forwarded: bool = False
    migrated_to: int = 0
    """The chat's new id, if this is the service message that says so (kind `migrated`)."""

    @property
    def wants(self) -> Kind:
        """The kind; of an edit, the kind that its message has now."""
        return self.becomes if self.kind == "edited" else self.kind


def stream_of(update: Mapping[str, Any]) -> Stream:
    """Which stream a raw update goes to."""
    if "callback_query" in update:
        return "control"
    message = mapping(update.get("message")) or mapping(update.get("edited_message"))
    command, _, _ = _command_in(message, _without_mention(written(message).text, None))
    return "control" if command in CONTROL_COMMANDS else "inbox"


def read_update(update: Mapping[str, Any], bot: Bot) -> Incoming:
    """What *update* is. Anything that lacks what its kind needs is `ignored`."""
    update_id = integer(update.get("update_id"))
    if "callback_query" in update:
        return _button(update_id, mapping(update["callback_query"]))
    if "message" in update:
        return _message(update_id, mapping(update["message"]), bot)
    if "edited_message" in update:
        return _edited(update_id, mapping(update["edited_message"]), bot)
    return Incoming(
        update_id=update_id, kind="ignored"
    )  # channel posts, reactions, polls, members: nobody waits for an answer


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
    """An edit is told by its kind of update. Whether the words changed is not in it: the store knows those from before."""
    now = _message(update_id, message, bot)
    age_s = integer(message.get("edit_date")) - integer(message.get("date"))
    # Telegram also edits what nobody changed: a location that is shared live, a poll that is voted in.
    if now.kind in ("ignored", "migrated", "joined") or age_s > EDIT_MAX_AGE_S or not now.words_digest:
        return replace(now, kind="ignored")
    return replace(now, kind="edited", becomes=now.kind)


def _message(update_id: int, message: Mapping[str, Any], bot: Bot) -> Incoming:
    chat, user = mapping(message.get("chat")), mapping(message.get("from"))
    chat_kind = _chat_kind(chat)
    if (migrated_to := integer(message.get("migrate_to_chat_id"))) and integer(chat.get("id")) and chat_kind:
        return Incoming(
            update_id=update_id,
            kind="migrated",
            chat_id=integer(chat.get("id")),
            chat_kind=chat_kind,
            migrated_to=migrated_to,
        )
    if (old_id := integer(message.get("migrate_from_chat_id"))) and integer(chat.get("id")) and chat_kind:
        return Incoming(
            update_id=update_id,
            kind="migrated",
            chat_id=old_id,
            chat_kind=chat_kind,
            migrated_to=integer(chat.get("id")),
        )
    if not (integer(chat.get("id")) and integer(user.get("id")) and integer(message.get("message_id")) and chat_kind):
        return Incoming(update_id=update_id, kind="ignored")
    words = written(message)
    named_first, text = _leading_mention(words.text, bot)
    command, rest, named = _command_in(message, text)
    names_us = named_first or named.lower() == bot.username.lower()
    reply = mapping(message.get("reply_to_message"))
    elsewhere = mapping(message.get("external_reply"))
    kind: Kind = "command" if command else kind_of(message, has_words=bool(words.text))
    if chat_kind == "group":
        if command and named and not names_us:
            kind = "ignored"  # a command for another bot
        elif kind == "joined":
            kind = "joined" if _joined_is(message, bot) else "ignored"
        elif not (command or names_us or _is_for(bot, words, reply)) or (not words.text and GESTURES & message.keys()):
            kind = "ignored"
    if integer(user.get("id")) == bot.id:
        kind = "ignored"  # an answer of our own, whatever the settings say of bots
    # Telegram puts a bot of its own into `from` for whoever writes as a group or a channel, and for what a linked channel posts.
    sender_chat_id = integer(mapping(message.get("sender_chat")).get("id"))
    said_before = quoted(message)
    own = material(message)
    return Incoming(
        update_id=update_id,
        kind=kind,
        chat_id=integer(chat.get("id")),
        chat_kind=chat_kind,
        user_id=sender_chat_id or integer(user.get("id")),
        user_is_bot=user.get("is_bot") is True and not sender_chat_id,
        message_id=integer(message.get("message_id")),
        thread_id=_thread(message),
        language_code=text_of(user.get("language_code"))[:35],
        text=rest if command else text,
        prose=words.prose,
        quoted=said_before,
        material=own or (material(reply) or material(elsewhere) if words.text else None),
        said="" if words.text else said(message)[:QUOTED_MAX_CHARS],
        unseen=unseen(message) or ("" if own else _unseen_before(reply or elsewhere, said_before)),
        command=command,
        names_us=bool(command) and names_us,
        words_digest=_digest(message, words),
        media_group_id=text_of(message.get("media_group_id"))[:64],
        forwarded=_is_forwarded(message),
    )


def _digest(message: Mapping[str, Any], words: Words) -> str:
    same = f"{words.text}\0{material_id(message)}"
    return hashlib.sha256(same.encode()).hexdigest()[:16] if same != "\0" else ""


def _unseen_before(replied: Mapping[str, Any], said_before: str) -> str:
    """What nobody looks at in the message replied to, where its words do not stand for it."""
    what = unseen(replied)
    return "" if what == "other" and said_before else what


def _is_forwarded(message: Mapping[str, Any]) -> bool:
    """Whether these are somebody else's words. What a linked channel posts are its own: Telegram forwards them by itself."""
    return isinstance(message.get("forward_origin"), Mapping) and message.get("is_automatic_forward") is not True


def _command_in(message: Mapping[str, Any], text: str) -> tuple[str, str, str]:
    """The command in *text*, the words of *message*. What others wrote, a person or an inline bot, commands nothing."""
    if _is_forwarded(message) or "via_bot" in message:
        return "", text, ""
    return _command(text)


def _command(text: str) -> tuple[str, str, str]:
    """Command without slash in lower case, the rest, and the bot that it names."""
    if not text.startswith("/") or not text[1:2].strip():
        return "", text, ""
    head, *rest = text[1:].split(maxsplit=1)
    name, _, named = trimmed(head).partition("@")
    if not name.replace("_", "").isalnum() or not name.isascii() or len(name) > 32:
        return "", text, ""  # a path such as /etc/hosts is text
    if name.lower() in ROOT_FOLDERS and not named:
        return "", text, ""  # so is "/tmp is full"
    return name.lower(), trimmed(rest[0]) if rest else "", named


def _is_for(bot: Bot, words: Words, reply: Mapping[str, Any]) -> bool:
    # In a topic that we opened, each message replies to the service message about it.
    if integer(mapping(reply.get("from")).get("id")) == bot.id and not is_service(reply):
        return True
    return bot.username.lower() in words.names or bot.id in words.user_ids


def _leading_mention(text: str, bot: Bot) -> tuple[bool, str]:
    """Whether *text* begins with our name, and the text without it."""
    without = text
    while (shorter := _without_mention(without, bot.username)) != without:
        without = shorter
    return without != text, without


def _without_mention(text: str, username: str | None) -> str:
    """*text* without the *username* that it begins with, or without any if that is None."""
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
