"""A long text in numbered parts, each within a number of tokens, cut between paragraphs where that is possible. Pure."""

import re

from openclaw_core.tasks.conversation import estimate_tokens

PART_TOKENS = 3000
_LAST_CUTS = (re.compile(r"\n\n"), re.compile(r"\n"), re.compile(r"[.!?…] "), re.compile(r" "))


def text_parts(text: str, max_tokens: int = PART_TOKENS) -> list[str]:
    """*text* in parts that are it when joined; at least one."""
    found, at = [], 0
    while at < len(text):
        end = _reach(text, at, max_tokens)
        if end < len(text):
            end = _cut(text, at, end)
        found.append(text[at:end])
        at = end
    return found or [""]


def _reach(text: str, at: int, max_tokens: int) -> int:
    """How far *max_tokens* reach from *at*; one character at least."""
    low, high = at + 1, min(len(text), at + max_tokens * 4)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate_tokens(text[at:middle]) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str, at: int, end: int) -> int:
    """The last good place to cut in the second half of what would fit."""
    for place in _LAST_CUTS:
        if found := list(place.finditer(text, (at + end) // 2, end)):
            return found[-1].end()
    return end
