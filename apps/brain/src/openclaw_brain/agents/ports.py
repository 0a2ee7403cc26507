"""The port of launchers: what a pool asks of Kubernetes, or of the local machine, to run its agents."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from openclaw_brain.loops import Loop
from openclaw_core.errors import OpenClawError
from openclaw_core.tasks.outcome import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Agents of one template and one set of settings. A change of either gives another hash, and so another pool."""

    template: str
    hash8: str
    pod: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The pod as a core/v1 PodTemplateSpec; empty for local processes."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What each agent of the pool gets beside its template: limits, never a task or a secret."""
    deadline_s: int = 0
    """After this many seconds an agent is ended, whatever it does."""

    @property
    def id(self) -> str:
        return f"{self.template}-{self.hash8}"

    @classmethod
    def of(cls, template: str, *, pod: Mapping[str, Any], env: Mapping[str, str], deadline_s: int) -> "Pool":
        """The pool of these facts; its hash is made of all of them."""
        facts = json.dumps([template, pod, env, deadline_s], sort_keys=True)
        hash8 = hashlib.sha256(facts.encode()).hexdigest()[:8]
        return cls(template=template, hash8=hash8, pod=pod, env=env, deadline_s=deadline_s)

    def to_json(self) -> str:
        return json.dumps({"pod": self.pod, "env": self.env, "deadline_s": self.deadline_s}, sort_keys=True)

    @classmethod
    def from_json(cls, template: str, raw: str) -> "Pool":
        facts = json.loads(raw)
        return cls.of(template, pod=facts["pod"], env=facts["env"], deadline_s=facts["deadline_s"])


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """A Job has ended. *cause* is None if it ended well."""

    name: str
    pool: str
    cause: Cause | None
    detail: str = ""
    """For logs: exit code or signal, never output."""
    log_tail: str = field(default="", repr=False)
    """The last lines of a failed agent, for its run record."""


class LaunchFailed(OpenClawError):
    """No agent could be started. The cause is the pool's until a later try succeeds."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class Launcher(Protocol):
    async def pod(self, template: str) -> Mapping[str, Any]:
        """The pod that agents of *template* are made of now. Raises LaunchFailed."""

    @property
    def tries_templates(self) -> bool:
        """Whether a changed template is tried by one agent before all follow it."""

    async def create(self, name: str, pool: Pool) -> None:
        """Start an agent under *name*. A repeat with the same name is harmless. Raises LaunchFailed."""

    async def alive(self) -> frozenset[str]:
        """Names of Jobs that have not ended, as far as this launcher can know."""

    async def delete(self, name: str) -> None:
        """End a Job and forget it. A name that does not exist is fine."""

    async def claimed(self, name: str, task_id: str, role: str) -> None:
        """Show on the Job which task it has taken, for people who look at it."""

    async def delete_finished(self, cap: int) -> None:
        """Delete finished Jobs early when less than a fifth of *cap* is free, since a quota counts them."""

    def troubles(self) -> Mapping[str, Cause]:
        """By pool: why Jobs do not start that still may."""

    async def next_end(self) -> JobEnded:
        """Wait for the next end of a Job. A call that is cancelled loses none."""

    async def watch(self, *, loop_of: Callable[[str], Loop], confirmed: Callable[[str], None]) -> None:
        """Follow Jobs until cancelled. *loop_of* gives each loop in it by its name. *confirmed* is told a kind of object when its watch
        begins, and each time that the API server has shown our knowledge of it to be current."""

    async def reachable(self) -> bool:
        """Whether agents can be started and followed now."""

    async def close(self) -> None:
        """Free what the launcher holds. Jobs go on; local processes hand their tasks back."""
