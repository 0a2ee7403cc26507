"""Before Markdown is converted: what the converter would drop, misread or draw badly is rewritten so that the reader sees it.

The parser says where code is; nothing inside code is ever touched. Its positions are UTF-8 bytes, so edits are made on bytes.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyromark

_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
    | pyromark.Options.ENABLE_MATH
)
"""The same as the converter's, or the two would disagree about what is code."""

TABLE_MAX_CHARS = 40
"""A wider table wraps in the monospace font of a phone, and its columns are lost."""

_HEBREW = re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]")
_BREAK = re.compile(rb"<br\s*/?>", re.IGNORECASE)
_MATH = re.compile(rb"\\\((?P<inline>[^$\n]+?)\\\)|\\\[(?P<block>(?:[^$\n]|\n(?!\s*\n))+?)\\\]")
_DEFINITION = re.compile(
    rb"^[ \t>*+-]*(?:\d+[.)][ \t]*)*(?P<open>\[)(?:\\.|[^\]\\]){1,200}\]:", re.MULTILINE | re.DOTALL
)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")

Edit = tuple[int, int, bytes]
"""Put these bytes in the place of that range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table outside of quotes and lists: its range and the ranges of its cells, header first."""

    start: int
    end: int
    rows: tuple[tuple[tuple[int, int], ...], ...]
    has_link: bool


@dataclass(slots=True)
class _Seen:
    """What one walk over the parser's events found."""

    code: list[tuple[int, int]] = field(default_factory=list)
    autolinks: set[int] = field(default_factory=set)
    html: list[tuple[int, int]] = field(default_factory=list)
    math: list[tuple[int, int, bytes]] = field(default_factory=list)
    table_ranges: list[tuple[int, int]] = field(default_factory=list)
    tables: list[_Table] = field(default_factory=list)
    surplus: list[tuple[int, int]] = field(default_factory=list)
    """Ends of table rows that have more cells than the header; Markdown drops those."""


def prepared(markdown: str) -> str:
    """The same text for the reader, in Markdown that the converter keeps whole.

    HTML tags and link definitions become text, `<br>` a line break, prices with two dollar signs stay prices,
    `a || b` is no spoiler, LaTeX in `\\(…\\)` becomes math, and a table that a phone cannot show becomes a list.
    """
    text = cleaned(markdown)
    if any(mark in text for mark in ("<", "$", "||", "\\(", "\\[", "]:", "|")):
        source = text.encode()
        for _ in range(3):  # an edit may make a table or a formula of what was none; twice is already rare
            edits = _edits(source, _look(source))
            if not edits:
                break
            source = _edited(source, edits)
        if b"|" in source:
            seen = _look(source)
            if seen.surplus:
                source = _edited(source, _joined_to_last_cell(source, seen))
                seen = _look(source)
            source = _edited(source, _lists_for_tables(source, seen))
        text = source.decode()
    return text


def with_note(markdown: str, note: str) -> str:
    """*note* as a paragraph of its own after a text that may have been cut anywhere, also in the middle of code."""
    fence = _open_fence(markdown)
    end = f"\n{fence}" if fence else ""
    return f"{closed(markdown).rstrip()}{end}\n\n{note}"


def _open_fence(markdown: str) -> str:
    """The mark that would end the code in which the text ends, or nothing."""
    fence = ""
    for line in markdown.split("\n"):
        if (mark := _FENCE.match(line)) is None:
            continue
        if not fence:
            fence = mark[1]
        elif mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip():
            fence = ""
    return fence


def closed(markdown: str) -> str:
    """A text that is still streaming, with the bold or code of its last paragraph closed, so that no bare mark shows."""
    if _open_fence(markdown):
        return markdown  # the parser ends an open fence at the end of the text
    start = markdown.rfind("\n\n") + 1
    tail = markdown[start:]
    if re.fullmatch("`{1,2}", tail.rpartition("\n")[2].strip()):  # the beginning of a fence
        return markdown.rstrip().rstrip("`")
    if tail.count("`") % 2:
        return markdown[:-1] if tail.endswith("`") else markdown + "`"
    if re.sub("`[^`]*`", "", tail).count("**") % 2:
        return markdown[:-2] if tail.endswith("**") else markdown.rstrip() + "**"
    return markdown[:-1] if tail.endswith("*") and not tail.endswith("**") else markdown


def cleaned(text: str) -> str:
    """No lone surrogates (a model's JSON may hold halves of an emoji), no control characters, one kind of line end."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _CONTROL.sub(" ", text)


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _events(source: bytes) -> Iterator[tuple[Any, int, int]]:
    for payload, where in pyromark.events_with_range(source.decode(), options=_OPTIONS):
        yield payload, where["start"], where["end"]


def _look(source: bytes) -> _Seen:
    """Where code, HTML, math and tables are."""
    seen = _Seen()
    depth = 0
    table: tuple[int, int] | None = None
    rows: list[list[tuple[int, int]]] = []
    has_link = False
    for payload, start, end in _events(source):
        if not isinstance(payload, dict):
            continue
        ((kind, value),) = payload.items()
        name = value if isinstance(value, str) else next(iter(value)) if isinstance(value, dict) and value else ""
        if kind == "Code" or (kind == "Start" and name == "CodeBlock"):
            seen.code.append((start, end))
        elif kind in ("Html", "InlineHtml"):
            seen.html.append((start, end))
        elif kind in ("InlineMath", "DisplayMath"):
            seen.math.append((start, end, source[start:end].strip(b"$")))
        elif kind == "Start":
            if name in ("BlockQuote", "List"):
                depth += 1
            elif name == "Table":
                table, rows, has_link = (start, end), [], False
                seen.table_ranges.append(table)
            elif name in ("TableHead", "TableRow"):
                rows.append([])
            elif name == "TableCell" and rows:
                rows[-1].append((start, end))
            elif name == "Link":
                has_link = True
                if value["Link"]["link_type"] in ("Autolink", "Email"):
                    seen.autolinks.add(start)
        elif kind == "End":
            if name in ("BlockQuote", "List"):
                depth -= 1
            elif name == "TableRow" and rows and rows[-1] and source[rows[-1][-1][1] : end].strip(b"| \t\n"):
                seen.surplus.append((rows[-1][-1][1], end))
            elif name == "Table" and table is not None:
                if depth == 0:
                    cells = tuple(tuple(row) for row in rows)
                    seen.tables.append(_Table(start=table[0], end=table[1], rows=cells, has_link=has_link))
                table = None
    return seen


def _edits(source: bytes, seen: _Seen) -> list[Edit]:
    edits: list[Edit] = []
    protected = _Ranges([*seen.code, *((start, end) for start, end, _ in seen.math)])
    tables = _Ranges(seen.table_ranges)
    if seen.html:
        for at in _find(source, b"<"):
            if at in protected or at in seen.autolinks or source[at - 1 : at] == b"\\":
                continue
            tag = _BREAK.match(source, at)
            if tag is None:
                edits.append((at, at, b"\\"))
            elif at in tables:
                edits.append((at, tag.end(), b" "))
            else:
                edits.append((at, tag.end(), b"" if source[tag.end() : tag.end() + 1] == b"\n" else b"\n"))
    for start, end, formula in seen.math:
        signs = [start, end - 1] if source[start : start + 2] != b"$$" else [start, start + 1, end - 2, end - 1]
        if start in tables and b"`" not in formula:
            # The converter writes a cell's math before the whole table; as code it stays in its cell.
            edits.append((start, end, b"`" + formula + b"`"))
        elif start in tables or (len(signs) == 2 and not _is_formula(formula)):
            edits += [(at, at, b"\\") for at in signs]
    for at in _find(source, b"||"):
        if at not in protected and source[at - 1 : at] != b"\\":
            edits.append((at + 1, at + 1, b" ") if at in tables else (at, at + 2, b"\\|\\|"))
    for found in _MATH.finditer(source):
        if any(end in protected or end in tables for end in (found.start(), found.end() - 1)):
            continue
        inline, block = found["inline"], found["block"]
        formula = (inline or block).strip()
        if formula:
            marks = b"$$" if block else b"$" if _is_formula(formula) else b""
            edits.append((found.start(), found.end(), marks + formula + marks))
    edits += [
        (found.start("open"), found.start("open"), b"\\")
        for found in _DEFINITION.finditer(source)
        if found.start("open") not in protected
    ]
    return edits


def _is_formula(text: bytes) -> bool:
    """Whether `$text$` is math and not what stands between two prices."""
    return any(sign in text for sign in b"\\^_={") or re.fullmatch(rb"[A-Za-z]\S{0,12}", text) is not None


def _joined_to_last_cell(source: bytes, seen: _Seen) -> list[Edit]:
    edits: list[Edit] = []
    for start, end in seen.surplus:
        last = start + len(source[start:end].rstrip(b"| \t\n"))
        edits += [(at, at, b"\\") for at in range(start, last) if source[at : at + 1] == b"|"]
    return edits


def _lists_for_tables(source: bytes, seen: _Seen) -> list[Edit]:
    edits: list[Edit] = []
    for table in seen.tables:
        rows = [[source[start:end].decode().strip().strip("|").strip() for start, end in row] for row in table.rows]
        if not rows or not rows[0]:
            continue
        widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
        too_wide = sum(widths) + 3 * (len(widths) - 1) > TABLE_MAX_CHARS
        # Hebrew letters are not as wide as Latin ones in monospace fonts, and the columns would run from right to left.
        if too_wide or table.has_link or _HEBREW.search(source[table.start : table.end].decode()):
            edits.append((table.start, table.end, ("\n" + _listed(rows) + "\n\n").encode()))
    return edits


def _listed(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    if len(head) <= 2 or not body:
        lines = [_bold(" – ".join(cell for cell in head if cell)), ""]
        for row in body:
            first, *rest = row
            lines.append(f"- {_bold(first)}" + "".join(f": {cell}" for cell in rest if cell))
        return "\n".join(lines)
    lines = []
    for row in body:
        named = [(name, cell) for name, cell in zip(head, row, strict=False) if cell]
        for at, (name, cell) in enumerate(named):
            labelled = f"{name}: {cell}" if name else cell
            lines.append(f"- {_bold(labelled)}" if at == 0 else f"  - {labelled}")
    # A column's name stands before each of its cells; one over empty cells alone must not be lost.
    used = {column for row in body for column, cell in enumerate(row) if cell}
    unused = [name for column, name in enumerate(head) if name and column not in used]
    return "\n".join([*([_bold(" – ".join(unused)), ""] if unused else []), *lines])


def _bold(text: str) -> str:
    return text if not text or any(mark in text for mark in "*_`[\\") else f"**{text}**"


class _Ranges:
    """Byte ranges that lie apart, and whether a position is in one of them."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._ranges = sorted(ranges)

    def __contains__(self, at: int) -> bool:
        before = bisect_right(self._ranges, (at, sys.maxsize)) - 1
        return before >= 0 and at < self._ranges[before][1]


def _find(source: bytes, wanted: bytes) -> Iterator[int]:
    at = source.find(wanted)
    while at >= 0:
        yield at
        at = source.find(wanted, at + len(wanted))


def _edited(source: bytes, edits: Sequence[Edit]) -> bytes:
    """Apply edits that do not overlap; one that would is dropped."""
    parts: list[bytes] = []
    done = 0
    for start, end, new in sorted(edits):
        if start >= done:
            parts += [source[done:start], new]
            done = end
    return b"".join([*parts, source[done:]])
