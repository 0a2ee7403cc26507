"""The documents of one task: each is opened once, and its text stays here while the answer is made."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from openclaw_agent.tools.documents.sealed_reader import DocumentReader, cause_of
from openclaw_agent.tools.framing import one_line
from openclaw_core import logs
from openclaw_core.sealed import DocumentPage
from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts.documents import PageUnit, unit_of

log = logs.get(__name__)
TEXT_MAX_CHARS = 4_000_000
"""Of all documents of a task: more than a model can be given in its steps, and less than an agent's memory."""
NAME_MAX_CHARS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDocument:
    """One document. *name* and the pages are a stranger's: `framing` cleans them for the model."""

    number: int
    """From 1, in the order of sending."""
    name: str = field(repr=False)
    pages: tuple[DocumentPage, ...] = field(default=(), repr=False)
    """Those that have text, in order."""
    total: int = 0
    """How many pages it has; of one that is `cut`, how many can be read if the rest was not counted."""
    cut: bool = False
    """Whether its end is not in *pages*: it is too long, or its reading was ended."""
    fault: Cause | None = None
    """Why it cannot be read."""
    in_message: bool = False
    """Whether all its text is in the user's message, because it is short."""

    @property
    def unit(self) -> PageUnit:
        return unit_of(self.name)

    @property
    def text(self) -> str:
        return "\n\n".join(page.text for page in self.pages)


@dataclass(kw_only=True)
class OpenedDocuments:
    """The documents of a task in the order of sending. Another agent that takes the task over gives them the same numbers."""

    reader: DocumentReader
    all: list[OpenedDocument] = field(default_factory=list, init=False)

    async def open(self, name: str, data: bytes) -> OpenedDocument:
        """Open a document and add it, also one that cannot be read."""
        result = await self.reader.read(name, data)
        pages, cut = _within(result.pages, TEXT_MAX_CHARS - sum(len(one.text) for one in self.all))
        last = pages[-1].number if pages else 0
        document = OpenedDocument(
            number=len(self.all) + 1,
            name=one_line(name, NAME_MAX_CHARS) or "document",
            pages=pages,
            total=last if result.pages_total is None else max(last, result.pages_total),
            cut=cut or result.cut or (result.cause is not None and bool(pages)),
            fault=cause_of(result),
        )
        self.all.append(document)
        cause = None if result.cause is None else result.cause.value
        log.info("document.opened", pages=len(pages), cause=cause, took_ms=round(result.seconds * 1000))
        return document

    def fail(self, name: str, cause: Cause) -> None:
        """Add a document that could not even be fetched."""
        self.all.append(
            OpenedDocument(number=len(self.all) + 1, name=one_line(name, NAME_MAX_CHARS) or "document", fault=cause)
        )

    def put_in_message(self, document: OpenedDocument) -> None:
        """Note that the model is given all of *document* with the message."""
        self.all[document.number - 1] = replace(document, in_message=True)

    def listing(self) -> str:
        """A line for each document, for the model."""
        return "\n".join(map(_line, self.all))


def _within(pages: Sequence[DocumentPage], max_chars: int) -> tuple[tuple[DocumentPage, ...], bool]:
    """The first of *pages* that have at most *max_chars* together, and whether some were left out."""
    kept: list[DocumentPage] = []
    for page in pages:
        max_chars -= len(page.text)
        if max_chars < 0:
            return tuple(kept), True
        kept.append(page)
    return tuple(kept), False


def _line(document: OpenedDocument) -> str:
    head = f"Document {document.number}: {document.name}"
    if document.fault is not None:
        return f"{head}. It cannot be read ({document.fault.value.removeprefix('file_')})."
    if document.in_message:
        return f"{head}. All of it is here."
    count = f"{document.total} {document.unit.value}{'' if document.total == 1 else 's'}"
    return f"{head}, {count}{', the end of which cannot be read' if document.cut else ''}. Its text is not here: read_document reads it."
