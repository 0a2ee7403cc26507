"""Faults of Redis that alerts tell of, on one machine and on a cluster."""

import asyncio
import time
from collections.abc import Callable

from openclaw_core.store import Script

MAXMEMORY = 64_000_000


async def fill(script: Script, share: float) -> None:
    """Write foreign keys until *share* of MAXMEMORY is used."""
    for n in range(1000):
        info = await script.redis.info("memory")
        if info["used_memory"] >= share * MAXMEMORY:
            return
        await script.read("SET", f"foreign:{share}:{n}", "x" * 250_000)
    raise AssertionError("it cannot be filled")


async def stop_writes_while_messages_wait(script: Script, write: Callable[[int], object]) -> None:
    """Redis becomes a replica in the middle of a burst, as after a failover: it answers, and refuses writes.

    *write* lets so many users write at once.
    """
    for _ in range(20):
        write(300)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if await script.read("XLEN", script.keys("inbox")):
                await script.read("REPLICAOF", "127.0.0.1", "1")
                if await script.read("XLEN", script.keys("inbox")):
                    return
                await script.read("REPLICAOF", "NO", "ONE")
                break
            await asyncio.sleep(0)
    raise AssertionError("each message was handled before Redis refused writes")
