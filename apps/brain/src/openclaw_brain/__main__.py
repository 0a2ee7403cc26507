"""The brain's process: read the environment, configure logs, run until SIGTERM or SIGINT, end with an exit code."""

import asyncio
import os
import signal
import sys
from functools import partial

from openclaw_brain.settings import Settings, at_start
from openclaw_core import logs
from openclaw_core.errors import SettingsError
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.outcome import Exit
from openclaw_core.trace_ids import trace_id


async def _run(settings: Settings, roles: Roles) -> int:
    from openclaw_brain.app import run  # after the settings: a wrong one is reported at once

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    logs.install_asyncio(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await run(settings, roles, os.environ, stop)


def main() -> int:
    try:
        settings, roles = at_start(os.environ)
        logs.configure(settings.log_level, service="brain", trace_of=partial(trace_id, settings.bot_id))
        return asyncio.run(_run(settings, roles))
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return Exit.MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main())
