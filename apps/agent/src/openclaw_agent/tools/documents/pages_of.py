"""What of a document fits into one result: whole pages, a piece of a long page, or the places of a phrase. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from openclaw_agent.tools.pages.parts import text_parts
from openclaw_core.sealed import DocumentPage
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.steps import ReadPages

PLACES_MAX = 20
AROUND_CHARS = 250
"""Before and behind a found phrase."""
PAGE_HEAD_TOKENS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Some of a document."""

    texts: tuple[DocumentPage, ...] = field(repr=False)
    """Pages with what is given of each."""
    last: int = 0
    piece: int = 1
    pieces: int = 1
    """Into how many a long page is cut; 0 for places of a phrase."""
    more: bool = False

    def read(self, document: int) -> tuple[ReadPages, ...]:
        """As the record has it."""
        if not self.texts:
            return ()
        if not self.pieces:
            return tuple(
                ReadPages(document=document, first=page.number, last=page.number, pieces=0) for page in self.texts
            )
        first = self.texts[0].number
        return (ReadPages(document=document, first=first, last=self.last, piece=self.piece, pieces=self.pieces),)


def taken(pages: Sequence[DocumentPage], first: int, most: int | None, piece: int, max_tokens: int) -> Excerpt:
    """Pages from *first* on, at most *most* and as many as fit whole; of a page that is too long by itself, piece *piece*."""
    end = pages[-1].number if most is None else first + most - 1
    wanted = [page for page in pages if first <= page.number <= end]
    if not wanted:
        return Excerpt(texts=())
    pieces = text_parts(wanted[0].text, max_tokens)
    if len(pieces) > 1:
        piece = min(piece, len(pieces))
        text = DocumentPage(number=wanted[0].number, name=wanted[0].name, text=pieces[piece - 1])
        return Excerpt(texts=(text,), last=text.number, piece=piece, pieces=len(pieces))
    kept: list[DocumentPage] = []
    for page in wanted:
        max_tokens -= estimate_tokens(page.text) + PAGE_HEAD_TOKENS
        if kept and max_tokens < 0:
            break
        kept.append(page)
    return Excerpt(texts=tuple(kept), last=kept[-1].number)


def places_of(pages: Sequence[DocumentPage], phrase: str, first: int, max_tokens: int) -> Excerpt:
    """The places from page *first* on where *phrase* is; capitals and the number of spaces do not count."""
    sought = " ".join(phrase.casefold().split())
    kept: list[DocumentPage] = []
    for page in pages:
        text, places = " ".join(page.text.split()), list[str]()
        folded = text.casefold()
        at = folded.find(sought) if page.number >= first else -1
        while at >= 0 and len(places) < PLACES_MAX:
            places.append(f"… {text[max(0, at - AROUND_CHARS) : at + len(sought) + AROUND_CHARS]} …")
            at = folded.find(sought, at + len(sought) + AROUND_CHARS)
        if not places:
            continue
        shown = DocumentPage(number=page.number, name=page.name, text="\n".join(places))
        max_tokens -= estimate_tokens(shown.text) + PAGE_HEAD_TOKENS
        if (kept and max_tokens < 0) or len(kept) == PLACES_MAX:
            return Excerpt(texts=tuple(kept), last=kept[-1].number, pieces=0, more=True)
        kept.append(shown)
    return Excerpt(texts=tuple(kept), last=kept[-1].number if kept else 0, pieces=0)
