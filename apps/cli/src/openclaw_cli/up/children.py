"""Processes that a local run starts: they end with us, also if we are killed, and never by the terminal's Ctrl-C.

What they write is for their user alone.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from openclaw_cli.up.data_folder import PRIVATE_UMASK

STOP_TIMEOUT_S = 10.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


async def start(
    program: Sequence[str],
    *,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    output: IO[bytes] | int,
    pass_fds: Sequence[int] = (),
    line_max_bytes: int = 1 << 16,
) -> asyncio.subprocess.Process:
    """Start *program*, hand it *stdin*, and send what it prints to *output*. It keeps the files *pass_fds* open as we do.

    Of a pipe's output, lines of *line_max_bytes* can be read.
    """
    parent = os.getpid()

    def end_with_parent() -> None:
        # Linux only. Elsewhere a killed `openclaw up` can leave a child, which the next start finds by its lock.
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

    process = await asyncio.create_subprocess_exec(
        *program,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        # A session of its own: Ctrl-C in the terminal must not end the store before those who write to it.
        start_new_session=True,
        preexec_fn=end_with_parent,
        umask=PRIVATE_UMASK,
        pass_fds=pass_fds,
        limit=line_max_bytes,
    )
    if stdin is not None and process.stdin is not None:
        with contextlib.suppress(ConnectionError):  # it ended already: whoever waits for it will see that
            process.stdin.write(stdin)
            await process.stdin.drain()
        process.stdin.close()
    return process


async def stop(process: asyncio.subprocess.Process, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """SIGTERM, and SIGKILL after *timeout_s*; returns when it is gone."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
