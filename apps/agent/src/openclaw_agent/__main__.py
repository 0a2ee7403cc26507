"""Entry point: reads the settings, sets up logs, runs the agent, returns the exit code (see `openclaw_core.tasks.outcome.Exit`)."""

import gc

# The imports create 66,000 objects that stay. Garbage collection among them takes a fifth of the start (docs/benchmarks.md).
gc.disable()

import asyncio  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from functools import partial  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

from openclaw_agent.settings import InPool, Settings, from_env  # noqa: E402
from openclaw_core import logs  # noqa: E402
from openclaw_core.errors import (  # noqa: E402
    MessengerUnauthorized,
    OpenClawError,
    Permanent,
    SettingsError,
    StoreMisconfigured,
    Transient,
)
from openclaw_core.tasks.outcome import Exit  # noqa: E402
from openclaw_core.trace_ids import trace_id  # noqa: E402

if TYPE_CHECKING:
    from openclaw_agent.loading import ToolsOf


async def _run(settings: Settings, tools_of: "ToolsOf | None") -> Exit:
    # Here, after the settings: a wrong one is reported in a tenth of a second.
    from openclaw_agent.app import run

    job = settings.contract.job if isinstance(settings.contract, InPool) else ""
    logs.get(__name__).info("agent.started", job=job, since_exec_ms=_age_ms())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    logs.install_asyncio(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await run(settings, stop, tools_of=tools_of)


def _exit_code(exc: OpenClawError) -> Exit:
    """The exit code for an error that ends the process before or between runs. Raises *exc* again if it has none."""
    if isinstance(exc, StoreMisconfigured | MessengerUnauthorized):
        return Exit.MISCONFIGURED
    if isinstance(exc, Transient):
        return Exit.TRY_AGAIN
    if isinstance(exc, Permanent):
        return Exit.BAD_TASK
    raise exc


def _age_ms() -> int | None:
    """Milliseconds since this process was started or forked, in steps of 10; None without /proc."""
    try:
        with open("/proc/self/stat", encoding="ascii") as stat:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
    except OSError:
        return None
    return round(1000 * (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")))


def main(tools_of: "ToolsOf | None" = None) -> int:
    """Run the agent. *tools_of* is given by entry points of tests: no variable can name other tools, or another way to fetch a page."""
    try:
        settings = from_env(os.environ)
        logs.configure(settings.log_level, service="agent", trace_of=partial(trace_id, settings.bot_id))
        return asyncio.run(_run(settings, tools_of))
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return Exit.MISCONFIGURED
    except OpenClawError as exc:
        logs.get(__name__).error("agent.ended", error=type(exc).__name__)
        return _exit_code(exc)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # everything is closed: freeing the objects would cost 10 ms of CPU
