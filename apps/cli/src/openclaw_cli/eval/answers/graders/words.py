"""Words, figures and dates that an answer must or must not have."""

import re
from typing import Annotated

from pydantic import Field, StringConstraints

from openclaw_cli.eval.answers.graders.dates import dates_in, read_date
from openclaw_cli.eval.answers.graders.figures import figures_in, figures_in_words
from openclaw_cli.eval.answers.graders.grader import Grader, ToGrade
from openclaw_cli.eval.answers.graders.reading import HEBREW_LETTERS, folded, without_numbering

Phrase = Annotated[str, StringConstraints(min_length=1)]
DateText = Annotated[str, StringConstraints(pattern=r"^(\d{4}-)?\d\d-\d\d$")]


class Has(Grader):
    words: list[Phrase] = Field(default=[])
    """Words or phrases that must be in the answer, each. `approve*` takes any ending; `Tuesday | Tue` takes either."""
    numbers: list[float | int] = Field(default=[])
    """Figures that must be there, in any way of writing: 1,250,000 or 1.25 million."""
    dates: list[DateText] = Field(default=[])
    """`2026-05-03`, or `05-03` for any year. 3 May, 3.5.2026 and 3 במאי are that date too."""

    def fault(self, seen: ToGrade) -> str:
        lacks = [*self._words(seen, there=False), *self._figures(seen, there=False)]
        return f"lacks {', '.join(lacks)}" if lacks else ""

    def _words(self, seen: ToGrade, *, there: bool) -> list[str]:
        text = folded(seen.answer.markdown)
        return [phrase for phrase in self.words if has_phrase(phrase, text) is there]

    def _figures(self, seen: ToGrade, *, there: bool) -> list[str]:
        text = without_numbering(seen.answer.markdown)
        figures, dates = figures_in(text), dates_in(text)
        if not there:
            figures |= figures_in_words(
                text
            )  # "twelve vans" has the 12; but "one of them" is no 1 that must not be there
        return [
            *(f"{number:g}" for number in self.numbers if (number in figures) is there),
            *(date for date in self.dates if any(read_date(date).fits(one) for one in dates) is there),
        ]


class HasNot(Has):
    words: list[Phrase] = Field(default=[])
    """Words or phrases of which none may be in the answer, written as for `has`."""
    numbers: list[float | int] = Field(default=[])
    """Figures of which none may be there."""
    dates: list[DateText] = Field(default=[])
    """Dates of which none may be there."""

    def fault(self, seen: ToGrade) -> str:
        has = [*self._words(seen, there=True), *self._figures(seen, there=True)]
        return f"has {', '.join(has)}" if has else ""


class HasAny(Grader):
    words: list[Phrase] = Field(min_length=2)
    """Words or phrases of which some must be in the answer, written as for `has`."""
    at_least: int = Field(default=1, ge=1)
    """How many of them."""

    def fault(self, seen: ToGrade) -> str:
        text = folded(seen.answer.markdown)
        found = sum(has_phrase(phrase, text) for phrase in self.words)
        return (
            "" if found >= self.at_least else f"has {found} of {', '.join(self.words)}; {self.at_least} must be there"
        )


def has_phrase(phrase: str, text: str) -> bool:
    """Whether one of the alternatives of *phrase* is in the folded *text*, from the beginning to the end of words."""
    return any(_pattern(one.strip()).search(text) for one in phrase.split("|") if one.strip())


def _pattern(phrase: str) -> re.Pattern[str]:
    word = f"a-z0-9{HEBREW_LETTERS}"
    end = "" if phrase.endswith("*") else f"(?![{word}])"
    # Hebrew writes "and", "the", "in" at the front of a word.
    return re.compile(f"(?<![{word}])(?:[ושהבכלמ]{{1,3}}-?)?{re.escape(folded(phrase))}{end}")
