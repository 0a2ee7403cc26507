"""Start and stop the processes of a local run. They end when we end, also if we are killed, and never by the terminal's Ctrl-C.

The files that they write are readable by their user alone.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from openclaw_cli.up.data_folder import PRIVATE_UMASK
from openclaw_core import child_process

STOP_TIMEOUT_S = 10.0
BRAIN_STOP_TIMEOUT_S = 15.0
"""The brain's agents hand their tasks back within 5 s."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


async def start(
    program: Sequence[str],
    *,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None,
    pass_fds: Sequence[int] = (),
    line_max_bytes: int = 1 << 16,
) -> asyncio.subprocess.Process:
    """Start *program*, write *stdin* to it, and send what it prints to *output*, None for where our own output goes.

    It keeps the files *pass_fds* open. From a pipe, lines of *line_max_bytes* can be read.
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
        env=env,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else asyncio.subprocess.STDOUT,
        # A session of its own: Ctrl-C in the terminal must not end the store before those who write to it.
        start_new_session=True,
        preexec_fn=end_with_parent,
        umask=PRIVATE_UMASK,
        pass_fds=pass_fds,
        limit=line_max_bytes,
    )
    if stdin is not None and process.stdin is not None:
        with contextlib.suppress(ConnectionError):  # it has ended: the caller sees that when it waits for it
            process.stdin.write(stdin)
            await process.stdin.drain()
        process.stdin.close()
    return process


async def wait_until(ready: Awaitable[None], process: asyncio.subprocess.Process, *, timeout_s: float) -> None:
    """Wait for *ready*, at most *timeout_s*. If it fails or takes longer, stop *process* and raise its error or TimeoutError."""
    try:
        async with asyncio.timeout(timeout_s):
            await ready
    except BaseException:
        await stop(process)
        raise


async def stop(process: asyncio.subprocess.Process, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """End *process*, by force after *timeout_s*. Returns when it has ended."""
    await child_process.end(process, within_s=timeout_s)


@asynccontextmanager
async def brain(env: Mapping[str, str], output: IO[bytes] | None) -> AsyncIterator[asyncio.subprocess.Process]:
    """A brain with settings *env*, until the block ends. Its agents share its process group: none of them is left."""
    process = await start([sys.executable, "-m", "openclaw_brain"], env=env, output=output)
    try:
        yield process
    finally:
        await stop(process, timeout_s=BRAIN_STOP_TIMEOUT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
