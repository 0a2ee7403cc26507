"""Check Python, memory and disk of this machine, and whether it can seal code."""

import shutil
import sys
from pathlib import Path

import psutil

from openclaw_cli.doctor.findings import Env, Level, Results

OLDEST_PYTHON = (3, 11)
MEMORY_MB = 600
"""Brain 120, an agent 70, the built-in model 270, the classifier's process 200, less what is shared."""
DISK_MB = 500


async def check(_env: Env) -> Results:
    version = ".".join(str(part) for part in sys.version_info[:3])
    too_old = " is too old: install 3.11 or newer, then `make clean install`"
    yield _result(sys.version_info >= OLDEST_PYTHON, f"Python {version}", too_old)
    free = psutil.virtual_memory().available // 2**20
    yield _result(free >= MEMORY_MB, f"{free} MB of memory available", f", {MEMORY_MB} are needed: close something")
    disk = shutil.disk_usage(Path.cwd()).free // 2**20
    yield _result(disk >= DISK_MB, f"{disk} MB of disk free here", f", {DISK_MB} are needed: make room")
    yield _code()


def _code() -> tuple[Level, str]:
    """Whether a model's code can be run sealed here. All else works without."""
    from openclaw_brain.agents.local_runners import can_run

    why = can_run()
    if not why:
        from openclaw_runner.kernel import calls, landlock  # may be missing: its libraries are large

        try:
            landlock.require()
        except calls.NotAvailable as exc:
            why = str(exc)
    if why:
        return Level.WARNING, f"no code is run here, and answers say so: {why} (docs/runner.md, Limits)"
    return Level.OK, "code can be run sealed"


def _result(enough: bool, text: str, fault: str) -> tuple[Level, str]:
    return (Level.OK, text) if enough else (Level.FAULT, text + fault)
