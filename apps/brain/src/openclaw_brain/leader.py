"""One leader: who holds the lock raises the epoch, and every step of a leader before is refused from then on."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from openclaw_core import logs
from openclaw_core.errors import LostOwnership, StoreError
from openclaw_core.store import Leadership

log = logs.get(__name__)
TTL_S = 8.0
RENEW_S = 2.0


class Leader(Protocol):
    async def acquire(self, *, turned: Callable[[], None]) -> int:
        """Wait until we lead; gives the epoch."""

    async def keep(self, epoch: int, *, turned: Callable[[], None]) -> None:
        """Renew until cancelled. Raises LostOwnership when another one leads."""

    async def release(self) -> None:
        """Let the next one take over at once."""


@dataclass(kw_only=True)
class RedisLeader:
    """The lock of local runs: a Redis key that lives 8 s and is renewed each 2 s."""

    leadership: Leadership
    holder: str
    clock: Callable[[], float] = time.monotonic

    async def acquire(self, *, turned: Callable[[], None]) -> int:
        """Wait until we lead; gives the epoch. Redis being away is waited out too."""
        said = False
        while True:
            turned()
            try:
                epoch = await self.leadership.take_lead(self.holder, ttl_s=TTL_S)
                if epoch:
                    log.info("leader.taken", epoch=epoch)
                    return epoch
                if not said:
                    log.info("leader.waiting", hint="another brain leads; this one takes over when it ends")
                    said = True
            except StoreError:
                log.warning(
                    "store.unavailable", during="lead", hint="is Redis running, and is REDIS_URL or REDIS_HOST right?"
                )
            await asyncio.sleep(RENEW_S / 2)

    async def keep(self, epoch: int, *, turned: Callable[[], None]) -> None:
        """Renew until cancelled. Raises LostOwnership when another one leads.

        While Redis is away we go on: its epoch is the judge, and nobody else can raise it either.
        """
        while True:
            await asyncio.sleep(RENEW_S)
            turned()
            try:
                if await self.leadership.take_lead(self.holder, ttl_s=TTL_S) != epoch:
                    raise LostOwnership("another brain leads")
            except StoreError:
                log.warning("store.unavailable", during="lead")

    async def release(self) -> None:
        """Let the next one take over at once."""
        try:
            await self.leadership.give_up_lead(self.holder)
        except StoreError:
            log.info("leader.not_released", hint="the lock ends by itself")
