"""Adds a note below an answer whose Markdown may be cut anywhere. An agent has no Markdown library."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_HALF_LINK = re.compile(r"!?\[([^\[\]\n]*)(?:\](?:\([^\s()]*)?)?$")


def with_note(markdown: str, note: str) -> str:
    """*markdown* and below it *note*, outside of any code or bold text that is still open."""
    fence, end = _blocks(markdown)
    if fence:
        return f"{markdown.rstrip()}\n{fence}\n\n{note}"
    return f"{markdown[:end]}{_closed(markdown[end:])}".rstrip() + f"\n\n{note}"


def _blocks(markdown: str) -> tuple[str, int]:
    """The mark that closes the code block at the end of the text, or nothing; and where the last closed block ends."""
    fence, end, at = "", 0, 0
    for line in markdown.split("\n"):
        at += len(line) + 1
        if (mark := _FENCE.match(line)) is None:
            continue
        if not fence:
            fence = mark[1] if mark[1][0] == "~" or "`" not in mark[2] else ""
        elif mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip():
            fence, end = "", min(at, len(markdown))
    return fence, end


def _closed(markdown: str) -> str:
    """*markdown*, which holds no block of code, with bold text, code or a link of its last paragraph closed."""
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
