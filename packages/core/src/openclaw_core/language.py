"""Hebrew or English: which letters are which, and in what language a message is answered."""

import re
from collections.abc import Mapping
from itertools import islice

from openclaw_core.ports import Lang
from openclaw_core.prose import prose_of

LANGS: tuple[Lang, ...] = ("en", "he")
LANG_NAMES: Mapping[Lang, str] = {"en": "English", "he": "עברית"}
ANSWER_SHARE = 0.3
"""From this share of Hebrew letters in a message on, it is answered in Hebrew."""

_HEBREW = re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]")


def is_hebrew(char: str) -> bool:
    """Whether *char* is a Hebrew letter or one of its points."""
    return _HEBREW.match(char) is not None


def hebrew_share(text: str, *, first_letters: int | None = None) -> float:
    """The share of Hebrew among the letters of *text*, or among its first ones; 0 if it has none."""
    letters = list(islice((char for char in text if char.isalpha()), first_letters))
    return sum(map(is_hebrew, letters)) / len(letters) if letters else 0.0


def lang_of(text: str = "", *, stored: Lang | None = None, language_code: str | None = None) -> Lang:
    """The language of an answer to *text*, or without words in it, that of notices.

    Code, commands, mentions and addresses are no words. Notices go by the stored choice, then by the `language_code` of the user's app, then English.
    """
    prose = prose_of(text)
    if any(char.isalpha() for char in prose):
        return "he" if hebrew_share(prose) >= ANSWER_SHARE else "en"
    return notice_lang("", stored=stored, language_code=language_code)


def notice_lang(text: str = "", *, stored: Lang | None = None, language_code: str | None = None) -> Lang:
    """The language of our own sentences and buttons: what the chat chose by /lang, else that of *text* and of the user's app."""
    if stored is not None:
        return stored
    if text:
        return lang_of(text, language_code=language_code)
    return "he" if (language_code or "").lower().split("-")[0] in ("he", "iw") else "en"  # iw: older Android
