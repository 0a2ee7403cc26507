"""Which tools an agent has: each that a role may name, as far as the settings give what it needs."""

from pathlib import Path
from typing import get_args

from openclaw_agent.settings import SearchServices
from openclaw_agent.tools.fetching.addresses import PORTS
from openclaw_agent.tools.fetching.connecting import PublicOnly, system_addresses
from openclaw_agent.tools.fetching.networks import is_public
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_agent.tools.toolbox import all_tools, tools_of
from openclaw_core.ports import FunctionTool
from openclaw_core.roles.file import BuiltinTool, ToolName
from openclaw_core.roles.values import READ_DOCUMENT, RUNNER_TOOLS

SEARCH = SearchServices(searxng_url="http://searxng:8080")


def test_every_tool_that_a_role_may_name_is_there_and_no_other() -> None:
    # The loop makes `read_document` for a task that has documents.
    assert all_tools(SEARCH).keys() | {READ_DOCUMENT} == set(get_args(ToolName)) - set(get_args(BuiltinTool))


def test_a_model_can_be_told_of_each_tool() -> None:
    for name, tool in all_tools(SEARCH).items():
        told = FunctionTool(name=tool.name, description=tool.description, parameters=tool.parameters)
        assert told.name == name
        assert told.description
        assert told.parameters["additionalProperties"] is False
        assert tool.timeout_s > 0


def test_a_tool_that_cannot_be_used_is_left_out() -> None:
    assert list(tools_of(("web_search", "open_page", "fly"), SEARCH)) == ["web_search", "open_page"]
    assert list(tools_of(("web_search", "open_page"), SearchServices())) == ["open_page"]


def test_tools_that_the_runners_socket_changes_are_those_that_need_a_runner() -> None:
    """A brain on one machine starts a runner for roles with these alone."""
    without, having = all_tools(SEARCH), all_tools(SEARCH, Path("runner.sock"))

    assert {name for name in without if without[name] != having[name]} | {READ_DOCUMENT} == RUNNER_TOOLS


def test_an_agent_opens_public_pages_alone_whatever_its_settings_are() -> None:
    """Tests open pages of this machine by an entry point of their own. Settings, and so an environment, cannot."""
    every = SearchServices(searxng_url="http://127.0.0.1:1", brave_key="b", tavily_key="t", scraping=True)
    for settings in (every, SearchServices()):
        tool = all_tools(settings)["open_page"]
        assert isinstance(tool, OpenPage)
        network = tool.fetcher.network
        assert isinstance(network, PublicOnly)
        assert (network._allow, network._resolve) == (is_public, system_addresses)
        assert tool.fetcher.ports == set(PORTS.values())
