"""Repeats a step of the store while Redis is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from openclaw_core import logs
from openclaw_core.errors import StoreError, StoreFault

log = logs.get(__name__)
T = TypeVar("T")
RETRY_S = 1.0


async def until_stored(
    step: Callable[[], Awaitable[T]], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> T:
    """Repeat *step* each second until Redis answers, and return its result. Raises StoreFault if Redis refuses the step."""
    while True:
        try:
            return await step()
        except StoreFault:
            raise  # the same step would be refused again; another attempt at the task may succeed
        except StoreError:
            log.warning("store.unavailable", during="answer")
            await sleep(RETRY_S)
