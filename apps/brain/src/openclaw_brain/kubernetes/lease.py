"""Leader election in a cluster: the holder of the Lease raises the epoch in Redis, and the epoch decides whose steps count.

The client library's elector gives up when the API server is away. Ours goes on, since chat, queue and failure notices
need only Redis. That is safe: a second leader has to raise the epoch first, and from then on our steps are refused.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openclaw_brain.kubernetes.api import ApiRefused, ApiUnavailable, KubernetesApi
from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.errors import LostOwnership, StoreError
from openclaw_core.store import Leadership

log = logs.get(__name__)
API = "apis/coordination.k8s.io/v1"
TTL_S = 8.0
RENEW_S = 2.0
LOOK_S = 0.5


@dataclass(kw_only=True)
class LeaseLeader:
    """*holder* names this process. *name* is the Lease, which the first brain creates: Argo CD brings no Leases."""

    api: KubernetesApi
    leadership: Leadership
    holder: str
    name: str = "brain"
    clock: Callable[[], float] = time.monotonic
    _lease: Mapping[str, Any] | None = None

    async def acquire(self, loop: Loop) -> int:
        """Wait until we lead and return the epoch. Also waits while the API server or Redis is away."""
        seen, since, logged, epoch = "", self.clock(), False, 0

        async def attempt() -> float | None:
            nonlocal seen, since, logged, epoch
            try:
                lease = await self.api.get(API, "leases", self.name)
                spec = lease.get("spec") or {}
                # Clocks of nodes differ. So a holder is gone when this process has seen no renewal for TTL_S.
                state = f"{spec.get('holderIdentity')} {spec.get('renewTime')}"
                if state != seen:
                    seen, since = state, self.clock()
                free = not spec.get("holderIdentity") or spec["holderIdentity"] == self.holder
                if free or self.clock() - since > TTL_S:
                    await self._write(lease, self.holder)
                    epoch = await self._raise_epoch(loop)
                    log.info("leader.taken", epoch=epoch)
                    return None
                if not logged:
                    log.info("leader.waiting", hint="another brain leads; this one takes over when it ends")
                    logged = True
            except ApiUnavailable as exc:
                # The leader cannot renew either, and goes on. So this time does not count as silence of the leader.
                since = self.clock()
                log.warning("api.unavailable", during="lead", error=str(exc), hint="is the API server up? Trying again")
            except ApiRefused as exc:
                if exc.status == 404 and await self._create_lease():
                    return 0
                if exc.status not in (404, 409):  # 409: another one was faster
                    log.error("lease.refused", status=exc.status, hint="may the brain get and update its Lease?")
            return LOOK_S

        await loop.run(attempt)
        return epoch

    async def _create_lease(self) -> bool:
        """Create the Lease without a holder. Returns whether it exists now."""
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name, "labels": {"app.kubernetes.io/part-of": "openclaw"}},
        }
        try:
            await self.api.create(API, "leases", body)
        except ApiRefused as exc:
            if exc.status != 409:  # 409: another brain has just created it
                log.error("lease.refused", status=exc.status, hint="may the brain create a Lease of the name brain?")
                return False
        except ApiUnavailable as exc:
            log.warning("api.unavailable", during="lead", error=str(exc), hint="is the API server up? Trying again")
            return False
        return True

    async def keep(self, epoch: int, loop: Loop) -> None:
        """Renew until cancelled. Raises LostOwnership when another one leads."""

        async def renew() -> float:
            await self._renew()
            if await self.leadership.epoch() != epoch:
                raise LostOwnership("another brain leads")
            return RENEW_S

        await loop.run(renew, first_after_s=RENEW_S, retry_s=RENEW_S, outage="lead")

    async def release(self) -> None:
        """Clear the holder, so that the next brain takes over at once."""
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
            await self._read_again()

    async def _read_again(self) -> None:
        """Read the Lease after a conflict: another brain or a person has changed it. Raises LostOwnership."""
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

    async def _raise_epoch(self, loop: Loop) -> int:
        while True:
            loop.heartbeat()
            try:
                return await self.leadership.raise_epoch(self.holder)
            except StoreError:
                log.warning("store.unavailable", during="lead", hint="is Redis running, and is REDIS_HOST right?")
            await self._renew()
            await loop.sleep(LOOK_S)
