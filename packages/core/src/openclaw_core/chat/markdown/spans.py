"""Text with formatting, as the parts of the converter pass it on. Positions are code points."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

CODE_KINDS = frozenset({"pre", "code"})
"""No other formatting may cover code."""
QUOTE_KINDS = frozenset({"blockquote", "expandable_blockquote"})


class TextSpan(NamedTuple):
    """A stretch of formatting; *kind* is the type of Telegram's MessageEntity."""

    start: int
    end: int
    kind: str
    url: str | None = None
    language: str | None = None


class RichText(NamedTuple):
    """A text and its spans, in no particular order; they may cross."""

    text: str
    spans: tuple[TextSpan, ...] = ()

    def marked(self, kind: str, *, language: str | None = None) -> "RichText":
        """The same with one more span over all of it."""
        if not self.text:
            return self
        return self._replace(spans=(TextSpan(0, len(self.text), kind, None, language), *self.spans))


def joined(parts: Iterable[RichText | str]) -> RichText:
    """All parts in a row."""
    texts: list[str] = []
    spans: list[TextSpan] = []
    at = 0
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            at += len(part)
            continue
        texts.append(part.text)
        spans += [span._replace(start=span.start + at, end=span.end + at) for span in part.spans]
        at += len(part.text)
    return RichText("".join(texts), tuple(spans))


def between(parts: Sequence[RichText], separator: str) -> RichText:
    """The parts with *separator* between each two."""
    pieces: list[RichText | str] = []
    for part in parts:
        pieces += [separator, part] if pieces else [part]
    return joined(pieces)
