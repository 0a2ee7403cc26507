"""Which search services the environment sets, in the order in which they are asked."""

from openclaw_agent.tools.search.backends import Backend
from openclaw_agent.tools.search.brave import Brave
from openclaw_agent.tools.search.scraping import Scraping, is_installed
from openclaw_agent.tools.search.searxng import SearXNG
from openclaw_agent.tools.search.tavily import Tavily
from openclaw_core.environment import Environment


def backends(read: Environment, *, may_scrape: bool) -> tuple[Backend, ...]:
    """`SEARCH_URL`, `BRAVE_API_KEY`, `TAVILY_API_KEY`. *may_scrape*: where none is set and ddgs is installed, that; only for a bot on one machine."""
    found: list[Backend] = []
    if url := read.url("SEARCH_URL"):
        found.append(SearXNG(url=url))
    if key := read.api_key("BRAVE_API_KEY", required=False):
        found.append(Brave(api_key=key))
    if key := read.api_key("TAVILY_API_KEY", required=False):
        found.append(Tavily(api_key=key))
    if not found and may_scrape and is_installed():
        found.append(Scraping())
    return tuple(found)
