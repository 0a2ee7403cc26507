"""Which search services the environment sets, in the order in which they are asked."""

from openclaw_agent.settings import SearchServices
from openclaw_agent.tools.search.backends import Backend
from openclaw_agent.tools.search.brave import Brave
from openclaw_agent.tools.search.scraping import Scraping, is_installed
from openclaw_agent.tools.search.searxng import SearXNG
from openclaw_agent.tools.search.tavily import Tavily


def backends(services: SearchServices) -> tuple[Backend, ...]:
    """The services that are set. Where none is, ddgs, if it may be used and is installed."""
    found: list[Backend] = []
    if services.searxng_url:
        found.append(SearXNG(url=services.searxng_url))
    if services.brave_key:
        found.append(Brave(api_key=services.brave_key))
    if services.tavily_key:
        found.append(Tavily(api_key=services.tavily_key))
    if not found and services.scraping and is_installed():
        found.append(Scraping())
    return tuple(found)
