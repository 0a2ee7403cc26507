"""A raw update becomes an `Incoming`: pure, and never an exception, whatever the update looks like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from openclaw_core.store.inbox import Stream
from openclaw_core.task import ChatKind, Material

Kind = Literal[
    "text", "command", "button", "edited", "voice", "photo", "video", "file", "sticker", "place", "contact", "game", "joined", "migrated", "other",
    "ignored",
]  # fmt: skip

# Passes the queue: what a user says of running work must not wait behind it.
CONTROL_COMMANDS = frozenset({"stop", "status", "help"})

_MEDIA: tuple[tuple[str, Kind], ...] = (
    ("voice", "voice"), ("audio", "voice"), ("video_note", "voice"), ("photo", "photo"), ("video", "video"), ("animation", "video"),
    ("document", "file"), ("sticker", "sticker"), ("location", "place"), ("venue", "place"), ("contact", "contact"), ("poll", "game"), ("dice", "game"),
    ("game", "game"),
)  # fmt: skip

_TEXT_ENDINGS = frozenset(
    {
        "txt", "md", "markdown", "rst", "log", "csv", "tsv", "json", "jsonl", "yaml", "yml", "toml", "ini", "cfg", "conf", "xml", "html", "css", "srt", "vtt",
        "tex", "sql", "sh", "bash", "py", "ipynb", "js", "mjs", "ts", "jsx", "tsx", "java", "kt", "go", "rs", "c", "h", "cc", "cpp", "hpp", "cs", "rb", "php",
        "swift", "scala", "lua", "pl", "r", "m", "dart", "proto", "tf", "diff", "patch", "dockerfile", "makefile",
    }
)  # fmt: skip
_TEXT_TYPES = frozenset(
    {"application/json", "application/xml", "application/x-yaml", "application/toml", "application/sql"}
)
_SOUND_ENDINGS = {"audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/x-m4a": "m4a", "audio/wav": "wav", "audio/x-wav": "wav", "audio/webm": "webm", "audio/flac": "flac"}  # fmt: skip


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
    user_is_bot: bool = False
    message_id: int = 0
    thread_id: int | None = None
    language_code: str = ""
    text: str = field(default="", repr=False)
    quoted: str = field(default="", repr=False)
    material: Material | None = None
    """A recording or a text file that can be read; other files are of kind `file` without it."""
    command: str = ""
    button_id: str = ""
    button_data: str = ""
    media_group_id: str = ""
    """The same for all messages of one album."""
    forwarded: bool = False
    migrated_to: int = 0
    """The chat's new id, if this is the service message that says so (kind `migrated`)."""


def stream_of(update: Mapping[str, Any]) -> Stream:
    """Which stream a raw update goes to."""
    if "callback_query" in update:
        return "control"
    message = _mapping(update.get("message"))
    word = _text(message.get("text")).split(maxsplit=1)[:1]
    if word and word[0].startswith("/") and word[0][1:].partition("@")[0].lower() in CONTROL_COMMANDS:
        return "control"
    return "inbox"


def read_update(update: Mapping[str, Any], bot: Bot) -> Incoming:
    """What *update* is. Anything that lacks what its kind needs is `ignored`."""
    update_id = _int(update.get("update_id"))
    if "callback_query" in update:
        return _button(update_id, _mapping(update["callback_query"]))
    if "message" in update:
        return _message(update_id, _mapping(update["message"]), bot, edited=False)
    if "edited_message" in update:
        return _message(update_id, _mapping(update["edited_message"]), bot, edited=True)
    return Incoming(
        update_id=update_id, kind="ignored"
    )  # channel posts, reactions, polls, members: nobody waits for an answer


def _button(update_id: int, query: Mapping[str, Any]) -> Incoming:
    message = _mapping(query.get("message"))
    chat, user = _mapping(message.get("chat")), _mapping(query.get("from"))
    chat_kind = _chat_kind(chat)
    if not (_int(chat.get("id")) and _int(user.get("id")) and chat_kind):
        return Incoming(update_id=update_id, kind="ignored")
    return Incoming(
        update_id=update_id,
        kind="button",
        chat_id=_int(chat.get("id")),
        chat_kind=chat_kind,
        user_id=_int(user.get("id")),
        message_id=_int(message.get("message_id")),
        thread_id=_thread(message),
        language_code=_text(user.get("language_code")),
        button_id=_text(query.get("id")),
        button_data=_text(query.get("data"))[:64],
    )


def _message(update_id: int, message: Mapping[str, Any], bot: Bot, *, edited: bool) -> Incoming:
    chat, user = _mapping(message.get("chat")), _mapping(message.get("from"))
    chat_kind = _chat_kind(chat)
    if (migrated_to := _int(message.get("migrate_to_chat_id"))) and _int(chat.get("id")) and chat_kind:
        return Incoming(
            update_id=update_id,
            kind="migrated",
            chat_id=_int(chat.get("id")),
            chat_kind=chat_kind,
            migrated_to=migrated_to,
        )
    if (old_id := _int(message.get("migrate_from_chat_id"))) and _int(chat.get("id")) and chat_kind:
        return Incoming(
            update_id=update_id, kind="migrated", chat_id=old_id, chat_kind=chat_kind, migrated_to=_int(chat.get("id"))
        )
    if not (_int(chat.get("id")) and _int(user.get("id")) and _int(message.get("message_id")) and chat_kind):
        return Incoming(update_id=update_id, kind="ignored")
    text = _text(message.get("text")) or _text(message.get("caption"))
    command, rest, named = _command(text)
    reply = _mapping(message.get("reply_to_message"))
    addressed = chat_kind == "private" or _is_for(bot, message, text, named=named, replied=reply)
    kind = _kind(message, command=command, edited=edited)
    if named and named.lower() != bot.username.lower():
        kind = "ignored"  # a command for another bot
    if not addressed and not (kind == "joined" and _joined_is(message, bot)):
        kind = "ignored"
    if _int(user.get("id")) == bot.id:
        kind = "ignored"  # an answer of our own, whatever the settings say of bots
    return Incoming(
        update_id=update_id,
        kind=kind,
        chat_id=_int(chat.get("id")),
        chat_kind=chat_kind,
        user_id=_int(user.get("id")),
        user_is_bot=user.get("is_bot") is True,
        message_id=_int(message.get("message_id")),
        thread_id=_thread(message),
        language_code=_text(user.get("language_code")),
        text=_without_mention(rest if command else text, bot).strip(),
        quoted=_quoted(message, reply),
        material=_material(message) or (_material(reply) if command else None),
        command=command,
        media_group_id=_text(message.get("media_group_id"))[:64],
        forwarded=isinstance(message.get("forward_origin"), Mapping),
    )


def _kind(message: Mapping[str, Any], *, command: str, edited: bool) -> Kind:
    has_words = bool(_text(message.get("text")).strip() or _text(message.get("caption")).strip())
    if edited:
        return "edited" if has_words else "ignored"
    if "new_chat_members" in message:
        return "joined"
    if command:
        return "command"
    for name, kind in _MEDIA:
        if name in message:
            return kind
    return "text" if has_words else "other" if _is_content(message) else "ignored"


def _material(message: Mapping[str, Any]) -> Material | None:
    for name in ("voice", "audio", "video_note"):
        if file_id := _text(_mapping(message.get(name)).get("file_id")):
            return _sound(_mapping(message[name]), file_id, "mp4" if name == "video_note" else "ogg")
    document = _mapping(message.get("document"))
    file_id, name, mime = (_text(document.get(field)) for field in ("file_id", "file_name", "mime_type"))
    if not file_id:
        return None
    if mime.startswith("audio/"):
        return _sound(document, file_id, "ogg")
    if name.lower().rpartition(".")[2] in _TEXT_ENDINGS or mime.startswith("text/") or mime in _TEXT_TYPES:
        return Material(
            kind="file", file_id=file_id, name=" ".join(name.split())[:80], size_bytes=_int(document.get("file_size"))
        )
    return None


def _sound(part: Mapping[str, Any], file_id: str, ending: str) -> Material:
    ending = _SOUND_ENDINGS.get(_text(part.get("mime_type")), ending)
    return Material(kind="voice", file_id=file_id, name=f"recording.{ending}", size_bytes=_int(part.get("file_size")))


def _is_content(message: Mapping[str, Any]) -> bool:
    return any(name in message for name in ("story", "invoice", "paid_media", "checklist", "web_app_data", "giveaway"))


def _command(text: str) -> tuple[str, str, str]:
    """Command without slash in lower case, the rest, and the bot that it names."""
    if not text.startswith("/") or len(text) < 2:
        return "", text, ""
    head, _, rest = text[1:].partition(" ") if "\n" not in text.split(" ", 1)[0] else text[1:].partition("\n")
    name, _, named = head.partition("@")
    if not name.replace("_", "").isalnum() or not name.isascii() or len(name) > 32:
        return "", text, ""  # a path such as /etc/hosts is text
    return name.lower(), rest, named


def _is_for(bot: Bot, message: Mapping[str, Any], text: str, *, named: str, replied: Mapping[str, Any]) -> bool:
    if named:
        return named.lower() == bot.username.lower()
    if _int(_mapping(replied.get("from")).get("id")) == bot.id:
        return True
    if text.startswith("/"):
        return True
    units = text.encode("utf-16-le")
    for entity in _list(message.get("entities")) + _list(message.get("caption_entities")):
        entry = _mapping(entity)
        if entry.get("type") == "text_mention" and _int(_mapping(entry.get("user")).get("id")) == bot.id:
            return True
        if entry.get("type") == "mention":
            start = _int(entry.get("offset")) * 2
            name = units[start : start + _int(entry.get("length")) * 2].decode("utf-16-le", "ignore")
            if name.lower() == f"@{bot.username.lower()}":
                return True
    return False


def _without_mention(text: str, bot: Bot) -> str:
    mention = f"@{bot.username}"
    if text.lower().startswith(mention.lower()):
        return text[len(mention) :]
    return text


def _joined_is(message: Mapping[str, Any], bot: Bot) -> bool:
    return any(_int(_mapping(member).get("id")) == bot.id for member in _list(message.get("new_chat_members")))


def _quoted(message: Mapping[str, Any], reply: Mapping[str, Any]) -> str:
    quote = _text(_mapping(message.get("quote")).get("text"))
    return (quote or _text(reply.get("text")) or _text(reply.get("caption")))[:4096]


def _chat_kind(chat: Mapping[str, Any]) -> ChatKind | None:
    kind = chat.get("type")
    if kind == "private":
        return "private"
    return "group" if kind in ("group", "supergroup") else None


def _thread(message: Mapping[str, Any]) -> int | None:
    # Replies in plain groups carry a thread id too, which sendMessage refuses; only topics take one.
    return _int(message.get("message_thread_id")) or None if message.get("is_topic_message") is True else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _int(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else 0


def _text(value: object) -> str:
    """Text without lone surrogates, which no UTF-8 encoder takes."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(value, str) else ""
