"""Finds tables and shows them: in monospace if they fit on a phone, else as lists."""

import re
from collections.abc import Sequence

from markdown_it.rules_block import StateBlock

from openclaw_core.chat.markdown.spans import RichText, between, joined
from openclaw_core.texts.prose import HEBREW

MAX_CHARS = 40
"""A wider table would wrap on a phone."""

_DELIMITER = re.compile(r"\s*:?-+:?\s*")
_IN_ROW = re.compile(r"\\.|`+|\|")


def table_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """The parser's rule for a table: one token with the cells' sources as `meta["rows"]`, header first.

    Unlike the parser's own it keeps cells beyond the header's, splits no code at its pipes, and ends at a line without one.
    """
    if start_line + 2 > end_line or state.sCount[start_line + 1] < state.blkIndent:
        return False
    header, delimiter = _line(state, start_line), _line(state, start_line + 1)
    if "|" not in header or state.is_code_block(start_line) or state.is_code_block(start_line + 1):
        return False
    columns = delimiter.removeprefix("|").removesuffix("|").split("|")
    if not all(_DELIMITER.fullmatch(column) for column in columns):
        return False
    rows = [cells(header)]
    if len(rows[0]) != len(columns):
        return False
    if silent:
        return True
    line = start_line + 2
    while line < end_line and state.sCount[line] >= state.blkIndent and "|" in _line(state, line):
        row = cells(_line(state, line))
        if len(row) > len(columns):
            row[len(columns) - 1 :] = [" | ".join(row[len(columns) - 1 :])]
        rows.append(row)
        line += 1
    token = state.push("table", "table", 0)
    token.map = [start_line, line]
    token.meta = {"rows": rows}
    state.line = line
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()


def cells(line: str) -> list[str]:
    """The sources of a row's cells."""
    found: list[str] = []
    begun = at = 1 if line.startswith("|") else 0
    while mark := _IN_ROW.search(line, at):
        at = mark.end()
        if mark[0] == "|":
            found.append(line[begun : mark.start()])
            begun = at
        elif mark[0].startswith("`"):
            close = re.compile(rf"(?<!`){mark[0]}(?!`)").search(line, at)
            at = close.end() if close else at
    if line[begun:].strip():
        found.append(line[begun:])
    return [cell.strip().replace("\\|", "|") for cell in found]


def render_table(rows: Sequence[Sequence[RichText]], *, grows: bool = False) -> RichText:
    """The table as text. One that still *grows* is a list: it may become too wide."""
    width = max(map(len, rows))
    lines = [[" ".join(cell.text.split()) for cell in row] + [""] * (width - len(row)) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(width)]
    too_wide = sum(widths) + 3 * (width - 1) > MAX_CHARS
    has_link = any(span.kind == "text_link" for row in rows for cell in row for span in cell.spans)
    # Hebrew letters are not as wide as Latin ones in monospace fonts, and the columns would run from right to left.
    hebrew = any(HEBREW.search(cell) for line in lines for cell in line)
    if grows or too_wide or has_link or hebrew:
        return _listed(rows)
    drawn = [" | ".join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)) for line in lines]
    drawn.insert(
        1, "+".join("-" * (size + (1 if column in (0, width - 1) else 2)) for column, size in enumerate(widths))
    )
    return RichText("\n".join(drawn)).marked("pre")


def _listed(rows: Sequence[Sequence[RichText]]) -> RichText:
    head, *body = ([_one_line(cell) for cell in row] for row in rows)
    if len(head) <= 2 or not body:
        lines = [between([cell for cell in head if cell.text], " – ").marked("bold"), RichText("")]
        for row in body:
            first, *rest = row or [RichText("")]
            lines.append(joined(["• ", first.marked("bold"), *(joined([": ", cell]) for cell in rest if cell.text)]))
        return between(lines, "\n")
    lines = []
    for row in body:
        named = [(name, cell) for name, cell in zip(head, row, strict=False) if cell.text]
        for at, (name, cell) in enumerate(named):
            labelled = joined([name, ": ", cell]) if name.text else cell
            lines.append(joined(["  • ", labelled]) if at else joined(["• ", labelled.marked("bold")]))
    # A column's name is before each of its cells; one over empty cells alone must not be lost.
    used = {column for row in body for column, cell in enumerate(row) if cell.text}
    unused = [name for column, name in enumerate(head) if name.text and column not in used]
    if unused:
        lines = [between(unused, " – ").marked("bold"), RichText(""), *lines]
    return between(lines, "\n")


def _one_line(cell: RichText) -> RichText:
    return cell._replace(text=cell.text.replace("\n", " "))
