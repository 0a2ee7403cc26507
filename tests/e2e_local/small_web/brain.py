"""The brain, with agents that live in the small web. Otherwise as `openclaw_brain.__main__`."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping

from openclaw_brain.agents.local_processes import LocalProcesses
from openclaw_brain.agents.ports import Launcher
from openclaw_brain.app import run
from openclaw_brain.settings import at_start
from openclaw_core import logs
from tests.e2e_local.small_web.openclaw_agents import PORT


def launcher(environment: Mapping[str, str]) -> Launcher:
    return LocalProcesses(
        environment={**environment, PORT: os.environ[PORT]}, fork_server="tests.e2e_local.small_web.openclaw_agents"
    )


async def main() -> int:
    settings, roles = at_start(os.environ)
    logs.configure(settings.log_level, service="brain")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return await run(settings, roles, os.environ, stop, local=launcher)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
