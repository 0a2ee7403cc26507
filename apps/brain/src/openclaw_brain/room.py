"""Room in Redis: before it is full, the oldest records of finished tasks go. What waits or runs is never among them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from openclaw_core import logs
from openclaw_core.errors import StoreError
from openclaw_core.store import Inbox
from openclaw_core.store.server import Memory

log = logs.get(__name__)
LOOK_S = 2.0
FULL = 0.92
"""Of `maxmemory`: from here on records go. Redis refuses writes at 1, and a burst of two seconds has to fit in between."""
WARN, CALM = 0.80, 0.75
"""A warning from the first on, and no other before it was below the second."""
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
    _warned: bool = field(default=False, repr=False)
    _stuck: bool = field(default=False, repr=False)

    async def keep(self, *, turned: Callable[[], None]) -> None:
        """Look until cancelled."""
        while True:
            turned()
            try:
                self._tell(await self._look())
            except StoreError:
                log.warning("store.unavailable", during="room")
            await self.sleep(LOOK_S)

    def _tell(self, share: float) -> None:
        """Say once that Redis fills, and once that it is full and nothing can go."""
        if share >= WARN and not self._warned:
            hint = "see docs/capacity.md: raise maxmemory, or expect old records to go"
            log.warning("store.filling", share=round(share, 2), hint=hint)
        if share >= FULL and not self._stuck:
            log.error("store.full", hint="nothing more can go: raise maxmemory (docs/capacity.md)")
        self._warned = share >= WARN or (self._warned and share >= CALM)
        self._stuck = share >= FULL

    async def _look(self) -> float:
        """The share in use once room was made, if there was something to let go."""
        gone = 0
        while True:
            memory = await self.memory()
            self.seen(memory.share)
            went = await self.inbox.make_room(at_most=AT_ONCE, epoch=self.epoch) if memory.share >= FULL else 0
            gone += went
            if not went:
                break
        if gone:
            hint = "Redis was nearly full: the oldest finished tasks went, and with them their Retry buttons"
            log.warning("store.records_gone", count=gone, hint=hint)
        return memory.share
