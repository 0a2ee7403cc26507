"""The small web of a task: its pages under their addresses, found by a search over their words. Nothing else can be opened."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from openclaw_agent.tools.fetching.addresses import parse_address
from openclaw_agent.tools.fetching.contents import ContentKind
from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched
from openclaw_agent.tools.fetching.fetcher import Fetched, Fetcher
from openclaw_agent.tools.search.backends import Found
from openclaw_cli.eval.answers.source_text import page_text
from openclaw_cli.eval.answers.task import WebPage

_WORD = re.compile(r"\w{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFetcher(Fetcher):
    """A `Fetcher` that opens no connection: there are *pages*, and nothing else."""

    pages: Sequence[WebPage] = field(repr=False)

    async def fetch(self, url: str) -> Fetched:
        address = parse_address(url, ports=self.ports)
        found = next((page for page in self.pages if parse_address(page.url).text == address.text), None)
        if found is None:
            raise NotFetched(FetchCause.NO_SUCH_HOST)
        return Fetched(address=address, kind=ContentKind.HTML, charset="utf-8", body=found.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSearch:
    """A search `Backend` over *pages*: those first that hold most of the query's words. A page without any of them is not found."""

    pages: Sequence[WebPage] = field(repr=False)
    name: str = "local"

    async def search(self, query: str, *, count: int) -> Sequence[Found]:
        wanted = _words(query)
        ranked = sorted(
            ((-len(wanted & _words_of(page)), page.url, page) for page in self.pages), key=lambda one: one[:2]
        )
        return [
            Found(title=page.title, url=page.url, snippet=page.snippet) for shared, _, page in ranked[:count] if shared
        ]


def _words_of(page: WebPage) -> set[str]:
    return _words(f"{page.title} {page.snippet} {page_text(page.body)}")


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}
