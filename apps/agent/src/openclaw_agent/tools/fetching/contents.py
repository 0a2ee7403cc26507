"""Which kinds of content are taken, by what the server says and by how the bytes begin. Pure; nothing is parsed here."""

import re
from enum import StrEnum

from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched


class ContentKind(StrEnum):
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
KINDS: dict[str, ContentKind] = {
    "text/html": ContentKind.HTML,
    "application/xhtml+xml": ContentKind.HTML,
    "text/plain": ContentKind.TEXT,
    "text/markdown": ContentKind.MARKDOWN,
    "text/x-markdown": ContentKind.MARKDOWN,
    "application/json": ContentKind.JSON,
    "application/ld+json": ContentKind.JSON,
    "text/xml": ContentKind.XML,
    "application/xml": ContentKind.XML,
    "application/rss+xml": ContentKind.XML,
    "application/atom+xml": ContentKind.XML,
    "text/csv": ContentKind.CSV,
    "application/pdf": ContentKind.PDF,
    f"{_OFFICE}wordprocessingml.document": ContentKind.WORD,
    f"{_OFFICE}spreadsheetml.sheet": ContentKind.EXCEL,
    f"{_OFFICE}presentationml.presentation": ContentKind.POWERPOINT,
    "application/msword": ContentKind.WORD,
    "application/vnd.ms-excel": ContentKind.EXCEL,
    "application/vnd.ms-powerpoint": ContentKind.POWERPOINT,
    "application/epub+zip": ContentKind.EPUB,
}
DOCUMENTS = frozenset({ContentKind.PDF, ContentKind.WORD, ContentKind.EXCEL, ContentKind.POWERPOINT, ContentKind.EPUB})
"""Handed on as bytes: only the sealed runner may open them."""
_OFFICE_BEGIN = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_LOOK_BYTES = 1024
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)


def kind_of(content_type: str) -> ContentKind:
    """The kind that a Content-Type header names. Raises NotFetched for one that is not taken, and for none."""
    found = KINDS.get(content_type.partition(";")[0].strip().lower())
    if found is None:
        raise NotFetched(FetchCause.KIND)
    return found


def charset_of(content_type: str) -> str:
    """The charset that a Content-Type header names; empty if it names none."""
    found = _CHARSET.search(content_type)
    return found[1].lower() if found else ""


def check(kind: ContentKind, body: bytes) -> None:
    """Look at how *body* begins. Raises NotFetched if it is empty or cannot be of *kind*."""
    begin = body[:_LOOK_BYTES]
    if not begin.strip():
        raise NotFetched(FetchCause.EMPTY)
    if kind is ContentKind.PDF:
        fits = b"%PDF-" in begin
    elif kind in DOCUMENTS:
        fits = begin.startswith(_OFFICE_BEGIN)
    else:
        fits = begin.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" not in begin
    if not fits:
        raise NotFetched(FetchCause.NOT_THAT_KIND)
