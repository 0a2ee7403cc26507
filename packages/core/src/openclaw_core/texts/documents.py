"""What users read about their documents: which parts were read, and the subject of a status line."""

import re
from collections.abc import Mapping
from enum import StrEnum

from openclaw_core.ports import Lang


class PageUnit(StrEnum):
    """What the pages of a document are."""

    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    CHAPTER = "chapter"
    PART = "part"


_UNITS: Mapping[str, PageUnit] = {
    "pdf": PageUnit.PAGE, "docx": PageUnit.PAGE, "docm": PageUnit.PAGE, "pptx": PageUnit.SLIDE, "pptm": PageUnit.SLIDE,
    "xlsx": PageUnit.SHEET, "xlsm": PageUnit.SHEET,
    "epub": PageUnit.CHAPTER,
}  # fmt: skip
_NAMES: Mapping[PageUnit, Mapping[Lang, tuple[str, str]]] = {
    PageUnit.PAGE: {"en": ("page", "pages"), "he": ("עמוד", "עמודים")},
    PageUnit.SLIDE: {"en": ("slide", "slides"), "he": ("שקופית", "שקופיות")},
    PageUnit.SHEET: {"en": ("sheet", "sheets"), "he": ("גיליון", "גיליונות")},
    PageUnit.CHAPTER: {"en": ("chapter", "chapters"), "he": ("פרק", "פרקים")},
    PageUnit.PART: {"en": ("part", "parts"), "he": ("חלק", "חלקים")},
}
"""Of one, and of many."""
_MANY = "|".join(many for names in _NAMES.values() for _, many in names.values())
_READ_LINE = re.compile(
    rf"📄.*: (?:read whole|נקרא כולו|not read|לא נקרא|(?:some of |קטעים מ)?(?:{_MANY}) \d.* (?:of|מתוך) \d+)",
    re.IGNORECASE,
)


def claims_read(line: str) -> bool:
    """Whether *line*, without marks of Markdown, says what was read of a document as only the record may:
    `📄 report.pdf: pages 1–4 of 60`.
    """
    return _READ_LINE.fullmatch(line) is not None


def unit_of(name: str) -> PageUnit:
    """What the pages of a document of this name are; parts where its format has no pages."""
    return _UNITS.get(name.rpartition(".")[2].lower(), PageUnit.PART)


def status_subject(name: str, unit: PageUnit, first: int, last: int, *, lang: Lang, max_chars: int) -> str:
    """`report.pdf, pages 5–8` within *max_chars*: the name is cut, not the pages."""
    one, many = _NAMES[unit][lang]
    where = f", {one} {first}" if first == last else f", {many} {first}–{last}"
    room = max_chars - len(where)
    return (name if len(name) <= room else name[: room - 1].rstrip() + "…") + where


def read_line(unit: PageUnit, *, whole: str, in_part: str, all_of_it: bool, total: int, lang: Lang) -> str:
    """Which parts of a document were read: *whole* and *in_part* are numbers such as `1–4, 9`, maybe empty."""
    _, many = _NAMES[unit][lang]
    if all_of_it:
        return {"en": "read whole", "he": "נקרא כולו"}[lang]
    if not whole and not in_part:
        return {"en": "not read", "he": "לא נקרא"}[lang]
    said = {"en": f"{many} {whole}", "he": f"{many} {whole}"}[lang] if whole else ""
    if in_part:
        some = {"en": f"some of {many} {in_part}", "he": f"קטעים מ{many} {in_part}"}[lang]
        said = f"{said}, {some}" if said else some
    return said + {"en": f" of {total}", "he": f" מתוך {total}"}[lang]
