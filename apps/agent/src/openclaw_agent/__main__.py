"""Environment → settings → logs → run → exit code (`openclaw_core.tasks.outcome.Exit` documents the codes)."""

import gc

# Imports make 66,000 objects that stay: collecting among them takes a fifth of the start (docs/benchmarks.md).
gc.disable()

import asyncio  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

from openclaw_agent.settings import InPool, Settings, from_env  # noqa: E402
from openclaw_core import logs  # noqa: E402
from openclaw_core.errors import OpenClawError, SettingsError  # noqa: E402
from openclaw_core.tasks.outcome import Exit  # noqa: E402


async def _run(settings: Settings) -> Exit:
    from openclaw_agent.app import exit_code, run  # after the settings: a wrong one is told in a tenth of a second

    job = settings.contract.job if isinstance(settings.contract, InPool) else ""
    logs.get(__name__).info("agent.started", job=job, since_exec_ms=_age_ms())
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


def _age_ms() -> int | None:
    """Since this process was started (forked, where it was not executed), by the kernel to 10 ms; None where there is no /proc."""
    try:
        with open("/proc/self/stat", encoding="ascii") as stat:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
    except OSError:
        return None
    return round(1000 * (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")))


def main() -> int:
    try:
        settings = from_env(os.environ)
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return Exit.MISCONFIGURED
    logs.configure(settings.log_level, service="agent")
    return asyncio.run(_run(settings))


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # all is closed: to take the objects of an ending process apart costs 10 ms of CPU
