"""Reads the dates of a text in English and Hebrew."""

import re
from dataclasses import dataclass

from openclaw_cli.eval.answers.graders.figures import MONTHS
from openclaw_cli.eval.answers.graders.reading import folded

_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
_YEAR = r"(?:,?\s*(?:ב-?)?(?P<year>\d{4}))?(?!\d)"
_FORMS = (
    re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})[./](?P<month>\d{1,2})(?:[./](?P<year>\d{4}|\d\d))?(?![\d./]\d|\d)"),
    re.compile(r"(?<!\d)(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d\d)(?!\d)"),
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?:[לב]-?)?(?P<name>{_NAMES})\b{_YEAR}"),
    re.compile(rf"\b(?P<name>{_NAMES})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d){_YEAR}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfYear:
    """A date whose year may not be named."""

    month: int
    day: int
    year: int | None = None

    def fits(self, other: "DayOfYear") -> bool:
        """Whether both are the same day; a year that only one of them names does not count."""
        same_year = self.year is None or other.year is None or self.year == other.year
        return same_year and (self.month, self.day) == (other.month, other.day)


def read_date(written: str) -> DayOfYear:
    """`2026-05-03` or `05-03`."""
    *year, month, day = map(int, written.split("-"))
    return DayOfYear(month=month, day=day, year=year[0] if year else None)


def dates_in(text: str) -> set[DayOfYear]:
    """The dates of *text*. `3/5/2026` is read in both ways, as day and month and as month and day."""
    found = set()
    for form in _FORMS:
        for match in form.finditer(folded(text)):
            parts = match.groupdict()
            month = MONTHS[parts["name"]] if parts.get("name") else int(parts["month"])
            year = int(parts["year"]) if parts.get("year") else None
            if year is not None and year < 100:
                year += 2000
            if 1 <= month <= 12 and 1 <= int(parts["day"]) <= 31:
                found.add(DayOfYear(month=month, day=int(parts["day"]), year=year))
    return found
