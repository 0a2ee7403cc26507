"""`smoke`: a second bot asks a deployed bot in a group, by Telegram's bot-to-bot mode, and waits for the answer.

It proves the whole way from a message to an answer: admission, lanes, a Job, the model, delivery. It imports nothing that has to
be installed: where the bot's token is, no code of others runs.
"""

import http.client
import json
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from openclaw_gitops.errors import FAILED, UNAVAILABLE, USAGE, CommandError

POLL_S = 5
"""Seconds that one poll waits; between two, the answer is also looked at where it is."""
CALL_S = 15.0
READ_MAX_BYTES = 2**20
SHOWN_MAX_CHARS = 200

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    token: str = field(repr=False)
    chat_id: int
    """The group that both bots are in."""
    target: str
    """User name of the bot that is asked, without @."""
    base_url: str = "https://api.telegram.org"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """From SMOKE_BOT_TOKEN (or SMOKE_BOT_TOKEN_FILE), SMOKE_CHAT_ID, SMOKE_TARGET, TELEGRAM_BASE_URL.

        Raises CommandError naming every variable at fault, never its value.
        """
        token, file = env.get("SMOKE_BOT_TOKEN", ""), env.get("SMOKE_BOT_TOKEN_FILE")
        if file and not token:
            try:
                token = Path(file).read_text().strip()
            except OSError:
                token = ""
        chat, target = env.get("SMOKE_CHAT_ID", ""), env.get("SMOKE_TARGET", "").removeprefix("@")
        needed = {
            "SMOKE_BOT_TOKEN": (
                token,
                r"\d+:\S+",
                "the token of the asking bot, or SMOKE_BOT_TOKEN_FILE a file with it",
            ),
            "SMOKE_CHAT_ID": (chat, r"-\d+", "the id of the group that both bots are in, a negative number"),
            "SMOKE_TARGET": (target, r"\w{3,32}", "the user name of the bot that is asked"),
        }
        faults = [
            f"{name} must be {what}" for name, (value, form, what) in needed.items() if not re.fullmatch(form, value)
        ]
        if faults:
            raise CommandError(USAGE, "; ".join(faults))
        base_url = env.get("TELEGRAM_BASE_URL") or "https://api.telegram.org"
        return cls(token=token, chat_id=int(chat), target=target, base_url=base_url.rstrip("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BotAnswer:
    """When the first sign and the answer came, in seconds after the question."""

    sign_s: float
    answer_s: float


class AskingBot:
    """The Bot API for the asking bot. Its errors never carry the token, which is part of every address."""

    def __init__(self, settings: Settings) -> None:
        self._url = f"{settings.base_url}/bot{settings.token}"

    def call(self, method: str, **params: Any) -> Any:
        """The result. Raises CommandError with Telegram's own reason."""
        status = 0
        try:
            request = urllib.request.Request(  # noqa: S310 - Telegram's address, or the one that was set
                f"{self._url}/{method}", json.dumps(params).encode(), {"Content-Type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request, timeout=CALL_S + params.get("timeout", 0)) as reply:  # noqa: S310
                    status, content = reply.status, reply.read(READ_MAX_BYTES)
            except urllib.error.HTTPError as refused:
                with refused:  # its body has Telegram's reason
                    status, content = refused.code, refused.read(READ_MAX_BYTES)
            body = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError, RecursionError):
            raise CommandError(
                UNAVAILABLE, "Telegram cannot be reached: try again later, or look at TELEGRAM_BASE_URL"
            ) from None
        if not isinstance(body, dict) or not body.get("ok"):
            reason = body.get("description") if isinstance(body, dict) else None
            raise CommandError(
                UNAVAILABLE,
                f"Telegram refuses {method}: {reason or status}; are both bots in the group, and is the token right?",
            )
        return body["result"]


def smoke(settings: Settings, *, within_s: float, clock: Clock = time.monotonic, word: str | None = None) -> BotAnswer:
    """Ask once and wait for the answer. Raises CommandError with FAILED if it is wrong, says that it failed, or does not come."""
    word = word or f"oc{secrets.token_hex(6)}"
    telegram = AskingBot(settings)
    me = telegram.call("getMe")
    if me["username"].lower() == settings.target.lower():
        raise CommandError(
            USAGE,
            "SMOKE_BOT_TOKEN is the token of the bot that is asked: a bot gets none of its own, take a second one",
        )
    updates = NewUpdates(telegram)
    question = f"/research@{settings.target} Answer with this one word and nothing else: {word}"
    asked = telegram.call("sendMessage", chat_id=settings.chat_id, text=question)["message_id"]
    began = clock()
    sign_s: float | None = None
    reply: dict[str, Any] | None = None
    while clock() - began < within_s:
        heard = [message for message in updates.next(POLL_S) if is_reply(message, asked, settings)]
        reply = heard[-1] if heard else reply
        if reply is None:
            continue
        if sign_s is None:
            sign_s = clock() - began
        text = reply.get("text", "")
        if not heard:
            text = text_now(telegram, settings, reply["message_id"]) or text
        if word in text:
            return BotAnswer(sign_s=sign_s, answer_s=clock() - began)
        if _offers_retry(reply):
            raise CommandError(FAILED, f"@{settings.target} could not answer, and says: {text[:SHOWN_MAX_CHARS]}")
        reply = {**reply, "text": text}
    if reply is None:
        raise CommandError(
            FAILED,
            f"@{settings.target} did not reply within {within_s:g} s: is it running, is {me['id']} in its SMOKE_BOT_IDS, and is"
            " bot-to-bot communication on for one of the two (@BotFather)?",
        )
    raise CommandError(
        FAILED,
        f"@{settings.target} replied, but not with the word within {within_s:g} s. It shows: {reply.get('text', '')[:SHOWN_MAX_CHARS]}",
    )


class NewUpdates:
    """What the asking bot gets from now on: what waited for it from before is skipped."""

    def __init__(self, telegram: AskingBot) -> None:
        self._telegram = telegram
        old = telegram.call("getUpdates", offset=-1, timeout=0, allowed_updates=["message", "edited_message"])
        self._offset = old[-1]["update_id"] + 1 if old else 0

    def next(self, wait_s: int) -> Iterator[dict[str, Any]]:
        for update in self._telegram.call("getUpdates", offset=self._offset, timeout=wait_s):
            self._offset = update["update_id"] + 1
            yield update.get("message") or update.get("edited_message") or {}


def is_reply(message: Mapping[str, Any], asked: int, settings: Settings) -> bool:
    """Whether *message* answers our question: a bot in a group gets replies to older ones too."""
    chat_id = message.get("chat", {}).get("id")
    replied = message.get("reply_to_message", {}).get("message_id")
    sender = str(message.get("from", {}).get("username", ""))
    return chat_id == settings.chat_id and replied == asked and sender.lower() == settings.target.lower()


def text_now(telegram: AskingBot, settings: Settings, message_id: int) -> str:
    """What a message says now. Answers are edited into their message, and bots may get no edits: a silent copy tells, and goes."""
    where = {"chat_id": settings.chat_id, "from_chat_id": settings.chat_id, "message_id": message_id}
    copy = telegram.call("forwardMessage", **where, disable_notification=True)
    telegram.call("deleteMessage", chat_id=settings.chat_id, message_id=copy["message_id"])
    return str(copy.get("text", ""))


def _offers_retry(message: Mapping[str, Any]) -> bool:
    """Whether this is a failure that the bot tells: those carry a button to try again."""
    return '"retry:' in json.dumps(message.get("reply_markup", {}))
