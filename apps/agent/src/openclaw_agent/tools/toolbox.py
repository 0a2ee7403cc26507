"""The tools that an agent has, by name. A role names those that its model may call."""

from collections.abc import Sequence
from pathlib import Path

from openclaw_agent.settings import SearchServices
from openclaw_agent.tools.code.run_code import RunCode
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_agent.tools.search.backends import FirstOf
from openclaw_agent.tools.search.settings import backends
from openclaw_agent.tools.search.web_search import WebSearch
from openclaw_agent.tools.tool import Tool
from openclaw_core import logs
from openclaw_core.sealed import RunnerClient

log = logs.get(__name__)


RUNNER_START_S = 40.0
"""For a runner that is started beside the agent: its libraries take two seconds, on a busy machine many."""
RUNNER_SPARE_S = 45.0
"""Beyond the time of one's own code: calls of one step wait for each other."""


def all_tools(search: SearchServices, runner_socket: Path | None = None) -> dict[str, Tool]:
    """Every tool that can be used with these settings. Without a search service there is no `web_search`.

    Tools that need the sealed runner are there without one too: their results say that nothing was run.
    """
    services = backends(search)
    runner = (
        None if runner_socket is None else RunnerClient(runner_socket, spare_s=RUNNER_SPARE_S, start_s=RUNNER_START_S)
    )
    found: list[Tool] = [OpenPage(), RunCode(runner=runner)]
    if services:
        found.append(WebSearch(backend=FirstOf(backends=services)))
    return {tool.name: tool for tool in found}


def tools_of(names: Sequence[str], search: SearchServices, runner_socket: Path | None = None) -> dict[str, Tool]:
    """The tools *names* of a role, in its order. One that cannot be used is left out: the model is not told of it."""
    tools = all_tools(search, runner_socket)
    if missing := [name for name in names if name not in tools]:
        log.warning("tools.missing", tools=missing, hint="web_search needs SEARCH_URL, BRAVE_API_KEY or TAVILY_API_KEY")
    return {name: tools[name] for name in names if name in tools}
