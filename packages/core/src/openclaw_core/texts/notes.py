"""Notes below an answer: a paragraph of our own after Markdown that may have been cut anywhere. No Markdown library is needed for it."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_HALF_LINK = re.compile(r"!?\[([^\[\]\n]*)(?:\](?:\([^\s()]*)?)?$")


def with_note(markdown: str, note: str) -> str:
    """*markdown*, cut wherever it was, and below it *note* outside of any code or bold text that was left open."""
    if fence := _open_fence(markdown):
        return f"{markdown.rstrip()}\n{fence}\n\n{note}"
    return f"{_closed(markdown).rstrip()}\n\n{note}"


def _open_fence(markdown: str) -> str:
    """The mark that would end the code in which the text ends, or nothing."""
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
    """*markdown* with the bold, code or link of its last paragraph closed."""
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
