"""Measure what messages cost beside time: script calls and traffic of Redis, CPU of the brain and of its agents."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import psutil

from openclaw_core.store import Script

IDLE_S = 8.0
"""Long enough for two rounds of what waiting agents ask."""
COUNTERS = ("script_calls", "kb", "brain_ms", "agents_ms")
SCRIPTS = ("evalsha", "eval", "fcall")


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Counters at one moment, or what they grew by within *took_s*."""

    took_s: float
    script_calls: float
    kb: float
    brain_ms: float
    agents_ms: float

    def since(self, before: "Costs") -> "Costs":
        return self._with(before, 1.0)

    def without_idle(self, idle: "Costs") -> "Costs":
        """Subtract what the bot costs in the same time when it has nothing to do."""
        return self._with(idle, self.took_s / idle.took_s, took_s=self.took_s)

    def each(self, messages: int) -> dict[str, float]:
        """A message's share."""
        return {name: round(getattr(self, name) / max(1, messages), 1) for name in COUNTERS}

    def _with(self, other: "Costs", times: float, took_s: float | None = None) -> "Costs":
        less = {name: getattr(self, name) - times * getattr(other, name) for name in COUNTERS}
        return Costs(took_s=self.took_s - other.took_s if took_s is None else took_s, **less)


async def costs(script: Script, brain_pid: int) -> Costs:
    """The counters now. Agents are the brain's descendants, also those that have ended."""
    info = {**await script.redis.info("stats"), **await script.redis.info("commandstats")}
    brain_ms, agents_ms = _cpu_ms(brain_pid)
    return Costs(
        took_s=time.monotonic(),
        script_calls=sum(info.get(f"cmdstat_{name}", {}).get("calls", 0) for name in SCRIPTS),
        kb=(info["total_net_input_bytes"] + info["total_net_output_bytes"]) / 1000,
        brain_ms=brain_ms,
        agents_ms=agents_ms,
    )


async def costs_of(work: Callable[[], Awaitable[object]], script: Script, brain_pid: int) -> Costs:
    """How much the counters grow during *work*, less what reading them costs: the reply is several kB long."""
    first = await costs(script, brain_pid)
    before = await costs(script, brain_pid)
    await work()
    grew = (await costs(script, brain_pid)).since(before)
    return replace(grew, kb=grew.kb - before.since(first).kb)


def _cpu_ms(brain_pid: int) -> tuple[float, float]:
    brain = psutil.Process(brain_pid)
    mine = brain.cpu_times()
    agents_s = mine.children_user + mine.children_system
    for child in brain.children(recursive=True):
        try:
            agents_s += sum(child.cpu_times()[:4])
        except psutil.NoSuchProcess:  # its parent has its time
            continue
    return (mine.user + mine.system) * 1000, agents_s * 1000
