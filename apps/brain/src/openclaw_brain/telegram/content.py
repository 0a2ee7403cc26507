"""The kind of a message, and what it carries beside text: recordings, files and pictures that an agent can read."""

from collections.abc import Mapping
from typing import Any, Literal

from openclaw_brain.telegram.wire import integer, listed, mapping, text_of
from openclaw_core.tasks.task import PICTURES_MAX_BYTES, Attachment

MessageKind = Literal[
    "text", "command", "button", "edited", "voice", "photo", "video", "file", "sticker", "place", "contact", "game",
    "joined", "migrated", "other",
    "ignored",
]  # fmt: skip

# Service messages of a chat (Bot API 10.4). Nobody waits for an answer to them. Everything else is somebody's message, also kinds that
# are newer than this list.
SERVICE = frozenset(
    {
        "left_chat_member", "chat_owner_left", "chat_owner_changed", "new_chat_title", "new_chat_photo",
        "delete_chat_photo", "group_chat_created",
        "supergroup_chat_created", "channel_chat_created", "message_auto_delete_timer_changed", "migrate_to_chat_id",
        "migrate_from_chat_id",
        "pinned_message", "refunded_payment", "connected_website", "write_access_allowed", "proximity_alert_triggered", "boost_added",
        "chat_background_set", "checklist_tasks_done", "checklist_tasks_added", "direct_message_price_changed",
        "paid_message_price_changed",
        "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened", "general_forum_topic_hidden",
        "general_forum_topic_unhidden", "giveaway_created", "giveaway_completed", "managed_bot_created",
        "poll_option_added", "poll_option_deleted",
        "suggested_post_approved", "suggested_post_approval_failed", "suggested_post_declined", "suggested_post_paid",
        "suggested_post_refunded",
        "video_chat_scheduled", "video_chat_started", "video_chat_ended", "video_chat_participants_invited", "voice_chat_scheduled",
        "voice_chat_started", "voice_chat_ended", "voice_chat_participants_invited", "community_chat_added", "community_chat_removed",
    }
)  # fmt: skip
# People answer each other with these in a group. A bot that replies to one is noise.
GESTURES = frozenset({"sticker", "animation", "dice"})

_MEDIA: tuple[tuple[str, MessageKind], ...] = (
    ("voice", "voice"), ("audio", "voice"), ("video_note", "voice"), ("photo", "photo"), ("live_photo", "photo"), ("video", "video"),
    ("animation", "video"), ("document", "file"), ("sticker", "sticker"), ("location", "place"), ("venue", "place"), ("contact", "contact"),
    ("poll", "game"), ("dice", "game"), ("game", "game"),
)  # fmt: skip
_UNSEEN: Mapping[MessageKind, str] = {
    "photo": "photo",
    "video": "video",
    "file": "file",
    "sticker": "other",
    "other": "other",
}

_TEXT_ENDINGS = frozenset(
    {
        "txt", "md", "markdown", "rst", "log", "csv", "tsv", "json", "jsonl", "yaml", "yml", "toml", "ini", "cfg",
        "conf", "xml", "html", "css", "srt", "vtt",
        "tex", "sql", "sh", "bash", "py", "ipynb", "js", "mjs", "ts", "jsx", "tsx", "java", "kt", "go", "rs", "c", "h",
        "cc", "cpp", "hpp", "cs", "rb", "php",
        "swift", "scala", "lua", "pl", "r", "m", "dart", "proto", "tf", "diff", "patch", "dockerfile", "makefile",
    }
)  # fmt: skip
_TEXT_TYPES = frozenset(
    {"application/json", "application/xml", "application/x-yaml", "application/toml", "application/sql"}
)
_DOCUMENT_ENDINGS = frozenset({"pdf", "docx", "docm", "xlsx", "xlsm", "pptx", "pptm", "epub"})
_DOCUMENT_TYPES = frozenset({"application/pdf", "application/epub+zip"})
_PICTURE_ENDINGS = frozenset({"jpg", "jpeg", "png", "webp"})
_PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
PHOTO_MAX_BYTES = PICTURES_MAX_BYTES // 3
"""Of the sizes in which Telegram has a photo. So three of them fit into one task."""
_OFFICE = "application/vnd.openxmlformats-officedocument."
_RECORDING_ENDINGS = {"audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/x-m4a": "m4a", "audio/wav": "wav", "audio/x-wav": "wav", "audio/webm": "webm", "audio/flac": "flac"}  # fmt: skip


def kind_of(message: Mapping[str, Any], *, has_text: bool) -> MessageKind:
    """Return the kind of a message that is no command. A poll with a question is a text."""
    if "new_chat_members" in message:
        return "joined"
    if not has_text and is_service(message):
        return "ignored"
    kind = next((kind for name, kind in _MEDIA if name in message), None)
    if kind == "game" and has_text:
        return "text"
    if kind is not None:
        return kind
    has_written = "text" in message or (has_text and ("rich_message" in message or "checklist" in message))
    return "text" if has_written else "other"


def is_service(message: Mapping[str, Any]) -> bool:
    return not SERVICE.isdisjoint(message)


def unseen(message: Mapping[str, Any]) -> str:
    """Return what in *message* no agent can read: `photo`, `video`, `file`, `other`, or an empty string."""
    if not message or attachment(message) is not None or is_service(message):
        return ""
    return _UNSEEN.get(kind_of(message, has_text=True), "")


def attachment(message: Mapping[str, Any]) -> Attachment | None:
    """Return the recording, text file, document or picture in *message*."""
    for name in ("voice", "audio", "video_note"):
        if file_id := _id(mapping(message.get(name)), "file_id"):
            return _recording(mapping(message[name]), file_id, "mp4" if name == "video_note" else "ogg")
    if file_id := _id(photo := _photo(message), "file_id"):
        return Attachment(kind="picture", file_id=file_id, size_bytes=max(0, integer(photo.get("file_size"))))
    document = mapping(message.get("document"))
    file_id, name, mime = _id(document, "file_id"), text_of(document.get("file_name")), text_of(document.get("mime_type"))  # fmt: skip
    if not file_id:
        return None
    if mime.startswith("audio/"):
        return _recording(document, file_id, "ogg")
    ending = name.lower().rpartition(".")[2]
    if ending in _TEXT_ENDINGS or mime.startswith("text/") or mime in _TEXT_TYPES:
        kind: Literal["file", "document", "picture"] = "file"
    elif ending in _DOCUMENT_ENDINGS or mime in _DOCUMENT_TYPES or mime.startswith(_OFFICE):
        kind = "document"
    elif ending in _PICTURE_ENDINGS or mime in _PICTURE_TYPES:
        kind = "picture"
    else:
        return None
    size = max(0, integer(document.get("file_size")))
    return Attachment(kind=kind, file_id=file_id, name=" ".join(name[:200].split())[:80], size_bytes=size)


def attachment_id(message: Mapping[str, Any]) -> str:
    """Return an id of the attachment that stays the same for the same file. `file_id` changes from update to update."""
    if attachment(message) is None:
        return ""
    parts = (*(mapping(message.get(name)) for name in ("voice", "audio", "video_note", "document")), _photo(message))
    return next((_id(part, "file_unique_id") or _id(part, "file_id") for part in parts if _id(part, "file_id")), "")


def _photo(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The largest size of a photo within `PHOTO_MAX_BYTES`, else the smallest one; empty if there is no photo."""
    sizes = sorted((mapping(one) for one in listed(message.get("photo"))), key=_pixels)
    fitting = [one for one in sizes if integer(one.get("file_size")) <= PHOTO_MAX_BYTES]
    return (fitting[-1:] or sizes[:1] or [{}])[0]


def _pixels(size: Mapping[str, Any]) -> int:
    return integer(size.get("width")) * integer(size.get("height"))


def _recording(part: Mapping[str, Any], file_id: str, ending: str) -> Attachment:
    ending = _RECORDING_ENDINGS.get(text_of(part.get("mime_type")), ending)
    size, seconds = max(0, integer(part.get("file_size"))), max(0, integer(part.get("duration")))
    return Attachment(kind="voice", file_id=file_id, name=f"recording.{ending}", size_bytes=size, seconds=seconds)


def _id(part: Mapping[str, Any], name: str) -> str:
    return text_of(part.get(name))[:256]
