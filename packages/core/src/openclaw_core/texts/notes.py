"""Adds a note below an answer whose Markdown may be cut anywhere. An agent has no Markdown library."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_HALF_LINK = re.compile(r"!?\[([^\[\]\n]*)(?:\](?:\([^\s()]*)?)?$")


def with_note(markdown: str, note: str) -> str:
    """*markdown* and below it *note*, outside of any code or bold text that is still open."""
    if fence := _open_fence(markdown):
        return f"{markdown.rstrip()}\n{fence}\n\n{note}"
    return f"{_closed(markdown).rstrip()}\n\n{note}"


def _open_fence(markdown: str) -> str:
    """The mark that closes the code block at the end of the text, or nothing."""
    fence = ""
    for line in markdown.split("\n"):
        if (mark := _FENCE.match(line)) is None:
            continue
        if not fence:
            fence = mark[1] if mark[1][0] == "~" or "`" not in mark[2] else ""
        elif mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip():
            fence = ""
    return fence


def _closed(markdown: str) -> str:
    """*markdown* with bold text, code or a link of its last paragraph closed."""
    start = markdown.rfind("\n\n") + 1
    tail = markdown[start:]
    if re.fullmatch("`{1,2}", tail.rpartition("\n")[2].strip()):  # the beginning of a fence
        return markdown.rstrip().rstrip("`")
    if tail.count("`") % 2:
        return markdown[:-1] if tail.endswith("`") else markdown + "`"
    tail = _HALF_LINK.sub(r"\1", tail)
    markdown = markdown[:start] + tail
    if re.sub("`[^`]*`", "", tail).count("**") % 2:
        return markdown[:-2] if tail.endswith("**") else markdown.rstrip() + "**"
    return markdown[:-1] if tail.endswith("*") and not tail.endswith("**") else markdown
