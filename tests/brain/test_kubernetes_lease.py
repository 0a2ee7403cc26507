"""Who leads on a cluster: the first brain makes the Lease, and one that is held is waited for."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest

from openclaw_brain.kubernetes.api import ApiRefused, ApiUnavailable
from openclaw_brain.kubernetes.lease import LOOK_S, TTL_S, LeaseLeader
from openclaw_core.errors import LostOwnership, StoreUnavailable


class Leases:
    """What the API server keeps of Leases, with the brain's rights: create, get and replace."""

    def __init__(self, *, may_create: bool = True) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.may_create = may_create
        self.created = 0
        self.away = False
        self.writes = 0

    def _reached(self) -> None:
        if self.away:
            raise ApiUnavailable("away")

    async def get(self, api: str, kind: str, name: str = "") -> dict[str, Any]:
        self._reached()
        if name not in self.kept:
            raise ApiRefused(404, "not found")
        return copy.deepcopy(self.kept[name])

    async def create(self, api: str, kind: str, body: Any) -> dict[str, Any]:
        self._reached()
        if not self.may_create:
            raise ApiRefused(403, "forbidden")
        name = body["metadata"]["name"]
        if name in self.kept:
            raise ApiRefused(409, "already exists")
        self.created += 1
        return self._keep(name, body)

    async def replace(self, api: str, kind: str, name: str, body: Any) -> dict[str, Any]:
        self._reached()
        if body["metadata"]["resourceVersion"] != self.kept[name]["metadata"]["resourceVersion"]:
            raise ApiRefused(409, "the object has been modified")
        return self._keep(name, body)

    def _keep(self, name: str, body: Any) -> dict[str, Any]:
        self.writes += 1
        self.kept[name] = copy.deepcopy(body)
        self.kept[name]["metadata"]["resourceVersion"] = str(self.writes)
        return copy.deepcopy(self.kept[name])

    def holder(self) -> str:
        return str(self.kept["brain"]["spec"]["holderIdentity"])


class Epochs:
    """What Redis keeps of leaders."""

    def __init__(self) -> None:
        self.newest = 0
        self.away = False

    async def raise_epoch(self, holder: str) -> int:
        if self.away:
            raise StoreUnavailable("away")
        self.newest += 1
        return self.newest

    async def epoch(self) -> int:
        if self.away:
            raise StoreUnavailable("away")
        return self.newest


class Time:
    """Passes as brains sleep; *then* says what happens at a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.then: dict[float, Callable[[], None]] = {}

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        for at in sorted(self.then):
            if at <= self.now:
                self.then.pop(at)()
        await asyncio.sleep(0)
        if self.now > 1000:
            raise TimeoutError


def leader(leases: Leases, epochs: Epochs, holder: str, time: Time | None = None) -> LeaseLeader:
    time = time or Time()
    return LeaseLeader(api=leases, inbox=epochs, holder=holder, clock=lambda: time.now, sleep=time.sleep)  # type: ignore[arg-type]


def nothing() -> None: ...


async def test_the_first_brain_makes_the_lease_and_leads() -> None:
    leases, epochs = Leases(), Epochs()

    assert await leader(leases, epochs, "brain-1").acquire(turned=nothing) == 1

    assert leases.created == 1
    assert leases.kept["brain"]["spec"]["holderIdentity"] == "brain-1"


async def test_two_brains_that_start_at_once_make_one_lease_and_one_leads() -> None:
    leases, epochs = Leases(), Epochs()
    starts = [asyncio.ensure_future(leader(leases, epochs, f"brain-{n}").acquire(turned=nothing)) for n in (1, 2)]

    await asyncio.wait(starts, return_when=asyncio.FIRST_COMPLETED)
    first = leases.holder()
    for task in starts:
        task.cancel()

    assert leases.created == 1
    assert epochs.newest == 1
    assert first in ("brain-1", "brain-2")


async def test_a_brain_that_may_not_make_its_lease_says_so_and_does_not_lead(
    caplog: pytest.LogCaptureFixture,
) -> None:
    leases, epochs = Leases(may_create=False), Epochs()

    with pytest.raises(TimeoutError):
        await leader(leases, epochs, "brain-1").acquire(turned=nothing)

    assert epochs.newest == 0
    assert "lease.refused" in caplog.text


async def held(leases: Leases, epochs: Epochs) -> LeaseLeader:
    """A brain that leads, and then does nothing any more unless a test lets it."""
    first = leader(leases, epochs, "brain-1")
    await first.acquire(turned=nothing)
    return first


async def test_a_lease_that_is_renewed_no_more_is_taken_within_its_time() -> None:
    leases, epochs, time = Leases(), Epochs(), Time()
    await held(leases, epochs)

    assert await leader(leases, epochs, "brain-2", time).acquire(turned=nothing) == 2
    assert leases.holder() == "brain-2"
    assert TTL_S < time.now <= TTL_S + 2 * LOOK_S


async def test_a_lease_that_was_given_up_is_taken_at_once() -> None:
    leases, epochs, time = Leases(), Epochs(), Time()
    first = await held(leases, epochs)
    await first.release()

    assert await leader(leases, epochs, "brain-2", time).acquire(turned=nothing) == 2
    assert time.now == 0


async def test_a_lease_of_a_brain_that_cannot_reach_the_api_server_either_is_not_taken_when_that_is_back() -> None:
    leases, epochs, time = Leases(), Epochs(), Time()
    first = await held(leases, epochs)

    def away() -> None:
        leases.away = True

    def back() -> None:
        leases.away = False

    time.then = {2.0: away, 60.0: back}
    following = asyncio.create_task(leader(leases, epochs, "brain-2", time).acquire(turned=nothing))
    while time.now < 60 + TTL_S / 2:
        await asyncio.sleep(0)
    assert leases.holder() == "brain-1", "it has not had the time to renew"
    await first._renew()
    renewed = time.now
    assert await following == 2, "it does so no more"
    assert time.now > renewed + TTL_S


async def keeps(first: LeaseLeader, epochs: Epochs, time: Time, seconds: float) -> BaseException | None:
    """What ends the leadership within so many seconds."""
    first.clock, first.sleep = (lambda: time.now), time.sleep
    keeping = asyncio.create_task(first.keep(1, turned=nothing))
    while time.now < seconds and not keeping.done():
        await asyncio.sleep(0)
    if keeping.done():
        return keeping.exception()
    keeping.cancel()
    return None


async def test_a_leader_goes_on_while_neither_the_api_server_nor_redis_answers() -> None:
    leases, epochs, time = Leases(), Epochs(), Time()
    first = await held(leases, epochs)
    leases.away = epochs.away = True

    assert await keeps(first, epochs, time, 100) is None


async def test_a_leader_gives_up_once_another_one_has_raised_the_epoch() -> None:
    leases, epochs, time = Leases(), Epochs(), Time()
    first = await held(leases, epochs)
    leases.away = True
    await epochs.raise_epoch("brain-2")

    assert isinstance(await keeps(first, epochs, time, 100), LostOwnership)


async def test_a_leader_gives_up_when_another_one_holds_its_lease_and_goes_on_when_somebody_labels_it() -> None:
    leases, epochs, time = Leases(), Epochs(), Time()
    first = await held(leases, epochs)
    labelled = copy.deepcopy(leases.kept["brain"])
    labelled["metadata"]["labels"]["looked-at"] = "yes"
    leases._keep("brain", labelled)
    assert await keeps(first, epochs, time, 20) is None

    taken = copy.deepcopy(leases.kept["brain"])
    taken["spec"]["holderIdentity"] = "brain-2"
    leases._keep("brain", taken)
    assert isinstance(await keeps(first, epochs, time, 100), LostOwnership)
