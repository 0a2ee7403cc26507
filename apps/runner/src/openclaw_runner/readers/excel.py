"""Excel, by openpyxl: numbers and dates are told apart by formats, which is more than a page of code."""

import io
from collections.abc import Iterator
from typing import Any
from zipfile import BadZipFile

from openpyxl.reader.excel import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from openclaw_core.sealed.values import PAGE_MAX_CHARS, RunnerCause
from openclaw_runner.readers.archive import Archive, declares_entities, parse_xml
from openclaw_runner.readers.document import Document, Text, Unreadable, table

MARK = "xl/workbook.xml"
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".emf", ".wmf", ".svg")
EMPTY_ROWS_MAX = 1000
"""Rows without a value after which a sheet counts as ended: some say that they have a million."""


def read(data: bytes, archive: Archive) -> Document:
    """A workbook: each sheet is a page, its values as they were last computed."""
    for name in archive.names:
        # Only those that the library reads as a whole; a sheet is streamed, and may have another name than sheets have.
        if name.endswith((".xml", ".rels")) and not name.startswith("xl/worksheets/"):
            parse_xml(archive.read(name))
        elif not name.lower().endswith(_PICTURES) and declares_entities(archive.read(name)):
            raise Unreadable(RunnerCause.HOSTILE, "it declares entities of its own")
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, BadZipFile, KeyError, ValueError, TypeError, AttributeError) as exc:
        raise Unreadable(RunnerCause.DAMAGED, "its structure is damaged") from exc
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    return Document((_sheet(sheet) for sheet in sheets), len(sheets))


def _sheet(sheet: Any) -> Text:
    lines, length = [], 0
    for line in table(_rows(sheet)):
        lines.append(line)
        length += len(line) + 1
        if length > PAGE_MAX_CHARS:
            break
    return Text("\n".join(lines), str(sheet.title)[:200])


def _rows(sheet: Any) -> Iterator[list[str]]:
    empty = 0
    for row in sheet.iter_rows(values_only=True):
        cells = ["" if value is None else str(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        empty = 0 if cells else empty + 1
        if empty > EMPTY_ROWS_MAX:
            return
        if cells:
            yield cells
