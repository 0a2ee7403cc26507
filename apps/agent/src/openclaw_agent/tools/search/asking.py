"""One request to a search service, and its JSON, within limits."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from openclaw_agent.tools.search.backends import Found, SearchCause, SearchFault
from openclaw_core import reply_limit, tls

SEARCH_S = 8.0
"""Several engines behind one service need their time; SearXNG waits 3 to 6 s for them by its own settings."""
_REPLY_MAX_BYTES = 2_000_000
_STATUSES = {
    400: SearchCause.QUERY,
    401: SearchCause.KEY,
    402: SearchCause.LIMIT,
    403: SearchCause.KEY,
    408: SearchCause.TIME,
    414: SearchCause.QUERY,
    422: SearchCause.QUERY,
    429: SearchCause.LIMIT,
}


async def asked(
    request: httpx.Request,
    *,
    statuses: Mapping[int, SearchCause],
    transport: httpx.AsyncBaseTransport | None,
    trust_env: bool,
    bad_key: bytes = b"",
) -> Any:
    """The JSON of a reply. Raises SearchFault: for a status by *statuses*, else by those that all services share.

    *bad_key*: what is in a refusal of any status that is for the key.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below that they write addresses and headers
    try:
        async with httpx.AsyncClient(
            timeout=httpx.Timeout(SEARCH_S, connect=3.0),
            event_hooks={"response": [reply_limit.at_most(lambda _: _REPLY_MAX_BYTES)]},
            trust_env=trust_env,
            verify=tls.context(),
            transport=transport,
        ) as http:
            reply = await http.send(request)
    except httpx.TimeoutException:
        raise SearchFault(SearchCause.TIME) from None
    except reply_limit.ReplyTooLong:
        raise SearchFault(SearchCause.ODD) from None
    except (httpx.HTTPError, OSError):
        raise SearchFault(SearchCause.AWAY) from None  # the cause's message may hold the address
    status = reply.status_code
    if status != 200 and bad_key and bad_key in reply.content:
        raise SearchFault(SearchCause.KEY)
    if why := {**_STATUSES, **statuses}.get(status):
        raise SearchFault(why)
    if status != 200:
        raise SearchFault(SearchCause.AWAY if status >= 500 else SearchCause.ODD)
    try:
        return reply.json()
    except (ValueError, json.JSONDecodeError, RecursionError):
        # A page instead of JSON is a wall: a login, or a question whether we are human.
        looks_human = b"captcha" in reply.content[:200_000].lower()
        raise SearchFault(SearchCause.BLOCKED if looks_human else SearchCause.ODD) from None


def rows(value: Any, *path: str) -> Sequence[Mapping[str, Any]]:
    """The list of objects at *path* in *value*; what is no object is left out. Raises SearchFault if there is no list."""
    for key in path:
        if not isinstance(value, dict):
            raise SearchFault(SearchCause.ODD)
        value = value.get(key)
    if not isinstance(value, list):
        raise SearchFault(SearchCause.ODD)
    return [row for row in value if isinstance(row, dict)]


def found_in(row: Mapping[str, Any], *, url: str, snippet: str) -> Found:
    """A result of *row*, whose address and snippet have these names. What is no text is empty."""

    def text(name: str) -> str:
        value = row.get(name)
        return value if isinstance(value, str) else ""

    return Found(title=text("title"), url=text(url), snippet=text(snippet))
