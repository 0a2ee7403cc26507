"""The lease of a claimed task: renewed every 3 s, and the judge of whether a write may still begin."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from openclaw_core.errors import LostOwnership, StoreFull, StoreUnavailable
from openclaw_core.outcome import TaskState
from openclaw_core.store import Answers, Claimed

RENEW_EVERY_S = 3.0
LISTEN_EVERY_S = 0.5
"""A Stop is heard within 1 s."""


@dataclass(kw_only=True)
class Lease:
    """Counts from before the claim was sent, so it never outlives what Redis holds."""

    answers: Answers
    claimed: Claimed
    since: float
    clock: Callable[[], float] = time.monotonic
    _renewed: asyncio.Event = field(default_factory=asyncio.Event)
    _until: float = 0.0

    def __post_init__(self) -> None:
        self._until = self.since + self.answers.lease_s

    async def keep(self) -> TaskState:
        """Renew until the task is not ours any more; gives the state that ended or took it."""
        last_renewal = self.clock()
        while True:
            await asyncio.sleep(LISTEN_EVERY_S)
            try:
                if self.clock() - last_renewal < RENEW_EVERY_S:
                    state = await self.answers.state(self.claimed)
                    if state is TaskState.CANCELLED:
                        return state
                    continue
                begun = self.clock()
                ended = await self.answers.renew(self.claimed)
                if ended is not None:
                    return ended
                last_renewal = begun
                self._until = begun + self.answers.lease_s
                self._renewed.set()
            except (StoreUnavailable, StoreFull):
                continue  # writes wait in `hold`; the brain does not judge leases while Redis is away

    async def hold(self, call_timeout_s: float) -> None:
        """Return once the lease outlives a call that may take *call_timeout_s*; waits for a renewal if it does not."""
        while self._until - self.clock() <= call_timeout_s:
            self._renewed.clear()
            try:
                async with asyncio.timeout(60):
                    await self._renewed.wait()
            except TimeoutError:
                raise LostOwnership("the lease could not be renewed for a minute") from None
