"""Deletes the records of those who asked to be forgotten, some at a time: a step of the store must not hold up all others."""

from dataclasses import dataclass

from openclaw_brain.loops import Loop
from openclaw_core.store import Inbox

LOOK_EVERY_S = 2.0
AT_ONCE = 500
"""Records that one step looks at, in about 4 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """Raises LostOwnership. The requests are in the store, so the next leader goes on with them."""

    inbox: Inbox
    epoch: int

    async def run(self, loop: Loop) -> None:
        """Look until cancelled."""
        await loop.run(self._look, retry_s=LOOK_EVERY_S, outage="forget")

    async def _look(self) -> float:
        return 0 if await self.inbox.forget_some(at_most=AT_ONCE, epoch=self.epoch) else LOOK_EVERY_S
