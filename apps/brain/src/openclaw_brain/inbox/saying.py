"""Texts of our own that answer an update: in which language, and where they go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openclaw_brain.telegram.incoming import Incoming
from openclaw_core.ports import Lang
from openclaw_core.tasks.conversation import place
from openclaw_core.texts import wording
from openclaw_core.texts.language import lang_of, notice_lang
from openclaw_core.texts.wording import Say

Effect = Mapping[str, Any]
"""What handling an update changes, by the name of its function in `store/lua/1_inbox.lua`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """Texts of ours that answer *incoming*."""

    incoming: Incoming
    lang: Lang
    """Of these texts; the chat may have chosen it."""
    answer_lang: Lang

    def to(self, kind: str) -> dict[str, Any]:
        return {
            "key": f"{kind}:{place(self.incoming.chat_id, self.incoming.thread_id)}",
            "kind": kind,
            **where(self.incoming),
            "lang": self.lang,
            "reply_to": str(self.incoming.message_id)
            if self.incoming.chat_kind == "group" and self.incoming.kind != "button"
            else None,
            **heard(self.incoming),
        }

    def toast(self, what: Say | None = None) -> Effect:
        """The end of a button's spinner, with a word if it did nothing."""
        text = "" if what is None else wording.say(what, self.lang)
        return {"op": "button", "id": self.incoming.button_id, "text": text}

    def notice(self, kind: str, **args: Any) -> Effect:
        return {"op": "notice", **self.to(kind), "args": args}


def saying(incoming: Incoming, chat: Mapping[str, str]) -> Saying:
    """Our texts for *incoming*, in the languages that its *chat* and its words ask for."""
    stored, code = lang_from(chat.get("lang")), incoming.language_code
    words = incoming.text if incoming.prose is None else incoming.prose
    return Saying(
        incoming=incoming,
        lang=notice_lang(words, stored=stored, language_code=code),
        answer_lang=lang_of(words, stored=stored, language_code=code),
    )


def heard(incoming: Incoming) -> dict[str, str]:
    """What an edit of this message will be held against."""
    if not incoming.words_digest:
        return {}
    return {"heard_of": str(incoming.message_id), "heard": incoming.words_digest}


def where(incoming: Incoming) -> dict[str, str | None]:
    """The chat, and the topic in it if there is one."""
    return {
        "chat": str(incoming.chat_id),
        "thread": None if incoming.thread_id is None else str(incoming.thread_id),
    }


def lang_from(value: str | None) -> Lang | None:
    return "he" if value == "he" else "en" if value == "en" else None
