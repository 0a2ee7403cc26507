"""Changes of a text by position, and the text with its code hidden: what is in code is never changed."""

from collections.abc import Iterable
from typing import NamedTuple

from openclaw_core.chat.markdown.code_ranges import code_ranges

HIDDEN = "\x00"
"""Stands for each character of code. No text of a model has it after `characters.cleaned`."""


class TextEdit(NamedTuple):
    start: int
    end: int
    new: str


def without_code(text: str, *, grows: bool = False) -> str:
    """*text* with its code hidden; as long as *text* is."""
    parts, at = [], 0
    for begin, end in code_ranges(text, grows=grows):
        parts += [text[at:begin], "".join("\n" if char == "\n" else HIDDEN for char in text[begin:end])]
        at = end
    return "".join([*parts, text[at:]])


def applied(text: str, edits: Iterable[TextEdit]) -> str:
    """*text* after *edits*; of two that overlap the first one counts."""
    parts, at = [], 0
    for edit in sorted(edits):
        if edit.start >= at:
            parts += [text[at : edit.start], edit.new]
            at = edit.end
    return "".join([*parts, text[at:]])
