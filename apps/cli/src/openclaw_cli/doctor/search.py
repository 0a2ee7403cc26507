"""Check which search service answers would use, and that a SearXNG server answers programs."""

from pathlib import Path

from openclaw_agent.tools.search.backends import Backend, SearchCause, SearchFault
from openclaw_cli.doctor.findings import ROLES_DIR, Env, Level, Results
from openclaw_cli.up.search_services import SERVICE_TITLES, services_from
from openclaw_core.roles.check import load_roles

REMEDIES = {
    SearchCause.SETUP: "put `json` into search.formats of its settings",
    SearchCause.AWAY: "check SEARCH_URL, and that it runs",
    SearchCause.TIME: "check SEARCH_URL, and that it runs",
}


async def check(env: Env) -> Results:
    roles = load_roles(Path(env.get("ROLES_DIR") or ROLES_DIR)).roles.values()
    if not any("web_search" in role.functions for role in roles):
        yield Level.OK, "no role searches by a tool of ours"
        return
    services = services_from(env)
    if not services:
        yield Level.WARNING, "none, so answers know what models know: set SEARCH_URL, BRAVE_API_KEY or TAVILY_API_KEY"
        return
    order = ", then ".join(SERVICE_TITLES[one.name] for one in services)
    note = ", which reads the engines' own pages and breaks now and then" if services[0].name == "ddgs" else ""
    yield Level.OK, f"{order}{note}"
    # The others count each search, and some take money for it.
    for service in services:
        if service.name == "searxng":
            yield await _asked(service)


async def _asked(service: Backend) -> tuple[Level, str]:
    """What one search comes to."""
    try:
        found = await service.search("weather", count=1)
    except SearchFault as exc:
        return Level.FAULT, f"SearXNG: {exc.why.value}: {REMEDIES.get(exc.why, 'look at its log')}"
    if not found:
        return Level.WARNING, "SearXNG found nothing for the word weather: look at the engines in its settings"
    return Level.OK, "SearXNG answers"
