"""Translates failures of Bot API calls into our errors. A send may be repeated only if it certainly had no effect; an edit always."""

import re

from telegram.error import ChatMigrated, TelegramError

from openclaw_core import errors
from openclaw_core.chat.telegram.request import MaybeSent, NotSent, Refused
from openclaw_core.records import whole

RETRY_MAX_S = 24 * 3600
FILE = "file"
"""The name of a download, in place of a method."""

_SENDS = frozenset({"sendMessage", "sendDocument", "sendPhoto"})
_EDITS = frozenset({"editMessageText"})
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
"""The topic is closed or deleted; its chat exists."""
_MARKUP = ("entit", "url")
_REFUSED_URL = re.compile(r"URL '(.*)' is invalid", re.DOTALL)
_REFUSED_OFFSET = re.compile(r"entity begin(?:s|ning)\b.*?\bat UTF-16 offset (\d+)")
_DONE_ANYWAY = ("message is not modified", "query is too old")


class Moved(errors.ChatGone):
    """The group became a supergroup and is *chat_id* now; nothing was sent."""

    def __init__(self, chat_id: int) -> None:
        super().__init__("the group has another id now")
        self.chat_id = chat_id


def translated_error(method: str, fault: TelegramError) -> errors.OpenClawError | None:
    """Our error for *fault* of a call of *method*; None if the wanted state holds anyway. Pure."""
    if isinstance(fault, Refused):
        return _refusal_error(method, fault)
    if isinstance(fault, ChatMigrated):
        return Moved(fault.new_chat_id)
    if isinstance(fault, NotSent):
        return errors.MessengerUnavailable(f"{method}: {fault.message}")
    if isinstance(fault, MaybeSent):
        return fate_unknown(method, fault.message)
    # All others come from the library, and their text may hold anything. It also wraps bugs of our request class.
    return fate_unknown(method, type(fault.__cause__ or fault).__name__)


def fate_unknown(method: str, why: str) -> errors.OpenClawError:
    """Our error for a request without a usable reply."""
    if method in _SENDS:
        return errors.FateUnknown(f"{method}: {why}")
    return errors.MessengerUnavailable(f"{method}: {why}")


def _refusal_error(method: str, fault: Refused) -> errors.OpenClawError | None:
    status, description = fault.status, fault.description.lower()
    if status == 429:
        return errors.FloodWait(retry_after_s=min(RETRY_MAX_S, max(1, whole(fault.retry_after, 1))))
    if status == 400 and any(part in description for part in _DONE_ANYWAY):
        return None
    if status == 401 or (status == 404 and method != FILE and "method" not in description):
        return errors.MessengerUnauthorized("the Bot API does not know this token: set TELEGRAM_TOKEN")
    if status == 409:
        return errors.PollConflict("another process polls with this token, or a webhook is set")
    if status == 400 and any(part in description for part in _TOPIC_GONE):
        return errors.MessageGone(method) if method in _EDITS else errors.TopicGone(method)
    if status == 403 or (status == 400 and any(part in description for part in _CHAT_GONE)):
        return errors.ChatGone(f"{method}: HTTP {status}")
    if status == 400 and method in _EDITS and any(part in description for part in _MESSAGE_GONE):
        return errors.MessageGone(method)
    if status == 400 and any(part in description for part in _MARKUP):
        url, offset = _REFUSED_URL.search(fault.description), _REFUSED_OFFSET.search(fault.description)
        return errors.MarkupRefused(method, url=url[1] if url else None, offset=int(offset[1]) if offset else None)
    return errors.MessengerRefused(f"{method}: HTTP {status}")
