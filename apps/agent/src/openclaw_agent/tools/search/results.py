"""Results as a model gets to read them: clean, short, each address once, and only addresses that could be opened. Pure."""

import html
import re
from collections.abc import Iterable

from openclaw_agent.tools.fetching.addresses import Address, parse_address
from openclaw_agent.tools.fetching.faults import NotFetched
from openclaw_agent.tools.fetching.networks import is_public
from openclaw_agent.tools.framing import one_line
from openclaw_agent.tools.search.backends import Found

TITLE_CHARS = 120
SNIPPET_CHARS = 300
URL_CHARS = 500
_TAG = re.compile(r"</?(?:b|i|em|strong|mark|span|br)(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)


def kept(found: Iterable[Found], count: int) -> list[Found]:
    """The first *count* of *found* that can be opened, cleaned."""
    results: dict[str, Found] = {}
    for one in found:
        address = _address(one.url)
        if address is None or len(address.text) > URL_CHARS or len(results) == count:
            continue
        same = f"{address.domain}{address.target.rstrip('/')}"  # http and https, www and not
        title = one_line(_words(one.title), TITLE_CHARS) or address.domain
        results.setdefault(
            same, Found(title=title, url=address.text, snippet=one_line(_words(one.snippet), SNIPPET_CHARS))
        )
    return list(results.values())


def result_list(results: Iterable[Found]) -> str:
    """One entry for each; without numbers, since those are of opened pages."""
    return "\n".join(
        "\n".join(filter(None, (f"- {one.title}", f"  {one.url}", one.snippet and f"  {one.snippet}")))
        for one in results
    )


def _address(url: str) -> Address | None:
    try:
        address = parse_address(url)
    except NotFetched:
        return None
    return address if not address.is_ip or is_public(address.host) else None


def _words(text: str) -> str:
    return html.unescape(_TAG.sub("", text))
