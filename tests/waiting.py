"""Waiting for a state of processes and tasks that run beside a test."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(found: Callable[[], object | Awaitable[object]], *, within_s: float = 30.0) -> None:
    """Wait until *found*, which may be a coroutine function, gives something true. Raises TimeoutError after *within_s*."""
    async with asyncio.timeout(within_s):
        while True:
            value = found()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return
            await asyncio.sleep(0.01)
