"""What `web_search` asks of a search service, and why it may get nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from openclaw_agent.tools.causes import NothingToGive, ToolCause

QUERY_MAX_CHARS = 400
"""Brave takes no more."""


class SearchCause(ToolCause):
    KEY = "key", "The search service does not accept this bot's key, so nothing can be searched for."
    LIMIT = "limit", "The search service takes no more searches just now."
    TIME = "time", "The search service did not answer in time."
    AWAY = "away", "The search service cannot be reached."
    ODD = "odd", "The search service answered with something that is no list of results."
    BLOCKED = "blocked", "The search engines took this bot for a robot and gave no results."
    QUERY = "query", "The search service did not accept this query. Use fewer and plainer words."
    SETUP = (
        "setup",
        "The search service is not set up for programs: whoever runs this bot has to allow its JSON format.",
    )


class SearchFault(NothingToGive):
    """There are no results to be had."""

    why: SearchCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One result as the service gives it: a stranger's words, and an address that nobody has looked at."""

    title: str = field(repr=False)
    url: str = field(repr=False)
    snippet: str = field(repr=False)


class Backend(Protocol):
    """A search service."""

    @property
    def name(self) -> str:
        """For logs and figures: one of a closed list."""

    async def search(self, query: str, *, count: int) -> Sequence[Found]:
        """Up to about *count* results, best first; none if there are none. Raises SearchFault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOf:
    """Asks the next service where one has a fault of its own. The fault is that of the first one."""

    backends: Sequence[Backend]

    @property
    def name(self) -> str:
        return self.backends[0].name

    async def search(self, query: str, *, count: int) -> Sequence[Found]:
        fault: SearchFault | None = None
        for backend in self.backends:
            try:
                return await backend.search(query, count=count)
            except SearchFault as exc:
                fault = fault or exc
        raise fault or SearchFault(SearchCause.AWAY)
