"""Writing down what was done: Redis' absence is waited out, and loses nothing. And the proof that this process still leads."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf
from typing import TypeVar

from openclaw_core import logs
from openclaw_core.chat.delivery.displays import Displays
from openclaw_core.errors import StoreFault, StoreFull, StoreUnavailable

log = logs.get(__name__)
T = TypeVar("T")

RETRY_S = 1.0
PROOF_S = 3.0
"""No call begins later than this after the last proof. Shorter than the lease of the leader."""
APPLIED_WITHIN_MS = 35_000
"""After a call of unknown fate has ended, Telegram may still apply it for this long."""


@dataclass(kw_only=True)
class Recorder:
    """Steps of the store that are not given up."""

    clock: Callable[[], float]
    waiting: int = 0
    """Steps that wait for the store. While there are any, no call may begin: it could not be written down."""
    proved_at: float = -inf
    _edits: dict[str, float] = field(default_factory=dict)
    """Displays with an edit since the last proof: when it ended, infinite while it is under way."""

    async def persist(self, step: Callable[[], Awaitable[T]]) -> T:
        """What *step* gives, tried until the store takes it. Raises LostOwnership, and StoreFault for this row alone."""
        failed = False
        try:
            while True:
                try:
                    return await step()
                except StoreFault:
                    raise
                except (StoreUnavailable, StoreFull) as exc:
                    log.warning("store.unavailable", during="delivery", error=type(exc).__name__)
                    self.waiting += not failed
                    failed = True
                    await asyncio.sleep(RETRY_S)
        finally:
            self.waiting -= failed

    def may_begin(self) -> bool:
        """Whether a call may begin: we lead, and the store takes what becomes of it."""
        return not self.waiting and self.clock() < self.proved_at + PROOF_S

    def proved(self, asked_at: float) -> None:
        """A question that was asked at *asked_at* has shown that this process leads."""
        self.proved_at = max(self.proved_at, asked_at)
        for display_id in [key for key, ended in self._edits.items() if ended < asked_at]:
            del self._edits[display_id]

    def edit_begins(self, display_id: str) -> None:
        self._edits[display_id] = inf

    def edit_ended(self, display_id: str) -> None:
        self._edits[display_id] = self.clock()

    async def doubt_unproved(self, displays: Displays, now_ms: int) -> None:
        """Tell who leads now of each edit that may have come after the lead was lost."""
        for display_id, ended in list(self._edits.items()):
            due_ms = now_ms + APPLIED_WITHIN_MS if ended == inf else now_ms
            log.warning("delivery.doubt", display=display_id, under_way=ended == inf)
            await self.persist(lambda key=display_id, due=due_ms: displays.doubt(key, due_ms=due))  # type: ignore[misc]
