"""Which search services the agents of this machine ask, in their order."""

from collections.abc import Mapping

from openclaw_agent.settings import search_services
from openclaw_agent.tools.search.backends import Backend
from openclaw_agent.tools.search.settings import backends
from openclaw_core.environment import Environment

DEFAULTS = {"SEARCH_SCRAPING": "yes"}
"""Searching without a key is for one machine: docs/tools.md."""
SERVICE_TITLES = {"searxng": "SearXNG", "brave": "Brave", "tavily": "Tavily", "ddgs": "ddgs"}


def services_from(env: Mapping[str, str]) -> tuple[Backend, ...]:
    """The services that `openclaw up` gives its agents; none if the user wants none. Raises SettingsError."""
    read = Environment({**DEFAULTS, **env})
    services = search_services(read)
    read.done()
    return backends(services)
