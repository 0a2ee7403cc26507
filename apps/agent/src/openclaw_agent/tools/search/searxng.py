"""SearXNG: a server of one's own that asks several engines. Its settings must allow the JSON format (`search.formats`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from openclaw_agent.tools.search.asking import asked, found_in, rows
from openclaw_agent.tools.search.backends import Found, SearchCause, SearchFault
from openclaw_core import reply_limit

_BLOCKED = ("captcha", "too many requests", "access denied", "suspended")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearXNG:
    url: str
    """Of the server, without a slash at its end. An operator's setting: it may be within the cluster."""
    transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)
    name: str = "searxng"

    async def search(self, query: str, *, count: int) -> Sequence[Found]:
        request = httpx.Request(
            "GET",
            f"{self.url}/search",
            params={"q": query, "format": "json", "categories": "general", "safesearch": "1"},
            headers={"accept": "application/json", **reply_limit.UNCOMPRESSED},
        )
        # 403: JSON is not among its formats.
        said = await asked(request, statuses={403: SearchCause.SETUP}, transport=self.transport, trust_env=False)
        results = [found_in(row, url="url", snippet="content") for row in rows(said, "results")]
        if not results and _all_blocked(said.get("unresponsive_engines")):
            raise SearchFault(SearchCause.BLOCKED)
        return results[: count * 2]


def _all_blocked(engines: Any) -> bool:
    """Whether engines were asked, and each that gave no answer says that it takes us for a robot."""
    if not isinstance(engines, list) or not engines:
        return False
    return all(any(word in str(engine).lower() for word in _BLOCKED) for engine in engines)
