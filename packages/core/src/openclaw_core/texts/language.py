"""The choice between Hebrew and English: for answers by the words of a message, for notices by the chat's setting."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice

from openclaw_core.ports import Lang
from openclaw_core.texts.prose import HEBREW, prose_of

LANGS: tuple[Lang, ...] = ("en", "he")
LANG_NAMES: Mapping[Lang, str] = {"en": "English", "he": "עברית"}
ANSWER_SHARE = 0.3
"""The least share of Hebrew letters for a Hebrew answer, if the words themselves do not decide."""
_LINE_MAX_CHARS = 400

_ASKS: Mapping[Lang, re.Pattern[str]] = {
    "he": re.compile(
        "(?<![\u05d0-\u05ea])[ושה]?(?:מה|מהו|מהי|מי|למה|מדוע|איך|כיצד|איפה|היכן|מתי|האם|כמה|איזה|איזו|אילו|אפשר|תוכלו?|תוכלי|הסבר|תסביר[יו]?|תרגם|תרגמ[יו]"
        "|סכם|סכמו|תסכם|תסכמ[יו]|כתוב|כתבו|תכתוב|תכתב[יו]|תקן|תתקן|תמצא|בדוק|תבדוק)(?![\u05d0-\u05ea])"
    ),
    "en": re.compile(
        r"^\W*(?:(?:please|hi|hello|hey|and|so|can you|could you)\W+)*(?:what|why|how|who|whose|which|when|where|explain|translate|summari[sz]e|describe|define"
        r"|compare|rewrite|correct|fix|write)\b|\b(?:what|why|how|who|whose|which)\b.*\?\s*$",
        re.IGNORECASE,
    ),
}  # fmt: skip
"""Words of questions and requests: a question about a text in the other language is in this one."""
_GLUE: Mapping[Lang, re.Pattern[str]] = {
    "he": re.compile(
        "(?<![\u05d0-\u05ea])(?:את|של|שלי|שלך|לי|לך|לנו|זה|זו|זאת|עם|על|לא|יש|אין|אני|אנחנו|אתה|הוא|היא|הם|כי|אם|גם|רק|או|אבל|צריך|רוצה)(?![\u05d0-\u05ea])"
    ),
    "en": re.compile(
        r"\b(?:the|an|is|are|was|were|am|i|of|to|and|or|not|my|me|you|your|it|this|that|has|have|had|do|does|did|with|will|about)\b",
        re.IGNORECASE
    ),
}  # fmt: skip
"""Small words of nearly every sentence; terms and names of the other language do not contain them."""


def is_hebrew(char: str) -> bool:
    """Whether *char* is a Hebrew letter or one of its points."""
    return HEBREW.match(char) is not None


def hebrew_share(text: str, *, first_letters: int | None = None) -> float:
    """The share of Hebrew among the letters of *text*, or among its first ones; 0 if it has none."""
    letters = list(islice((char for char in text if char.isalpha()), first_letters))
    return sum(map(is_hebrew, letters)) / len(letters) if letters else 0.0


def lang_of(text: str = "", *, stored: Lang | None = None, language_code: str | None = None) -> Lang:
    """The language of an answer to *text*; without words in it, the language of notices.

    Code, commands, mentions and addresses do not count as words. Notices use the stored choice, else the `language_code` of the
    user's app, else English.
    """
    prose = prose_of(text)
    share = hebrew_share(prose)
    if 0 < share < 1:
        return _lang_of_both(prose) or ("he" if share >= ANSWER_SHARE else "en")
    if any(char.isalpha() for char in prose):
        return "he" if share else "en"
    return notice_lang("", stored=stored, language_code=language_code)


def _lang_of_both(prose: str) -> Lang | None:
    """The language of *prose* with letters of both; None if neither its requests nor its sentences decide."""
    lines = [line for line in prose.split("\n") if any(map(str.isalpha, line))]
    hebrew = [line for line in lines if HEBREW.search(line)]
    ends = {lines[0], lines[-1]}
    # Programs print no Hebrew: a Hebrew line was written by a person. An English one may be the last line of a log.
    asked = _the_one(_ASKS, he={hebrew[0], hebrew[-1]}, en=ends)
    if asked is not None:
        return asked
    if len(lines) == 1:
        return _the_one(_GLUE, he=ends, en=ends)
    return "he" if not _found(_ASKS["en"], ends) and any(map(_is_hebrew_sentence, ends)) else None


def _the_one(patterns: Mapping[Lang, re.Pattern[str]], *, he: Iterable[str], en: Iterable[str]) -> Lang | None:
    """The language whose pattern is found, if only one is."""
    in_hebrew, in_english = _found(patterns["he"], he), _found(patterns["en"], en)
    if in_hebrew == in_english:
        return None
    return "he" if in_hebrew else "en"


def _found(pattern: re.Pattern[str], lines: Iterable[str]) -> bool:
    return any(pattern.search(line[:_LINE_MAX_CHARS]) or pattern.search(line[-_LINE_MAX_CHARS:]) for line in lines)


def _is_hebrew_sentence(line: str) -> bool:
    words = [word for word in line.split() if any(map(str.isalpha, word))]
    return 1 < sum(HEBREW.search(word) is not None for word in words) >= len(words) / 2


def notice_lang(text: str = "", *, stored: Lang | None = None, language_code: str | None = None) -> Lang:
    """The language of notices and buttons: by /lang, else by *text*, else by the user's app."""
    if stored is not None:
        return stored
    if text:
        return lang_of(text, language_code=language_code)
    return "he" if (language_code or "").lower().split("-")[0] in ("he", "iw") else "en"  # iw: older Android
