"""Reads the figures of a text in English and Hebrew: separators, multipliers, words, times."""

import re
from collections.abc import Iterator
from itertools import pairwise

from openclaw_cli.eval.answers.graders.reading import HEBREW_LETTERS, folded, word_forms

_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_])(?P<digits>\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?![\d.,]\d)|\d+(?:[.,'’]\d+)*)(?P<minutes>:\d\d)?"
    rf"(?:[\s-]?(?P<after>[A-Za-z]+|[{HEBREW_LETTERS}]+))?"
)
_MULTIPLIERS = {
    "k": 1e3, "thousand": 1e3, "אלף": 1e3, "אלפים": 1e3, "אלפי": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "millions": 1e6, "מיליון": 1e6,
    "מיליוני": 1e6, "bn": 1e9, "billion": 1e9, "billions": 1e9, "מיליארד": 1e9, "hundred": 1e2, "מאות": 1e2, "מאה": 1e2,
}  # fmt: skip
_WORDS = {
    1: "one first אחד אחת ראשון ראשונה",
    2: "two second twice שניים שתיים שני שתי שנייה יומיים שבועיים חודשיים שנתיים פעמיים",
    3: "three third שלוש שלושה שלושת שלישי שלישית",
    4: "four fourth ארבע ארבעה ארבעת רביעי רביעית", 5: "five fifth חמש חמישה חמשת חמישי חמישית", 6: "six sixth שש שישה ששת שישי שישית",
    7: "seven seventh שבע שבעה שבעת שביעי שביעית", 8: "eight eighth שמונה שמונת שמיני שמינית", 9: "nine ninth תשע תשעה תשעת תשיעי תשיעית",
    10: "ten tenth עשר עשרה עשרת עשירי עשירית", 11: "eleven", 12: "twelve dozen תריסר", 13: "thirteen", 14: "fourteen",
    15: "fifteen", 16: "sixteen",
    17: "seventeen", 18: "eighteen", 19: "nineteen", 20: "twenty עשרים", 30: "thirty שלושים", 40: "forty ארבעים",
    50: "fifty half חמישים חצי מחצית", 60: "sixty שישים",
    70: "seventy שבעים", 80: "eighty שמונים", 90: "ninety תשעים", 100: "hundred מאה", 200: "מאתיים", 1000: "thousand אלף", 2000: "אלפיים",
    0: "zero none אפס",
}  # fmt: skip
_VALUES = {word: float(value) for value, words in _WORDS.items() for word in words.split()}
_MONTHS = (
    "january jan ינואר", "february feb פברואר", "march mar מרץ מרס", "april apr אפריל", "may מאי", "june jun יוני", "july jul יולי",
    "august aug אוגוסט", "september sep sept ספטמבר", "october oct אוקטובר", "november nov נובמבר", "december dec דצמבר",
)  # fmt: skip
MONTHS = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
"""The number of each month, by its names in both languages."""

Reading = frozenset[float]
"""The figures of a token, read in one of the ways that it can be read: `3.5` is 3.5, or 3 and 5."""


def figures_in(text: str) -> set[float]:
    """All figures of *text*, in each way that they can be read."""
    return {figure for readings in _tokens(text) for reading in readings for figure in reading}


def unknown_figures(text: str, source: str) -> list[str]:
    """The figures of *text*, as written, that *source* does not have in digits, in words or as a month."""
    known = figures_in(source) | figures_in_words(source)
    return [written for written, readings in _written(text) if not any(reading <= known for reading in readings)]


def _tokens(text: str) -> Iterator[tuple[Reading, ...]]:
    for _, readings in _written(text):
        yield readings


def _written(text: str) -> Iterator[tuple[str, tuple[Reading, ...]]]:
    for found in _TOKEN.finditer(text):
        after = (found["after"] or "").lower()
        if found["minutes"]:
            yield found["digits"] + found["minutes"], _of_time(found["digits"], found["minutes"][1:], after)
        elif after in ("am", "pm"):
            yield found["digits"], _of_time(found["digits"], "00", after)
        else:
            times = _MULTIPLIERS.get(after, 1.0)
            written = found["digits"] + (f" {after}" if times > 1 else "")
            yield (
                written,
                tuple(frozenset(_times(one, times) for one in reading) for reading in _readings(found["digits"])),
            )


def _times(figure: float, times: float) -> float:
    return round(figure * times, 6)


def _of_time(hours: str, minutes: str, after: str) -> tuple[Reading, ...]:
    if not hours.isdigit():
        return _readings(hours)
    hour, past = int(hours) + (12 if after == "pm" and int(hours) < 12 else 0), int(minutes)
    clock = [frozenset({_time(one, past)}) for one in ({hour, hour - 12} if hour > 12 else {hour})]
    return tuple(clock if past else [*clock, frozenset({float(hour)})])


def _time(hour: int, minutes: int) -> float:
    """A time of the day as a figure that is no other one: 14:30 is neither 14 and 30 nor 14.3."""
    return -1.0 - (60 * hour + minutes)


def _readings(digits: str) -> tuple[Reading, ...]:
    parts = [part for part in re.split(r"\D", digits) if part]
    found = [frozenset(float(part) for part in parts)]
    if len(parts) > 1 and all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3:
        found.insert(0, frozenset({float("".join(parts))}))
    # The last separator may be the decimal point, and the others separate thousands.
    if len(parts) >= 2 and digits[-len(parts[-1]) - 1] in ".," and all(len(part) == 3 for part in parts[1:-1]):
        found.insert(0, frozenset({float("".join(parts[:-1]) + "." + parts[-1])}))
    return tuple(found)


def figures_in_words(text: str) -> set[float]:
    """Figures that *text* has in words, such as "twenty-five" or "שלושת אלפים", and the numbers of its months."""
    words = re.findall(rf"[a-z]+|[{HEBREW_LETTERS}]+", folded(text))
    values = [_value(word) for word in words]
    found = {value for value in values if value is not None}
    found |= {float(MONTHS[form]) for word in words for form in word_forms(word) if form in MONTHS}
    for at, (first, second) in enumerate(pairwise(values)):
        if first is None:
            continue
        after = words[at + 1]
        whole = first
        if second is not None and first in range(20, 100, 10) and second < 10:
            whole, after = first + second, words[at + 2] if at + 2 < len(words) else ""
        elif second == 10 and first < 10:  # שלוש עשרה
            whole = first + 10
        found |= {whole, whole * _MULTIPLIERS.get(after, 1.0)}
    return found


def _value(word: str) -> float | None:
    return next((_VALUES[form] for form in sorted(word_forms(word), key=len, reverse=True) if form in _VALUES), None)
