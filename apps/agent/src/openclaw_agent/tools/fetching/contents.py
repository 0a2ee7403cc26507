"""Which kinds of content are taken, by what the server says and by how the bytes begin. Pure; nothing is parsed here."""

import re
from enum import StrEnum

from openclaw_agent.tools.fetching.faults import NotFetched, Why


class Kind(StrEnum):
    HTML = "html"
    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    XML = "xml"
    CSV = "csv"
    PDF = "pdf"
    WORD = "word"
    EXCEL = "excel"
    POWERPOINT = "powerpoint"
    EPUB = "epub"


_OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS: dict[str, Kind] = {
    "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.HTML,
    "text/plain": Kind.TEXT,
    "text/markdown": Kind.MARKDOWN,
    "text/x-markdown": Kind.MARKDOWN,
    "application/json": Kind.JSON,
    "application/ld+json": Kind.JSON,
    "text/xml": Kind.XML,
    "application/xml": Kind.XML,
    "application/rss+xml": Kind.XML,
    "application/atom+xml": Kind.XML,
    "text/csv": Kind.CSV,
    "application/pdf": Kind.PDF,
    f"{_OFFICE}wordprocessingml.document": Kind.WORD,
    f"{_OFFICE}spreadsheetml.sheet": Kind.EXCEL,
    f"{_OFFICE}presentationml.presentation": Kind.POWERPOINT,
    "application/msword": Kind.WORD,
    "application/vnd.ms-excel": Kind.EXCEL,
    "application/vnd.ms-powerpoint": Kind.POWERPOINT,
    "application/epub+zip": Kind.EPUB,
}
DOCUMENTS = frozenset({Kind.PDF, Kind.WORD, Kind.EXCEL, Kind.POWERPOINT, Kind.EPUB})
"""Handed on as bytes: only the sealed runner may open them."""
_OFFICE_BEGIN = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_LOOK_BYTES = 1024
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)


def kind_of(content_type: str) -> Kind:
    """The kind that a Content-Type header names. Raises NotFetched for one that is not taken, and for none."""
    found = KINDS.get(content_type.partition(";")[0].strip().lower())
    if found is None:
        raise NotFetched(Why.KIND)
    return found


def charset_of(content_type: str) -> str:
    """The charset that a Content-Type header names; empty if it names none."""
    found = _CHARSET.search(content_type)
    return found[1].lower() if found else ""


def check(kind: Kind, body: bytes) -> None:
    """Look at how *body* begins. Raises NotFetched if it is empty or cannot be of *kind*."""
    begin = body[:_LOOK_BYTES]
    if not begin.strip():
        raise NotFetched(Why.EMPTY)
    if kind is Kind.PDF:
        fits = b"%PDF-" in begin
    elif kind in DOCUMENTS:
        fits = begin.startswith(_OFFICE_BEGIN)
    else:
        fits = begin.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" not in begin
    if not fits:
        raise NotFetched(Why.NOT_THAT_KIND)
