"""Environment → settings → logs → run → exit code."""

import asyncio
import os
import signal
import sys

from openclaw_brain.settings import Settings, from_env
from openclaw_core import logs
from openclaw_core.errors import SettingsError
from openclaw_core.outcome import Exit


async def _run(settings: Settings) -> int:
    from openclaw_brain.app import run  # after the settings: a wrong one is told at once

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    logs.install_asyncio(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await run(settings, os.environ, stop)


def main() -> int:
    try:
        settings = from_env(os.environ)
        logs.configure(settings.log_level, service="brain")
        return asyncio.run(_run(settings))
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return Exit.MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main())
