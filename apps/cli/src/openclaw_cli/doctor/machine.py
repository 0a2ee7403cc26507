"""Check Python, memory and disk of this machine."""

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


def _result(enough: bool, text: str, fault: str) -> tuple[Level, str]:
    return (Level.OK, text) if enough else (Level.FAULT, text + fault)
