"""Environment → settings → logs → run → exit code (`openclaw_core.outcome.Exit` documents the codes)."""

import gc

# Imports make 66,000 objects that stay: collecting among them takes a fifth of the start (docs/benchmarks.md).
gc.disable()

import asyncio  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

from openclaw_agent.settings import Settings, from_env  # noqa: E402
from openclaw_core import logs  # noqa: E402
from openclaw_core.errors import OpenClawError, SettingsError  # noqa: E402
from openclaw_core.outcome import Exit  # noqa: E402


async def _run(settings: Settings) -> Exit:
    from openclaw_agent.app import exit_code, run  # after the settings: a wrong one is told in a tenth of a second

    gc.freeze()
    gc.enable()
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
