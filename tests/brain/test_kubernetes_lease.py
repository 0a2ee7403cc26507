"""Who leads on a cluster: the first brain makes the Lease, and one that is held is waited for."""

import asyncio
import copy
from typing import Any

import pytest

from openclaw_brain.kubernetes_api import ApiRefused
from openclaw_brain.kubernetes_lease import LeaseLeader


class Leases:
    """What the API server keeps of Leases, with the brain's rights: create, get and replace."""

    def __init__(self, *, may_create: bool = True) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.may_create = may_create
        self.created = 0

    async def get(self, api: str, kind: str, name: str = "") -> dict[str, Any]:
        if name not in self.kept:
            raise ApiRefused(404, "not found")
        return copy.deepcopy(self.kept[name])

    async def create(self, api: str, kind: str, body: Any) -> dict[str, Any]:
        if not self.may_create:
            raise ApiRefused(403, "forbidden")
        name = body["metadata"]["name"]
        if name in self.kept:
            raise ApiRefused(409, "already exists")
        self.created += 1
        self.kept[name] = copy.deepcopy(body)
        return self.kept[name]

    async def replace(self, api: str, kind: str, name: str, body: Any) -> dict[str, Any]:
        self.kept[name] = copy.deepcopy(body)
        return self.kept[name]


class Epochs:
    epoch = 0

    async def raise_epoch(self, holder: str) -> int:
        self.epoch += 1
        return self.epoch


def leader(leases: Leases, epochs: Epochs, holder: str) -> LeaseLeader:
    return LeaseLeader(api=leases, inbox=epochs, holder=holder)  # type: ignore[arg-type]


async def test_the_first_brain_makes_the_lease_and_leads() -> None:
    leases, epochs = Leases(), Epochs()

    assert await leader(leases, epochs, "brain-1").acquire(turned=lambda: None) == 1

    assert leases.created == 1
    assert leases.kept["brain"]["spec"]["holderIdentity"] == "brain-1"


async def test_two_brains_that_start_at_once_make_one_lease_and_one_leads() -> None:
    leases, epochs = Leases(), Epochs()
    starts = [asyncio.ensure_future(leader(leases, epochs, f"brain-{n}").acquire(turned=lambda: None)) for n in (1, 2)]

    done, waiting = await asyncio.wait(starts, timeout=2, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()

    assert leases.created == 1
    assert len(done) == 1


async def test_a_brain_that_may_not_make_its_lease_says_so_and_does_not_lead(
    caplog: pytest.LogCaptureFixture,
) -> None:
    leases, epochs = Leases(may_create=False), Epochs()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(leader(leases, epochs, "brain-1").acquire(turned=lambda: None), 0.8)

    assert epochs.epoch == 0
    assert "lease.refused" in caplog.text
