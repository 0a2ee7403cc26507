"""Whether a sentence only speaks of a thought's mark, or shows how it is written. Pure looks at the text around it."""

import re

from openclaw_core.code_spans import INDENT, LIST_MARK

_CLOSING = "\"'”’)]*_"
_PLACEHOLDER = re.compile(r"(?:\{[^{}\n]*\}|\{\{[^{}\n]*\}\}|\[[^\[\]\n]*\]|<[^<>\n]*>|[.…\s])+")
_ABOUT = re.compile(
    r"[ \t]+(?:(?:is|are|was) (?:\w+ ){1,3}(?:tags?|tokens?|marks?|markers?|elements?|delimiters?|what \w+)\b"
    r"|(?:and|or) (?:[`\"'<\[◁]|\Z)"
    r"|(?:tags?|tokens?|marks?|markers?|opens|begins|starts|marks) )"
)
"""What follows a mark at the beginning of a sentence about it: `<think> is the tag that …`."""


def ends_sentence(line: str) -> bool:
    return not LIST_MARK.fullmatch(line) and line.rstrip().rstrip(_CLOSING)[-1:] in tuple(".!?…")


def goes_on(after: str) -> bool:
    """Whether the sentence goes on behind a mark: with its punctuation, or with a small letter behind a space."""
    next_word = after.lstrip(" \t")
    if not next_word or next_word[0] in "\r\n":
        return False
    if after[0] in " \t":
        return not (next_word[0].isupper() or next_word[0].isdigit())
    return not (next_word[0].isalnum() or next_word[0] == "<")


def beginning_is_spoken_of(line: str, after: str) -> bool:
    """Of a mark that begins a thought, behind the words of *line*."""
    if ends_sentence(line):
        return bool(after) and after[0] in ",;:)\"'”"
    return not after.strip(" \t") or goes_on(after)


def end_is_spoken_of(line: str, after: str, *, mentioned: bool) -> bool:
    """Of a mark that ends a thought which none had begun. *mentioned*: the paragraph speaks of marks already."""
    if not line.strip():
        return False
    if mentioned:
        return True
    if line[-1] in "\"'“‘(":
        return goes_on(after)
    return line[-1].isspace() and goes_on(after) and after[0] not in "\"'"


def is_about(inner: str) -> bool:
    """Whether what follows a mark at the beginning of a line speaks of the mark."""
    return _ABOUT.match(inner) is not None


def pair_is_spoken_of(mark: str, inner: str, after: str, *, line: str, said: bool, indented: bool) -> bool:
    """Of both marks around *inner*. *line*: what stands before them on the line; *said*: whether any word came before; *indented*:
    whether the first of them stands on a line that is code by its indentation."""
    if indented:
        lines = inner.split("\n")[1:]
        return not after.split("\n", 1)[0].strip() and all(not part.strip() or INDENT.match(part) for part in lines)
    if said and inner.strip() and _PLACEHOLDER.fullmatch(inner):
        return True
    if is_about(inner):
        return inner[-1].isspace() and goes_on(after)
    if "\n" in inner or not line.strip() or ends_sentence(line) or LIST_MARK.fullmatch(line):
        return False
    return goes_on(after) and not (line.rstrip().endswith(":") and "think" in mark.lower())
