"""A launcher whose agents are names in a list; it refuses with a cause, and its templates change when told to."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_brain.agents.ports import JobEnded, LaunchFailed, Pool
from openclaw_brain.loops import Loop
from openclaw_core.tasks.outcome import Cause


@dataclass(kw_only=True)
class FakeLauncher:
    cause: Cause | None = None
    """Refuses every create with it."""
    created: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    trouble: dict[str, Cause] = field(default_factory=dict)
    pods: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    tries_templates: bool = True
    caps: list[int] = field(default_factory=list)
    """Caps by which finished Jobs were to be deleted."""

    async def pod(self, template: str) -> Mapping[str, Any]:
        if template not in self.pods:
            raise LaunchFailed(Cause.MISCONFIGURED)
        return self.pods[template]

    async def create(self, name: str, pool: Pool) -> None:
        await asyncio.sleep(0)
        if self.cause:
            raise LaunchFailed(self.cause)
        self.created.append(name)

    async def alive(self) -> frozenset[str]:
        return frozenset(self.created) - frozenset(self.deleted)

    async def delete(self, name: str) -> None:
        self.deleted.append(name)

    async def claimed(self, name: str, task_id: str, role: str) -> None:
        self.labels[name] = (task_id, role)

    async def delete_finished(self, cap: int) -> None:
        self.caps.append(cap)

    def troubles(self) -> Mapping[str, Cause]:
        return self.trouble

    async def next_end(self) -> JobEnded:
        await asyncio.sleep(3600)
        return JobEnded(name="", pool="", cause=None)

    async def watch(self, *, loop_of: Callable[[str], Loop], confirmed: Callable[[str], None]) -> None:
        await asyncio.sleep(3600)

    async def reachable(self) -> bool:
        return True

    async def close(self) -> None:
        return None
