"""Where Markdown holds code, which is shown as it is.

Blocks are those that `blocks` finds; code within a line goes by its backticks and tags.
"""

import re

from openclaw_core.chat.markdown import blocks

_LINE_CODE = re.compile(r"\\[\\`]|(?P<ticks>`+)|<(?P<tag>code|pre|kbd|samp|tt)(?:\s[^<>]{0,200})?>", re.IGNORECASE)


def code_ranges(markdown: str, *, grows: bool = False) -> list[tuple[int, int]]:
    """The ranges of code in *markdown*, with their marks, in order. It must be as `characters.cleaned` leaves it.

    In a text that still *grows*, code that has begun and not ended goes on to its end.
    """
    if not any(mark in markdown for mark in ("`", "~~~", "\t", "    ", "<")):
        return []
    starts = _line_starts(markdown)
    found: list[tuple[int, int]] = []
    for token in blocks.tokens(markdown, grows=grows):
        if token.map is None:
            continue
        begin, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        if token.type in ("fence", "code_block"):
            found.append((begin, end))
        elif token.type in ("inline", "table"):
            found += _in_lines(markdown, begin, end, grows=grows and end == len(markdown))
    return _merged(found)


def _line_starts(markdown: str) -> list[int]:
    starts = [0]
    for line in markdown.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    starts[-1] = len(markdown)
    return starts


def _in_lines(markdown: str, begin: int, end: int, *, grows: bool) -> list[tuple[int, int]]:
    found = []
    at = begin
    while mark := _LINE_CODE.search(markdown, at, end):
        at = mark.end()
        if mark["ticks"]:
            close = re.compile(f"(?<!`){mark['ticks']}(?!`)").search(markdown, at, end)
        elif mark["tag"]:
            close = re.compile(f"</{mark['tag']}>", re.IGNORECASE).search(markdown, at, end)
        else:
            continue
        if close:
            at = close.end()
            found.append((mark.start(), at))
        elif grows:
            return [*found, (mark.start(), end)]
    return found


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
