"""A fixed text in each language, as a member of an enum."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from openclaw_core.ports import Lang


class TranslatedText(StrEnum):
    """A text in English, which is its value, and in Hebrew."""

    words: Mapping[Lang, str]

    def __new__(cls, en: str, he: str) -> Self:
        text = str.__new__(cls, en)
        text._value_, text.words = en, {"en": en, "he": he}
        return text
