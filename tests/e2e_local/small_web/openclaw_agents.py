"""The fork server of agents whose `open_page` sees the small web. All else is what the shipped agents are made of."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import httpcore

from openclaw_agent import __main__ as agent
from openclaw_agent import fork_server
from openclaw_agent.settings import Settings
from openclaw_agent.tools.fetching.connecting import PublicOnly
from openclaw_agent.tools.fetching.fetcher import Fetcher
from openclaw_agent.tools.fetching.networks import is_public
from openclaw_agent.tools.pages.open_page import OpenPage
from openclaw_agent.tools.tool import Tool
from openclaw_agent.tools.toolbox import tools_of
from tests.agent.tools.web import PUBLIC
from tests.e2e_local.small_web.pages import resolver

PORT = "SMALL_WEB_PORT"
"""Where the pages are served. Addresses in the small web have the usual port, which a test may not open."""


class SmallWeb(PublicOnly):
    """Checks as always, then connects to the port of the test instead of 80."""

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return await super().connect_tcp(host, int(os.environ[PORT]), *args, **kwargs)


def tools_there(names: Sequence[str], settings: Settings) -> Mapping[str, Tool]:
    network = SmallWeb(resolve=resolver(), allow=lambda address: address == PUBLIC or is_public(address))
    page = OpenPage(fetcher=Fetcher(network=network))
    return {name: page if name == page.name else tool for name, tool in tools_of(names, settings.search).items()}


if __name__ == "__main__":
    sys.exit(fork_server.main(partial(agent.main, tools_of=tools_there)))
