"""Hebrew or English: which letters are which, and in what language a message is answered."""

import re
from collections.abc import Mapping
from itertools import islice

from openclaw_core.ports import Lang

LANGS: tuple[Lang, ...] = ("en", "he")
LANG_NAMES: Mapping[Lang, str] = {"en": "English", "he": "עברית"}
ANSWER_SHARE = 0.3
"""From this share of Hebrew letters in a message on, it is answered in Hebrew."""

_HEBREW = re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]")
_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|(?<!\S)[/@]\w\S*")


def is_hebrew(char: str) -> bool:
    """Whether *char* is a Hebrew letter or one of its points."""
    return _HEBREW.match(char) is not None


def hebrew_share(text: str, *, first_letters: int | None = None) -> float:
    """The share of Hebrew among the letters of *text*, or among its first ones; 0 if it has none."""
    letters = list(islice((char for char in text if char.isalpha()), first_letters))
    return sum(map(is_hebrew, letters)) / len(letters) if letters else 0.0


def lang_of(text: str = "", *, stored: Lang | None = None, language_code: str | None = None) -> Lang:
    """The language of an answer to *text*, or without words in it, that of notices.

    Commands, mentions and addresses are no words. Notices go by the stored choice, then by the `language_code` of the user's app, then English.
    """
    text = _NO_WORDS.sub(" ", text)
    if any(char.isalpha() for char in text):
        return "he" if hebrew_share(text) >= ANSWER_SHARE else "en"
    if stored is not None:
        return stored
    return "he" if (language_code or "").lower().split("-")[0] in ("he", "iw") else "en"  # iw: older Android
