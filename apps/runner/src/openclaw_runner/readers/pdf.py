"""PDF, by pypdf: pure Python, so that a damaged file is an exception and not a crash."""

import io
import logging
from collections.abc import Iterator

import pypdf
from pypdf.errors import LimitReachedError, PyPdfError

from openclaw_core.sealed.values import RunnerCause
from openclaw_runner.readers.document import Document, Text, Unreadable

MARK = b"%PDF-"


def read(data: bytes) -> Document:
    """Open a PDF. Its pages are its own, with their text; raises Unreadable."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it quotes the file
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable(RunnerCause.ENCRYPTED, "it needs a password")
        total = _count(reader)
    except (LimitReachedError, RecursionError) as exc:
        raise Unreadable(RunnerCause.HOSTILE, "it refers to itself without end, or grows without end") from exc
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError) as exc:
        raise Unreadable(RunnerCause.DAMAGED, "its structure is damaged") from exc
    if not total:
        raise Unreadable(RunnerCause.EMPTY, "it has no page")
    return Document(_pages(reader, total), total, pictures=lambda: _has_pictures(reader))


def _count(reader: pypdf.PdfReader) -> int:
    """How many pages there are, by looking at each: the number in the file may be a lie."""
    count = 0
    for _ in reader.pages:
        count += 1
    return count


def _pages(reader: pypdf.PdfReader, total: int) -> Iterator[Text]:
    damaged = 0
    for number in range(total):
        page = reader.pages[number]
        try:
            yield Text(page.extract_text())
        except LimitReachedError as exc:
            raise Unreadable(RunnerCause.HOSTILE, f"page {number + 1} grows without end") from exc
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            damaged += 1
            if damaged == total:
                raise Unreadable(RunnerCause.DAMAGED, "none of its pages can be read") from None
            yield Text("")


def _has_pictures(reader: pypdf.PdfReader) -> bool:
    try:
        for page in reader.pages[:3]:
            objects = page["/Resources"]["/XObject"]  # type: ignore[index]
            if any(each.get_object().get("/Subtype") == "/Image" for each in objects.values()):
                return True
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return False
