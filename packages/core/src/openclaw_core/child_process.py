"""Ends a child process."""

import asyncio
import contextlib


async def end(process: asyncio.subprocess.Process, *, within_s: float) -> bool:
    """Send SIGTERM, and SIGKILL after *within_s*. Returns when the process has ended: whether it did so by itself or within the time."""
    if process.returncode is not None:
        return True
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return True
