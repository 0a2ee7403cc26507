"""What a benchmark waits for: a leader, warm agents, the ends of tasks, a quiet machine."""

import asyncio
import time

import psutil

from openclaw_core.store import RunRecords, Script

QUIET_PERCENT = 40
WAITING_MAX_MS = 6000
"""An agent that waits says so every 4 s."""


async def until_leading(script: Script) -> None:
    async with asyncio.timeout(60):
        while not await script.read("GET", script.keys("epoch")):
            await asyncio.sleep(0.1)


async def until_warm(script: Script, count: int) -> None:
    async with asyncio.timeout(120):
        while await waiting_agents(script) < count:
            await asyncio.sleep(0.1)


async def waiting_agents(script: Script) -> int:
    """How many agents wait for a run."""
    seconds, _ = await script.read("TIME")
    keys = await script.read("KEYS", script.keys("agent", "jobs", "*"))
    rows = await script.reads([("HVALS", key) for key in keys])
    states = [state.split() for row in rows for state in row]
    return sum(state[0] == "waiting" and int(seconds) * 1000 - int(state[1]) < WAITING_MAX_MS for state in states)


async def until_ended(script: Script, count: int, timeout_s: float) -> None:
    """Wait until *count* tasks have ended, or for *timeout_s*. Each look costs the same, also while nothing happens."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and sum((await RunRecords(script).outcomes()).values()) < count:
        await asyncio.sleep(0.2)


async def until_quiet() -> None:
    """Wait until the CPUs have had little to do for 3 s, at most 90 s: the ends of 50 Jobs keep them busy. The figures name the load."""
    quiet = 0
    for _ in range(90):
        quiet = quiet + 1 if await asyncio.to_thread(psutil.cpu_percent, 1) < QUIET_PERCENT else 0
        if quiet == 3:
            return
