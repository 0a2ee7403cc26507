"""Room in Redis: before it is full, the oldest records of finished tasks go. What waits or runs is never among them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from openclaw_core import logs
from openclaw_core.errors import StoreFull, StoreUnavailable
from openclaw_core.store import Inbox
from openclaw_core.store.server import Memory

log = logs.get(__name__)
LOOK_S = 2.0
FULL = 0.92
"""Of `maxmemory`: from here on records go. Redis refuses writes at 1, and a burst of two seconds has to fit in between."""
WARN = 0.80
AT_ONCE = 500
"""Records in one step, which takes about 2 ms."""


@dataclass(kw_only=True)
class Room:
    """Raises LostOwnership. *seen* is told the share of `maxmemory` in use, 0 where there is no limit."""

    inbox: Inbox
    memory: Callable[[], Awaitable[Memory]]
    epoch: int
    seen: Callable[[float], None]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def keep(self, *, turned: Callable[[], None]) -> None:
        """Look until cancelled."""
        warned = False
        while True:
            turned()
            try:
                share = await self._look()
            except (StoreUnavailable, StoreFull):
                share = 0.0
            if (share >= WARN) != warned:
                warned = share >= WARN
                if warned:
                    log.warning("store.filling", share=round(share, 2), hint="see docs/capacity.md: raise maxmemory, or expect old records to go")
            await self.sleep(LOOK_S)

    async def _look(self) -> float:
        """The share in use once room was made, if there was something to let go."""
        while True:
            memory = await self.memory()
            self.seen(memory.share)
            if memory.share < FULL:
                return memory.share
            gone = await self.inbox.make_room(at_most=AT_ONCE, epoch=self.epoch)
            if not gone:
                log.error("store.full", hint="nothing more can go: raise maxmemory (docs/capacity.md)")
                return memory.share
            log.warning("store.records_gone", count=gone, hint="Redis was nearly full: the oldest finished tasks went, and with them their Retry buttons")
