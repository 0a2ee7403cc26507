"""What all readers share: the pages that they give, and why a document cannot be read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from openclaw_core.sealed.values import RunnerCause

PART_CHARS = 12_000
"""The size of a page where the document has none of its own, such as a text file."""


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a page, and its own title if it has one."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was opened. *pages* reads one page at a time; *total* is None where only reading all would tell.

    *pictures* says whether its pages show pictures: without any text it was scanned, then.
    """

    pages: Iterable[Text]
    total: int | None = None
    pictures: Callable[[], bool] = bool


class Unreadable(Exception):
    """A document that gives no text, and why."""

    def __init__(self, cause: RunnerCause, why: str) -> None:
        super().__init__(why)
        self.cause = cause
        self.why = why


def parts(blocks: Iterable[str], *, separator: str = "\n\n") -> Iterator[Text]:
    """Collect *blocks* to pages of about PART_CHARS."""
    collected: list[str] = []
    length = 0
    for block in blocks:
        while len(block) > 2 * PART_CHARS:  # one endless line
            collected.append(block[:PART_CHARS])
            yield Text(separator.join(collected))
            collected, length, block = [], 0, block[PART_CHARS:]
        if length and length + len(block) > PART_CHARS:
            yield Text(separator.join(collected))
            collected, length = [], 0
        collected.append(block)
        length += len(block) + len(separator)
    if collected:
        yield Text(separator.join(collected))


def table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The lines of a Markdown table whose first row is the head."""
    for n, row in enumerate(rows):
        cells = [" ".join(cell.split()).replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"
        if n == 0:
            yield f"|{' --- |' * len(cells)}"
