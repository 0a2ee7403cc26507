"""Prometheus and Alertmanager as processes of a test."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def process(log: Path, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as into:
        started = await asyncio.create_subprocess_exec(*command, stdout=into, stderr=into, cwd=log.parent)
        try:
            yield started
        finally:
            with contextlib.suppress(ProcessLookupError):
                started.kill()
            await started.wait()
