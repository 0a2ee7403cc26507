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
    if sys.version_info >= OLDEST_PYTHON:
        yield Level.OK, f"Python {version}"
    else:
        yield Level.FAULT, f"Python {version} is too old: install 3.11 or newer, then `make clean install`"
    free = psutil.virtual_memory().available // 2**20
    if free >= MEMORY_MB:
        yield Level.OK, f"{free} MB of memory available"
    else:
        yield Level.FAULT, f"{free} MB of memory available, {MEMORY_MB} are needed: close something"
    disk = shutil.disk_usage(Path.cwd()).free // 2**20
    if disk >= DISK_MB:
        yield Level.OK, f"{disk} MB of disk free here"
    else:
        yield Level.FAULT, f"{disk} MB of disk free here, {DISK_MB} are needed: make room"
