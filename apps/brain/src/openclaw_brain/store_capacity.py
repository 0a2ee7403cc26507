"""Capacity of Redis: before it is full, the oldest records of finished tasks are deleted, and never one that waits or runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.store import Inbox
from openclaw_core.store.server import Memory

log = logs.get(__name__)
CHECK_EVERY_S = 2.0
FULL = 0.92
"""Of `maxmemory`: from here on records are deleted. Redis refuses writes at 1, and a burst of two seconds has to fit in between."""
WARN, CALM = 0.80, 0.75
"""A warning from the first on, and no other before it was below the second."""
AT_ONCE = 500
"""Records in one step, which takes about 2 ms."""


@dataclass(kw_only=True)
class StoreCapacity:
    """Raises LostOwnership. *on_share* is told the share of `maxmemory` in use, 0 where there is no limit."""

    inbox: Inbox
    memory: Callable[[], Awaitable[Memory]]
    epoch: int
    on_share: Callable[[float], None]
    _warned: bool = field(default=False, repr=False)
    _stuck: bool = field(default=False, repr=False)

    async def run(self, loop: Loop) -> None:
        """Check until cancelled."""
        await loop.run(self._check, retry_s=CHECK_EVERY_S, outage="room")

    async def _check(self) -> float:
        self._log(await self._evict())
        return CHECK_EVERY_S

    def _log(self, share: float) -> None:
        """Log once that Redis fills, and once that it is full and nothing can be deleted."""
        if share >= WARN and not self._warned:
            hint = "see docs/capacity.md: raise maxmemory, or expect old records to go"
            log.warning("store.filling", share=round(share, 2), hint=hint)
        if share >= FULL and not self._stuck:
            log.error("store.full", hint="nothing more can go: raise maxmemory (docs/capacity.md)")
        self._warned = share >= WARN or (self._warned and share >= CALM)
        self._stuck = share >= FULL

    async def _evict(self) -> float:
        """Delete records while Redis is nearly full. Gives the share in use afterwards."""
        total = 0
        while True:
            memory = await self.memory()
            self.on_share(memory.share)
            deleted = await self.inbox.make_room(at_most=AT_ONCE, epoch=self.epoch) if memory.share >= FULL else 0
            total += deleted
            if not deleted:
                break
        if total:
            hint = "Redis was nearly full: the oldest finished tasks went, and with them their Retry buttons"
            log.warning("store.records_gone", count=total, hint=hint)
        return memory.share
