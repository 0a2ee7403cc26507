"""Text, code and tables with separators."""

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import pairwise

from openclaw_core.sealed.values import RunnerCause
from openclaw_runner.readers.document import Document, Unreadable, parts, table

CODE = {
    "py": "python", "js": "javascript", "ts": "typescript", "java": "java", "c": "c", "h": "c", "cpp": "cpp", "cc": "cpp", "hpp": "cpp",
    "cs": "csharp", "go": "go", "rs": "rust", "rb": "ruby", "php": "php", "sh": "bash", "sql": "sql", "lua": "lua", "kt": "kotlin",
    "swift": "swift", "r": "r", "css": "css", "json": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml", "xml": "xml", "ini": "ini",
    "tf": "hcl", "scala": "scala", "pl": "perl", "ipynb": "json",
}  # fmt: skip
"""Suffix → the name of a code block's language."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = ",;\t|"


def decoded(data: bytes, *, hint: str = "") -> str:
    """The text of *data*: by its mark, as UTF-8, by *hint*, or as the Windows encoding that its letters speak for."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    for name in ("utf-8", hint):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    # Hebrew letters of cp1255 are 0xE0 to 0xFA and stand side by side; accents of cp1252 stand alone.
    pairs = sum(0xE0 <= a <= 0xFA and 0xE0 <= b <= 0xFA for a, b in pairwise(data))
    return data.decode("cp1255" if pairs > len(data) // 20 else "cp1252", "replace")


def text(data: bytes) -> str:
    """The text of a file that claims to be one. Raises Unreadable if it holds what no text does."""
    if b"\0" in data[:65536] and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(RunnerCause.UNSUPPORTED, "this kind of file cannot be read")
    return decoded(data)


def read_text(data: bytes) -> Document:
    """Text or Markdown, as it is."""
    return Document(parts(text(data).replace("\r\n", "\n").split("\n"), separator="\n"))


def read_code(data: bytes, language: str) -> Document:
    """Code, in blocks of its language. The fence is longer than any in the code."""
    lines = text(data).replace("\r\n", "\n")
    fence = "```"
    while fence in lines:
        fence += "`"

    def fenced() -> Iterator[str]:
        for part in parts(lines.split("\n"), separator="\n"):
            yield f"{fence}{language}\n{part.text}\n{fence}"

    return Document(part for block in fenced() for part in parts([block]))


def read_table(data: bytes) -> Document:
    """CSV or TSV as Markdown tables. The separator is the one that the first lines have most."""
    lines = text(data)
    head = lines[:4096].split("\n")[:5]
    delimiter = max(_DELIMITERS, key=lambda sign: sum(line.count(sign) for line in head))
    csv.field_size_limit(1 << 20)
    rows = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter)
    try:
        return Document(parts(list(table(row for row in rows if row)), separator="\n"))
    except csv.Error as exc:
        raise Unreadable(RunnerCause.DAMAGED, "it is no table") from exc
