"""What users read about their documents: which parts were read, and the subject of a status line."""

from collections.abc import Mapping
from enum import StrEnum

from openclaw_core.ports import Lang


class Unit(StrEnum):
    """What the pages of a document are."""

    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    CHAPTER = "chapter"
    PART = "part"


_UNITS: Mapping[str, Unit] = {
    "pdf": Unit.PAGE, "docx": Unit.PAGE, "docm": Unit.PAGE, "pptx": Unit.SLIDE, "pptm": Unit.SLIDE, "xlsx": Unit.SHEET, "xlsm": Unit.SHEET,
    "epub": Unit.CHAPTER,
}  # fmt: skip
_MANY: Mapping[Unit, Mapping[Lang, str]] = {
    Unit.PAGE: {"en": "pages", "he": "עמודים"},
    Unit.SLIDE: {"en": "slides", "he": "שקופיות"},
    Unit.SHEET: {"en": "sheets", "he": "גיליונות"},
    Unit.CHAPTER: {"en": "chapters", "he": "פרקים"},
    Unit.PART: {"en": "parts", "he": "חלקים"},
}
_ONE: Mapping[Unit, Mapping[Lang, str]] = {
    Unit.PAGE: {"en": "page", "he": "עמוד"},
    Unit.SLIDE: {"en": "slide", "he": "שקופית"},
    Unit.SHEET: {"en": "sheet", "he": "גיליון"},
    Unit.CHAPTER: {"en": "chapter", "he": "פרק"},
    Unit.PART: {"en": "part", "he": "חלק"},
}


def unit_of(name: str) -> Unit:
    """What the pages of a document of this name are; parts where its format has no pages."""
    return _UNITS.get(name.rpartition(".")[2].lower(), Unit.PART)


def status_subject(name: str, unit: Unit, first: int, last: int, *, lang: Lang, max_chars: int) -> str:
    """`report.pdf, pages 5–8` within *max_chars*: the name is cut, not the pages."""
    where = f", {_ONE[unit][lang]} {first}" if first == last else f", {_MANY[unit][lang]} {first}–{last}"
    room = max_chars - len(where)
    return (name if len(name) <= room else name[: room - 1].rstrip() + "…") + where


def read_line(unit: Unit, *, whole: str, in_part: str, all_of_it: bool, total: int, lang: Lang) -> str:
    """Which parts of a document were read: *whole* and *in_part* are numbers such as `1–4, 9`, maybe empty."""
    many = _MANY[unit][lang]
    if all_of_it:
        return {"en": "read whole", "he": "נקרא כולו"}[lang]
    if not whole and not in_part:
        return {"en": "not read", "he": "לא נקרא"}[lang]
    said = {"en": f"{many} {whole}", "he": f"{many} {whole}"}[lang] if whole else ""
    if in_part:
        some = {"en": f"some of {many} {in_part}", "he": f"קטעים מ{many} {in_part}"}[lang]
        said = f"{said}, {some}" if said else some
    return said + {"en": f" of {total}", "he": f" מתוך {total}"}[lang]
