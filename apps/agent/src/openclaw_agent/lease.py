"""Ownership of a run: its lease is renewed, its loss is heard, and steps that have to be taken outlast an absence of Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from openclaw_core import logs
from openclaw_core.errors import StoreFault, StoreFull, StoreUnavailable
from openclaw_core.tasks.work import Run, Work

log = logs.get(__name__)
T = TypeVar("T")
RENEW_EVERY_S = 3.0
LOOK_EVERY_S = 0.5
"""A Stop is heard within 1 s."""
AGAIN_S = 1.0


async def keep(
    work: Work,
    run: Run,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Renew the lease until the run is not ours any more, which raises LostOwnership: stopped by its user, given to another, or ended."""
    renewed = clock()
    while True:
        await sleep(LOOK_EVERY_S)
        began = clock()
        try:
            if began - renewed < RENEW_EVERY_S:
                await work.check(run)
            else:
                await work.renew(run)
                renewed = began
        except (StoreUnavailable, StoreFull):
            continue  # the brain does not judge leases while Redis is away


async def persist(step: Callable[[], Awaitable[T]], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> T:
    """Take *step* until Redis has answered; gives what it gives. Raises StoreFault: Redis answers, and refuses."""
    while True:
        try:
            return await step()
        except StoreFault:
            raise  # another attempt may find it mended
        except (StoreUnavailable, StoreFull):
            log.warning("store.unavailable", during="answer")
            await sleep(AGAIN_S)
