"""Environment → settings → logs → run → exit code (`openclaw_core.outcome.Exit` documents the codes)."""

import asyncio
import os
import signal
import sys

from openclaw_agent.settings import Settings, from_env
from openclaw_core import logs
from openclaw_core.errors import OpenClawError, SettingsError
from openclaw_core.outcome import Exit


async def _run(settings: Settings) -> Exit:
    from openclaw_agent.app import exit_code, run  # after the settings: a wrong one is told in a tenth of a second

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    logs.install_asyncio(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        return await run(settings, stop)
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return Exit.MISCONFIGURED
    except OpenClawError as exc:
        logs.get(__name__).error("agent.ended", error=type(exc).__name__)
        return exit_code(exc)


def main() -> int:
    try:
        settings = from_env(os.environ)
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return Exit.MISCONFIGURED
    logs.configure(settings.log_level, service="agent")
    return asyncio.run(_run(settings))


if __name__ == "__main__":
    sys.exit(main())
