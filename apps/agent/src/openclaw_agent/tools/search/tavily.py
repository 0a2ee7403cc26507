"""Tavily, with a key."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from openclaw_agent.tools.search.asking import asked, found_in, rows
from openclaw_agent.tools.search.backends import Found, SearchCause
from openclaw_core import reply_limit

URL = "https://api.tavily.com"
_RESULTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tavily:
    api_key: str = field(repr=False)
    url: str = URL
    transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)
    name: str = "tavily"

    async def search(self, query: str, *, count: int) -> Sequence[Found]:
        request = httpx.Request(
            "POST",
            f"{self.url}/search",
            # basic: one credit. Its own answer and pages are left out: pages are opened by us, or they are no sources.
            json={
                "query": query,
                "max_results": min(count * 2, _RESULTS_MAX),
                "search_depth": "basic",
                "include_answer": False,
                "include_raw_content": False,
            },
            headers={
                "accept": "application/json",
                "authorization": f"Bearer {self.api_key}",
                **reply_limit.UNCOMPRESSED,
            },
        )
        # 432 and 433: the limits of the plan, and of what is paid as it is used.
        said = await asked(
            request, statuses={432: SearchCause.LIMIT, 433: SearchCause.LIMIT}, transport=self.transport, trust_env=True
        )
        return [found_in(row, url="url", snippet="content") for row in rows(said, "results")]
