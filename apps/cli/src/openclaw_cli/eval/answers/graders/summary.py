"""Whether a summary keeps to its source: each figure and each name of it must be there."""

import re

from pydantic import Field

from openclaw_cli.eval.answers.graders.figures import MONTHS, unknown_figures
from openclaw_cli.eval.answers.graders.grader import Grader, ToGrade
from openclaw_cli.eval.answers.graders.hebrew_names import KNOWN_NAMES, TITLES
from openclaw_cli.eval.answers.graders.reading import folded, prose, without_numbering, word_forms
from openclaw_cli.eval.answers.graders.words import Phrase

_LABEL = re.compile(r"^[ \t]*(?:#{1,6}[^\n]*|[-*+•]?[ \t]*\*\*[^*\n]{1,60}(?::\*\*|\*\*:|\*\*[ \t]*$))", re.MULTILINE)
_LATIN = re.compile(r"[A-Za-zÀ-ɏ][\w'’.&-]*")
_HEBREW = re.compile("[\u05d0-\u05ea][\u05d0-\u05ea'\"׳״-]*")
_STARTS = re.compile(r"(?:^|[.!?:;…\n]|[-*+•]\s)[\s\"'“”«(*_>]*$")
_NO_NAMES = frozenset(
    {"i", "i'm", "i'll", "i've", "i'd", "ok", "tl", "dr", "am", "pm", "eur", "usd", "gbp", "ils", "nis", "kwh", *MONTHS}
)
"""Words with capitals that are no names, and signs for what a source may write out: `NIS` for shekels."""


class NumbersFromSource(Grader):
    also: list[float | int] = Field(default=[])
    """Figures that the answer may have although the source does not, such as the number of its points."""

    def fault(self, seen: ToGrade) -> str:
        allowed = seen.source + "".join(f" {number:g}" for number in self.also)
        unknown = unknown_figures(without_numbering(seen.answer.markdown), allowed)
        return f"not in the source: {', '.join(unknown)}" if unknown else ""


class NamesFromSource(Grader):
    also: list[Phrase] = Field(default=[])
    """Names that the answer may have although the source does not: `English` for a source in Hebrew."""

    def fault(self, seen: ToGrade) -> str:
        known = _forms(f"{seen.source} {' '.join(self.also)}")
        unknown = [name for name in names_in(seen.answer.markdown) if not word_forms(folded(name)) & known]
        return f"not in the source: {', '.join(dict.fromkeys(unknown))}" if unknown else ""


def names_in(markdown: str) -> list[str]:
    """Words of *markdown* that are surely names.

    In Latin script those with a capital that does not begin a sentence, or with two. Hebrew has no capitals: a name is a word behind a
    title, or one that nearly always is a name. So an invented Hebrew name that is also a common word is not found.
    """
    text = _LABEL.sub("", without_numbering(prose(markdown)))
    return [*_latin_names(text), *_hebrew_names(text)]


def _latin_names(text: str) -> list[str]:
    found = []
    for match in _LATIN.finditer(text):
        word = re.sub(r"['’]s$|['’.&-]+$", "", match[0])
        capitals = sum(char.isupper() for char in word)
        begins = _STARTS.search(text[: match.start()]) is not None
        if folded(word) not in _NO_NAMES and (capitals > 1 or (word[:1].isupper() and not begins)):
            found.append(word)
    return found


def _hebrew_names(text: str) -> list[str]:
    found, before = [], None
    for match in _HEBREW.finditer(text):
        beside = before is not None and not text[before.end() : match.start()].strip()
        titled = before is not None and beside and word_forms(folded(before[0])) & TITLES
        if titled or word_forms(folded(match[0])) & KNOWN_NAMES:
            found.append(match[0])
        before = match
    return found


def _forms(text: str) -> set[str]:
    words = re.findall(r"[\w'\".&-]+", folded(text))
    whole = {
        part.strip("'\".&-")
        for word in words
        for part in (word, re.sub(r"'s$", "", word), *re.split(r"[-/.'\"]", word))
    }
    return {form for word in whole for form in word_forms(word)}
