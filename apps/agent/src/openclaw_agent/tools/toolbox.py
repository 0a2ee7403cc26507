"""The tools that an agent has, by name. A role names those that its model may call."""

from collections.abc import Sequence
from pathlib import Path

from openclaw_agent.settings import SearchServices
from openclaw_agent.tools.code.run_code import RunCode
from openclaw_agent.tools.documents.sealed_reader import SealedReader
from openclaw_agent.tools.fetching.fetcher import TOTAL_S
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_agent.tools.pages.readers import DOCUMENT_S, EitherReader
from openclaw_agent.tools.runner import runner_at
from openclaw_agent.tools.search.backends import FirstOf
from openclaw_agent.tools.search.settings import backends
from openclaw_agent.tools.search.web_search import WebSearch
from openclaw_agent.tools.tool import Tool
from openclaw_core import logs
from openclaw_core.roles.values import READ_DOCUMENT

log = logs.get(__name__)


def all_tools(search: SearchServices, runner_socket: Path | None = None) -> dict[str, Tool]:
    """Every tool that can be used with these settings. Without a search service there is no `web_search`.

    Tools that need the sealed runner are there without one too: their results say that nothing was run. `read_document`
    is not among them: the loop makes it for a task that has documents.
    """
    services = backends(search)
    runner = None if runner_socket is None else runner_at(runner_socket)
    found: list[Tool] = [_open_page(runner_socket), RunCode(runner=runner)]
    if services:
        found.append(WebSearch(backend=FirstOf(backends=services)))
    return {tool.name: tool for tool in found}


def _open_page(runner_socket: Path | None) -> OpenPage:
    reader = EitherReader(documents=SealedReader(socket=runner_socket, seconds=DOCUMENT_S))
    return OpenPage(reader=reader, timeout_s=TOTAL_S + DOCUMENT_S + 5)


def tools_of(names: Sequence[str], search: SearchServices, runner_socket: Path | None = None) -> dict[str, Tool]:
    """The tools *names* of a role, in its order. One that cannot be used is left out: the model is not told of it."""
    tools = all_tools(search, runner_socket)
    if missing := [name for name in names if name not in tools and name != READ_DOCUMENT]:
        log.warning("tools.missing", tools=missing, hint="web_search needs SEARCH_URL, BRAVE_API_KEY or TAVILY_API_KEY")
    return {name: tools[name] for name in names if name in tools}
