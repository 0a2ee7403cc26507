"""Leader election: one brain leads. Each new leader raises the epoch, and Redis refuses the steps of every leader before."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.errors import LostOwnership, StoreError
from openclaw_core.store import Leadership

log = logs.get(__name__)
TTL_S = 8.0
RENEW_S = 2.0


class Leader(Protocol):
    async def acquire(self, loop: Loop) -> int:
        """Wait until this brain leads, also while Redis is away. Gives the epoch."""

    async def keep(self, epoch: int, loop: Loop) -> None:
        """Renew until cancelled. Raises LostOwnership when another one leads."""

    async def release(self) -> None:
        """Let the next one take over at once."""


@dataclass(kw_only=True)
class RedisLeader:
    """The lock of local runs: a Redis key that lives 8 s and is renewed each 2 s."""

    leadership: Leadership
    holder: str

    async def acquire(self, loop: Loop) -> int:
        epoch, logged = 0, False

        async def attempt() -> float | None:
            nonlocal epoch, logged
            epoch = await self.leadership.take_lead(self.holder, ttl_s=TTL_S)
            if epoch:
                log.info("leader.taken", epoch=epoch)
                return None
            if not logged:
                log.info("leader.waiting", hint="another brain leads; this one takes over when it ends")
                logged = True
            return RENEW_S / 2

        hint = "is Redis running, and is REDIS_URL or REDIS_HOST right?"
        await loop.run(attempt, retry_s=RENEW_S / 2, outage="lead", hint=hint)
        return epoch

    async def keep(self, epoch: int, loop: Loop) -> None:
        async def renew() -> float:
            if await self.leadership.take_lead(self.holder, ttl_s=TTL_S) != epoch:
                raise LostOwnership("another brain leads")
            return RENEW_S

        # This brain goes on while Redis is away: nobody else can raise the epoch there either.
        await loop.run(renew, first_after_s=RENEW_S, retry_s=RENEW_S, outage="lead")

    async def release(self) -> None:
        try:
            await self.leadership.give_up_lead(self.holder)
        except StoreError:
            log.info("leader.not_released", hint="the lock ends by itself")


async def lead_until(
    stop: asyncio.Event, lead: Callable[[], Coroutine[Any, Any, None]], *, on_stop: Callable[[], None]
) -> None:
    """Lead again and again until *stop*. *lead* waits for the lead and keeps it; it ends by an error or when it is cancelled."""
    stopping = asyncio.create_task(stop.wait(), name="stop")
    while not stop.is_set():
        leading = asyncio.create_task(lead(), name="lead")
        await asyncio.wait([leading, stopping], return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            on_stop()  # 1. not ready any more, before anything closes
        # 2. Admitting ends here: what is not in Redis yet was not acknowledged. Texts that were begun are finished, within DRAIN_S.
        leading.cancel()
        [result] = await asyncio.gather(leading, return_exceptions=True)
        if isinstance(result, Exception):
            if not _only_lost(result):
                raise result
            log.warning("leader.lost")
            await asyncio.sleep(1)
    stopping.cancel()


def _only_lost(exc: Exception) -> bool:
    if isinstance(exc, ExceptionGroup):
        return all(isinstance(inner, Exception) and _only_lost(inner) for inner in exc.exceptions)
    return isinstance(exc, LostOwnership)
