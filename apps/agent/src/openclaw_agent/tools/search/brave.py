"""Brave Search, with a key."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from openclaw_agent.tools.search.asking import asked, found_in, rows
from openclaw_agent.tools.search.backends import Found
from openclaw_core import reply_limit

URL = "https://api.search.brave.com"
_RESULTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Brave:
    api_key: str = field(repr=False)
    url: str = URL
    transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)
    name: str = "brave"

    async def search(self, query: str, *, count: int) -> Sequence[Found]:
        request = httpx.Request(
            "GET",
            f"{self.url}/res/v1/web/search",
            params={
                "q": query,
                "count": str(min(count * 2, _RESULTS_MAX)),
                "text_decorations": "false",
                "result_filter": "web",
            },
            headers={"accept": "application/json", "x-subscription-token": self.api_key, **reply_limit.UNCOMPRESSED},
        )
        # A wrong key is refused with 422, as a wrong parameter is.
        said = await asked(
            request, statuses={}, transport=self.transport, trust_env=True, bad_key=b"SUBSCRIPTION_TOKEN_INVALID"
        )
        # Without any result there is no `web`.
        if isinstance(said, dict) and said.get("type") == "search" and "web" not in said:
            return []
        return [found_in(row, url="url", snippet="description") for row in rows(said, "web", "results")]
