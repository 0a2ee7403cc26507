"""What the pool asks of whoever starts agents: Kubernetes Jobs or local processes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from openclaw_core.errors import OpenClawError
from openclaw_core.outcome import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Agents of one template and one set of settings: *id* is `<template>-<hash8>`."""

    template: str
    hash8: str

    @property
    def id(self) -> str:
        return f"{self.template}-{self.hash8}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """A Job is over. *cause* is None if it ended well."""

    name: str
    pool: str
    cause: Cause | None
    detail: str = ""
    """For logs: exit code or signal, never output."""


class LaunchFailed(OpenClawError):
    """No agent could be started; the cause is the pool's until a later try succeeds."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class Launcher(Protocol):
    async def create(self, name: str, pool: Pool) -> None:
        """Start an agent under *name*; again with the same name is harmless. Raises LaunchFailed."""

    async def alive(self) -> frozenset[str]:
        """Names of Jobs that have not ended, as far as this launcher can know."""

    async def delete(self, name: str) -> None:
        """End a Job and forget it; one that is not there is fine."""

    def ended(self) -> AsyncIterator[JobEnded]:
        """Every end of a Job, as it happens."""
