"""Reads what was fetched: pages in a child process, documents in the sealed runner."""

from dataclasses import dataclass, field

from openclaw_agent.tools.documents.sealed_reader import DocumentReader, cause_of
from openclaw_agent.tools.fetching.contents import DOCUMENTS, ContentKind
from openclaw_agent.tools.pages.children import ChildReader, PageReader, Unread
from openclaw_agent.tools.pages.reading import TEXT_MAX_CHARS, ReadableText
from openclaw_core.tasks.outcome import Cause

DOCUMENT_S = 20.0
"""For a document behind a link, whose model waits."""
_ENDINGS = {
    ContentKind.PDF: "pdf",
    ContentKind.WORD: "docx",
    ContentKind.EXCEL: "xlsx",
    ContentKind.POWERPOINT: "pptx",
    ContentKind.EPUB: "epub",
}
_WHY = {
    Cause.NO_RUNNER: "This address leads to a document, and nothing here can open documents. Nothing was read.",
    Cause.FILE_EMPTY: "The document behind this address has no text.",
    Cause.FILE_SCANNED: "The document behind this address is scanned: its pages are pictures without text.",
    Cause.FILE_ENCRYPTED: "The document behind this address needs a password.",
    Cause.FILE_DAMAGED: "The document behind this address is damaged.",
    Cause.FILE_HOSTILE: "The document behind this address asks for more time or memory than it may, and was not read.",
}
_ELSE = "The document behind this address is of a kind that cannot be read."


@dataclass(frozen=True, slots=True, kw_only=True)
class EitherReader:
    """`PageReader` of all kinds that are fetched."""

    documents: DocumentReader
    pages: PageReader = field(default_factory=ChildReader)

    async def read(self, body: bytes, kind: ContentKind, *, charset: str = "") -> ReadableText:
        if kind not in DOCUMENTS:
            return await self.pages.read(body, kind, charset=charset)
        result = await self.documents.read(f"document.{_ENDINGS[kind]}", body)
        cause = cause_of(result)
        if cause is not None:
            raise Unread(_WHY.get(cause, _ELSE))
        text = "\n\n".join(
            f"## Page {page.number}{f': {page.name}' if page.name else ''}\n{page.text}" for page in result.pages
        )
        cut = result.cut or result.cause is not None or len(text) > TEXT_MAX_CHARS
        return ReadableText(text=text[:TEXT_MAX_CHARS], title="", date="", cut=cut)
