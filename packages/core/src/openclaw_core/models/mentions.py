"""Whether a text only mentions a thought mark instead of beginning or ending a thought. Pure; it checks the text around the mark."""

import re
from dataclasses import dataclass, field

from openclaw_core.models.code_spans import INDENT, LIST_MARK

_CLOSING = "\"'”’)]*_"
_PLACEHOLDER = re.compile(r"(?:\{[^{}\n]*\}|\{\{[^{}\n]*\}\}|\[[^\[\]\n]*\]|<[^<>\n]*>|[.…\s])+")
_ABOUT = re.compile(
    r"[ \t]+(?:(?:is|are|was) (?:\w+ ){1,3}(?:tags?|tokens?|marks?|markers?|elements?|delimiters?|what \w+)\b"
    r"|(?:and|or) (?:[`\"'<\[◁]|\Z)"
    r"|(?:tags?|tokens?|marks?|markers?|opens|begins|starts|marks) )"
)
"""What follows a mark at the beginning of a sentence about it: `<think> is the tag that …`."""

DOUBT_MAX_CHARS = 2000
"""A longer thought between marks is one, whatever is around it."""
LONG_DOUBT_MAX_CHARS = 200_000


@dataclass(slots=True)
class Doubt:
    """A thought that may turn out to be text that mentions the marks."""

    mark: str
    weak: bool
    """Whether a mark without its end is text."""
    inner: list[str] = field(default_factory=list, repr=False)
    chars: int = 0

    def add(self, text: str) -> bool:
        """Add *text*; returns whether the doubt stays."""
        self.inner.append(text)
        self.chars += len(text)
        if self.chars <= DOUBT_MAX_CHARS or (self.weak and self.chars <= LONG_DOUBT_MAX_CHARS):
            return True
        if len(self.inner) > 1:
            self.inner = ["".join(self.inner)]
        return self.holds(self.inner[0])

    def holds(self, inner: str) -> bool:
        """Whether the doubt stays if *inner* is all that follows the mark."""
        return len(inner) <= DOUBT_MAX_CHARS or (len(inner) <= LONG_DOUBT_MAX_CHARS and (self.weak or is_about(inner)))


def ends_sentence(line: str) -> bool:
    return not LIST_MARK.fullmatch(line) and line.rstrip().rstrip(_CLOSING)[-1:] in tuple(".!?…")


def goes_on(after: str) -> bool:
    """Whether the sentence goes on after a mark: with punctuation, or with a small letter after a space."""
    next_word = after.lstrip(" \t")
    if not next_word or next_word[0] in "\r\n":
        return False
    if after[0] in " \t":
        return not (next_word[0].isupper() or next_word[0].isdigit())
    return not (next_word[0].isalnum() or next_word[0] == "<")


def begin_mark_is_mentioned(line: str, after: str) -> bool:
    """Whether a begin mark after the words of *line* is only mentioned."""
    if ends_sentence(line):
        return bool(after) and after[0] in ",;:)\"'”"
    return not after.strip(" \t") or goes_on(after)


def end_mark_is_mentioned(line: str, after: str, *, mentioned: bool) -> bool:
    """Whether an end mark without a begin mark is only mentioned. *mentioned*: the paragraph mentions marks already."""
    if not line.strip():
        return False
    if mentioned:
        return True
    if line[-1] in "\"'“‘(":
        return goes_on(after)
    return line[-1].isspace() and goes_on(after) and after[0] not in "\"'"


def is_about(inner: str) -> bool:
    """Whether the text after a mark at the beginning of a line is about the mark."""
    return _ABOUT.match(inner) is not None


def pair_is_mentioned(mark: str, inner: str, after: str, *, line: str, text_before: bool, indented: bool) -> bool:
    """Whether both marks around *inner* are only mentioned.

    *line*: the text before them on the line; *text_before*: whether any word came before; *indented*: whether the first mark is on a
    line of indented code.
    """
    if indented:
        lines = inner.split("\n")[1:]
        return not after.split("\n", 1)[0].strip() and all(not part.strip() or INDENT.match(part) for part in lines)
    if text_before and inner.strip() and _PLACEHOLDER.fullmatch(inner):
        return True
    if is_about(inner):
        return inner[-1].isspace() and goes_on(after)
    if "\n" in inner or not line.strip() or ends_sentence(line) or LIST_MARK.fullmatch(line):
        return False
    return goes_on(after) and not (line.rstrip().endswith(":") and "think" in mark.lower())
