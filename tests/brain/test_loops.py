"""How a background loop repeats its step: what it waits for, what an outage of Redis does to it, and what ends it."""

import asyncio
import logging

import pytest

from openclaw_brain.loops import HEARTBEAT_S, STUCK_S, Heartbeats, Loop
from openclaw_core.errors import LostOwnership, OpenClawError, StoreFault, StoreFull, StoreUnavailable


class Steps:
    """A step that gives *found* in turn, or raises it."""

    def __init__(self, *found: float | OpenClawError | None) -> None:
        self.found = list(found)
        self.waits: list[float] = []

    async def step(self) -> float | None:
        one = self.found.pop(0)
        if isinstance(one, OpenClawError):
            raise one
        return one

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_a_step_says_how_long_to_wait_for_the_next_one_and_none_ends_the_loop() -> None:
    steps = Steps(3, 0, 5, None)
    await Loop(sleep=steps.sleep).run(steps.step, first_after_s=2)
    assert steps.waits == [2, 3, 5]


@pytest.mark.parametrize("away", [StoreUnavailable("away"), StoreFault("refused"), StoreFull("full")])
async def test_an_outage_of_redis_is_waited_out_and_logged_only_where_the_loop_asks_for_it(
    away: OpenClawError, caplog: pytest.LogCaptureFixture
) -> None:
    for outage in ("", "news"):
        steps = Steps(away, away, None)
        await Loop(sleep=steps.sleep).run(steps.step, retry_s=4, outage=outage)
        assert steps.waits == [4, 4]
        assert [line.getMessage() for line in caplog.records] == ["store.unavailable"] * (2 if outage else 0)


async def test_another_error_ends_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    steps = Steps(LostOwnership("another brain leads"))
    with caplog.at_level(logging.INFO), pytest.raises(LostOwnership):
        await Loop(sleep=steps.sleep).run(steps.step, outage="lead")
    assert not caplog.records


async def test_a_wake_ends_the_wait_and_one_during_a_step_the_next_wait() -> None:
    loop, passes = Loop(woken=asyncio.Event()), 0

    async def step() -> float | None:
        nonlocal passes
        passes += 1
        if passes == 2:
            loop.wake()
        return 3600 if passes < 3 else None

    running = asyncio.create_task(loop.run(step))
    async with asyncio.timeout(20):
        while not passes:
            await asyncio.sleep(0)
        assert passes == 1
        loop.wake()
        await running
    assert passes == 3


async def test_a_wait_of_an_hour_is_no_stuck_loop() -> None:
    now = 0.0
    heartbeats = Heartbeats(clock=lambda: now)
    oldest = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now, oldest
        now += seconds
        oldest = max(oldest, heartbeats.ages_s()["leases"])

    steps = Steps(3600, None)
    await Loop(on_heartbeat=heartbeats.of("leases"), sleep=sleep).run(steps.step)
    assert now == 3600
    assert oldest == HEARTBEAT_S < STUCK_S
