"""`read_document`: some pages of a document that came with the user's message, or the places where a phrase is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_agent.tools.documents.opened_documents import OpenedDocument, OpenedDocuments
from openclaw_agent.tools.documents.pages_of import Excerpt, places_of, taken
from openclaw_agent.tools.framing import framed
from openclaw_agent.tools.opened import OpenedPages
from openclaw_agent.tools.tool import RESULT_MAX_TOKENS, Doing, Status, ToolResult, failed
from openclaw_core.ports import Lang
from openclaw_core.roles.values import READ_DOCUMENT
from openclaw_core.tasks.steps import STATUS_MAX_CHARS
from openclaw_core.texts.documents import status_subject

HEAD_TOKENS = 300
"""For what is around the pages."""
_WHOLE = {"type": "integer", "minimum": 1}
_PARAMETERS = {
    "type": "object",
    "properties": {
        "document": {**_WHOLE, "description": "The document's number; 1 if left out."},
        "first_page": {
            **_WHOLE,
            "description": "Where to begin; page 1 if left out. Slides, sheets and chapters count as pages.",
        },
        "pages": {**_WHOLE, "description": "How many pages at most; as many as one result holds if left out."},
        "piece": {**_WHOLE, "description": "Which piece of the first page, if that is too long for one result."},
        "find": {
            "type": "string",
            "description": "A word or phrase: gives the places where it is, with their pages, in place of whole pages.",
        },
    },
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """The tool, for the documents of one task."""

    documents: OpenedDocuments
    lang: Lang
    results_tokens: int
    """Of the role: two results fit into a request."""
    name: str = READ_DOCUMENT
    description: str = (
        "Read a document that came with the user's message: some of its pages, or the places where a phrase is. Long "
        "documents come in parts: go on with first_page until you have what the question needs, and before you go on "
        "write down what matters of the part, since older parts are cut from your view. Do not state what you have "
        "not read."
    )
    parameters: Mapping[str, Any] = field(default_factory=lambda: _PARAMETERS)
    timeout_s: float = 10.0

    def status(self, arguments: Mapping[str, Any]) -> Status:
        try:
            document, first, _, excerpt = self._asked(arguments)
        except _WrongArgument:
            return Status(doing=Doing.READING)
        last = excerpt.last if excerpt.texts else first
        subject = status_subject(document.name, document.unit, first, last, lang=self.lang, max_chars=STATUS_MAX_CHARS)
        return Status(doing=Doing.READING, subject=subject)

    async def call(self, arguments: Mapping[str, Any], pages: OpenedPages) -> ToolResult:
        try:
            document, first, phrase, excerpt = self._asked(arguments)
        except _WrongArgument as exc:
            return failed(str(exc))
        unit, of = document.unit.value, f"of {document.total}"
        if not excerpt.texts:
            if phrase:
                return failed(f"These words are not in document {document.number}. Try others, or read its pages.")
            return failed(
                f"Document {document.number} has no text on {unit} {first} or after it; it has {document.total}."
            )
        if phrase:
            where = f"{unit}s {', '.join(str(page.number) for page in excerpt.texts)} {of}, places where the words are"
        elif excerpt.pieces > 1:
            where = f"{unit} {first} {of}, piece {excerpt.piece} of {excerpt.pieces}"
        else:
            where = f"{unit} {first} {of}" if excerpt.last == first else f"{unit}s {first}-{excerpt.last} {of}"
        text = "\n\n".join(
            f"## {unit.capitalize()} {page.number}{f': {page.name}' if page.name else ''}\n{page.text.strip()}"
            for page in excerpt.texts
        )
        head = f"Document {document.number}, {where}.{_next(document, excerpt, phrase)}"
        return ToolResult(
            text=f"{head}\n{framed(text, name=f'document {document.number}')}", read=excerpt.read(document.number)
        )

    def _asked(self, arguments: Mapping[str, Any]) -> tuple[OpenedDocument, int, str, Excerpt]:
        """The document, the first page, the phrase and what is given of it. Raises _WrongArgument."""
        number, first, piece = (_number(arguments, name) or 1 for name in ("document", "first_page", "piece"))
        phrase = arguments.get("find")
        if not isinstance(phrase, str | None):
            raise _WrongArgument("The argument find of read_document is a word or phrase.")
        document = next((one for one in self.documents.all if one.number == number), None)
        if document is None:
            raise _WrongArgument(
                f"There is no document {number}: they are numbered from 1 to {len(self.documents.all)}."
            )
        if document.fault is not None:
            raise _WrongArgument(f"Document {number} cannot be read: {document.fault.value.removeprefix('file_')}.")
        max_tokens = max(1000, min(RESULT_MAX_TOKENS, self.results_tokens // 2)) - HEAD_TOKENS
        if phrase and phrase.strip():
            return document, first, phrase, places_of(document.pages, phrase, first, max_tokens)
        return document, first, "", taken(document.pages, first, _number(arguments, "pages"), piece, max_tokens)


class _WrongArgument(Exception):
    """The message is a sentence for the model."""


def _number(arguments: Mapping[str, Any], name: str) -> int | None:
    """A whole number from 1 on, as models write it: `2`, `2.0`, `"2"`. Raises _WrongArgument."""
    value = arguments.get(name)
    if value is None:
        return None
    if isinstance(value, float | str) and str(value).removesuffix(".0").isdecimal():
        value = int(float(value))
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _WrongArgument(f"The argument {name} of read_document is a whole number from 1 on.")
    return value


def _next(document: OpenedDocument, excerpt: Excerpt, phrase: str) -> str:
    """How to go on, or that the end was reached."""
    if phrase:
        return " There are more: go on with first_page." if excerpt.more else ""
    if excerpt.piece < excerpt.pieces:
        return f" For the next piece call read_document with first_page {excerpt.last} and piece {excerpt.piece + 1}."
    if excerpt.last < document.pages[-1].number:
        return f" For the next ones call read_document with first_page {excerpt.last + 1}."
    return " The rest of the document cannot be read." if document.cut else " This is its end."
