"""The leader of clusters: who holds the Lease raises the epoch in Redis, and the epoch alone decides whose steps count.

The client library's own elector gives up when the API server is away; ours goes on, since chat, queue and failure notices
need Redis only. That is safe: a second leader could only come by raising the epoch, and from then on our steps are refused.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openclaw_brain.kubernetes.api import ApiRefused, ApiUnavailable, KubernetesApi
from openclaw_core import logs
from openclaw_core.errors import LostOwnership, StoreFull, StoreUnavailable
from openclaw_core.store import Inbox

log = logs.get(__name__)
API = "apis/coordination.k8s.io/v1"
TTL_S = 8.0
RENEW_S = 2.0
LOOK_S = 0.5


@dataclass(kw_only=True)
class LeaseLeader:
    """*holder* names this process; *name* is the Lease, made by the first brain: Argo CD brings no Leases."""

    api: KubernetesApi
    inbox: Inbox
    holder: str
    name: str = "brain"
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _lease: Mapping[str, Any] | None = None

    async def acquire(self, *, turned: Callable[[], None]) -> int:
        """Wait until we lead; gives the epoch. An API server or a Redis that is away is waited out too."""
        seen, since, said = "", self.clock(), False
        while True:
            turned()
            try:
                lease = await self.api.get(API, "leases", self.name)
                spec = lease.get("spec") or {}
                # Clocks of two nodes differ: a holder is gone when we ourselves have seen no renewal for a lease's time.
                state = f"{spec.get('holderIdentity')} {spec.get('renewTime')}"
                if state != seen:
                    seen, since = state, self.clock()
                free = not spec.get("holderIdentity") or spec["holderIdentity"] == self.holder
                if free or self.clock() - since > TTL_S:
                    await self._write(lease, self.holder)
                    epoch = await self._raise_epoch(turned)
                    log.info("leader.taken", epoch=epoch)
                    return epoch
                if not said:
                    log.info("leader.waiting", hint="another brain leads; this one takes over when it ends")
                    said = True
            except ApiUnavailable as exc:
                # Who leads cannot renew either, and goes on: only what the API server would have shown counts as silence.
                since = self.clock()
                log.warning("api.unavailable", during="lead", error=str(exc), hint="is the API server up? Trying again")
            except ApiRefused as exc:
                if exc.status == 404 and await self._made():
                    continue
                if exc.status not in (404, 409):  # 409: another one was faster
                    log.error("lease.refused", status=exc.status, hint="may the brain get and update its Lease?")
            await self.sleep(LOOK_S)

    async def _made(self) -> bool:
        """Make the Lease, held by nobody. Whether there is one now."""
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name, "labels": {"app.kubernetes.io/part-of": "openclaw"}},
        }
        try:
            await self.api.create(API, "leases", body)
        except ApiRefused as exc:
            if exc.status != 409:  # 409: another brain has just made it
                log.error("lease.refused", status=exc.status, hint="may the brain create a Lease of the name brain?")
                return False
        except ApiUnavailable as exc:
            log.warning("api.unavailable", during="lead", error=str(exc), hint="is the API server up? Trying again")
            return False
        return True

    async def keep(self, epoch: int, *, turned: Callable[[], None]) -> None:
        """Renew until cancelled. Raises LostOwnership when another one leads."""
        while True:
            await self.sleep(RENEW_S)
            turned()
            await self._renew()
            try:
                if await self.inbox.epoch() != epoch:
                    raise LostOwnership("another brain leads")
            except (StoreUnavailable, StoreFull):
                log.warning("store.unavailable", during="lead")

    async def release(self) -> None:
        """Let the next one take over at once."""
        try:
            lease = await self.api.get(API, "leases", self.name)
            if (lease.get("spec") or {}).get("holderIdentity") == self.holder:
                await self._write(lease, "")
        except (ApiUnavailable, ApiRefused) as exc:
            log.info("leader.not_released", error=type(exc).__name__, hint="the lease ends by itself")

    async def _renew(self) -> None:
        try:
            assert self._lease is not None  # noqa: S101 - we hold it
            await self._write(self._lease, self.holder)
        except ApiUnavailable as exc:
            log.warning("api.unavailable", during="lead", error=str(exc), hint="going on: Redis knows no newer leader")
        except ApiRefused as exc:
            if exc.status != 409:
                log.error("lease.refused", status=exc.status, hint="may the brain get and update its Lease?")
                return
            await self._look_again()

    async def _look_again(self) -> None:
        """Somebody has written the Lease since: another brain, or a person who changed a label."""
        try:
            lease = await self.api.get(API, "leases", self.name)
        except (ApiUnavailable, ApiRefused):
            return
        if (lease.get("spec") or {}).get("holderIdentity") not in (self.holder, "", None):
            raise LostOwnership("another brain holds the Lease")
        self._lease = lease

    async def _write(self, lease: Mapping[str, Any], holder: str) -> None:
        before = lease.get("spec") or {}
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        changed = before.get("holderIdentity") != holder
        spec = {
            **before,
            "holderIdentity": holder,
            "leaseDurationSeconds": round(TTL_S),
            "renewTime": now,
            "acquireTime": now if changed else before.get("acquireTime", now),
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + int(changed and bool(holder)),
        }
        self._lease = await self.api.replace(API, "leases", self.name, {**lease, "spec": spec})

    async def _raise_epoch(self, turned: Callable[[], None]) -> int:
        while True:
            turned()
            try:
                return await self.inbox.raise_epoch(self.holder)
            except (StoreUnavailable, StoreFull):
                log.warning("store.unavailable", during="lead", hint="is Redis running, and is REDIS_HOST right?")
            await self._renew()
            await self.sleep(LOOK_S)
