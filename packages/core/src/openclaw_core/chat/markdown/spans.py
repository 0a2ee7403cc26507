"""Text with formatting: what the parts of the converter hand to each other. Positions are code points."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of formatting; *kind* is the type of Telegram's MessageEntity."""

    start: int
    end: int
    kind: str
    url: str | None = None
    language: str | None = None


class Rich(NamedTuple):
    """A text and its spans, in no particular order; they may cross."""

    text: str
    spans: tuple[Span, ...] = ()

    def marked(self, kind: str, *, url: str | None = None, language: str | None = None) -> "Rich":
        """The same with one more span over all of it."""
        if not self.text:
            return self
        return self._replace(spans=(Span(0, len(self.text), kind, url, language), *self.spans))


def joined(parts: Iterable[Rich | str]) -> Rich:
    """The parts one after the other."""
    texts: list[str] = []
    spans: list[Span] = []
    at = 0
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            at += len(part)
            continue
        texts.append(part.text)
        spans += [span._replace(start=span.start + at, end=span.end + at) for span in part.spans]
        at += len(part.text)
    return Rich("".join(texts), tuple(spans))


def between(parts: Sequence[Rich], separator: str) -> Rich:
    """The parts with *separator* between each two."""
    pieces: list[Rich | str] = []
    for part in parts:
        pieces += [separator, part] if pieces else [part]
    return joined(pieces)
