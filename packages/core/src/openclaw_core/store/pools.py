"""Pools of agents as the leader sees them: ready ids, Jobs and their state, leases that ran out."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openclaw_core.records import JobStage, whole
from openclaw_core.store.client import Script
from openclaw_core.store.step_values import fenced, pairs
from openclaw_core.tasks.outcome import Cause

MAX_TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """What Redis knows of a Job: its `JobStage`, since when (ms) or which task."""

    state: str
    since_ms: int = 0
    task_id: str = ""
    run: str = field(default="", repr=False)
    """The mark of the run that it claimed, by which `left` knows it again."""

    @property
    def has_checked_in(self) -> bool:
        """Its process has come up, and may claim."""
        return self.state in (JobStage.WAITING, JobStage.CLAIMED)


def template_of(pool: str) -> str:
    """The template of a pool's id, `<template>-<hash8>`."""
    return pool.rpartition("-")[0]


def task_of(run: str) -> str:
    """The task of a run, `<task id>.<secret>`."""
    return run.rpartition(".")[0]


def mark_of(run: str) -> str:
    """What a Job's state says of its run: not the secret, which whoever guesses the Job's name could read there."""
    return f"{task_of(run)}.{hashlib.sha1(run.encode(), usedforsecurity=False).hexdigest()}"


class Pools:
    """Every write raises LostOwnership once a newer leader has raised the epoch."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def new_job(self, pool: str, name: str, *, epoch: int, gone: Sequence[str] = ()) -> str:
        """Write a new Job's name down, before it is created, and forget those that are *gone*."""
        call = secrets.token_hex(8)
        n = fenced(
            await self._script.step("new_job", pool=pool, name=name, call=call, gone=list(gone) or None, epoch=epoch)
        )
        return f"{name}-{n}"

    async def jobs(self, pool: str) -> dict[str, JobState]:
        [reply] = await self._script.reads([("HGETALL", self._script.keys("agent", "jobs", pool))])
        rows = pairs(reply or {})
        return {name: _state(value) for name, value in rows.items()}

    async def job(self, pool: str, name: str) -> JobState | None:
        """One Job, None if there is none."""
        [value] = await self._script.reads([("HGET", self._script.keys("agent", "jobs", pool), name)])
        return None if value is None else _state(value)

    async def left(self, runs: Mapping[str, str]) -> list[str]:
        """Of Jobs, each with the mark of the run that it claimed: those that have it no more: it has ended, or another has the task."""
        keys = self._script.keys
        names = await self._script.reads([("HGET", keys("task", task_of(mark)), "run_id") for mark in runs.values()])
        owners = await self._script.reads([("HGET", keys("agent", "run", name or ""), "job") for name in names])
        found = zip(runs.items(), names, owners, strict=True)
        return [job for (job, mark), name, owner in found if owner != job or mark_of(str(name)) != mark]

    async def ready(self, pool: str) -> list[str]:
        """Names of runs that wait for an agent, next first."""
        [ids] = await self._script.reads([("LRANGE", self._script.keys("agent", "ready", pool), 0, -1)])
        return list(ids or ())

    async def retire(self, pool: str, job: str) -> bool:
        """Mark a waiting Job so that it claims nothing more; False if it has claimed."""
        return bool(await self._script.step("retire", pool=pool, job=job))

    async def forget(self, pool: str, job: str) -> None:
        await self._script.step("forget_job", pool=pool, job=job)

    async def ids(self) -> frozenset[str]:
        """Every pool that has Jobs or ready tasks."""
        return frozenset(str(pool) for pool in await self._script.read("SMEMBERS", self._script.keys("pools")))

    async def good_template(self, template: str) -> str | None:
        """The last template whose agents have come up, as its pool wrote it."""
        raw = await self._script.read("HGET", self._script.keys("templates"), template)
        return None if raw is None else str(raw)

    async def keep_good_template(self, template: str, raw: str) -> None:
        await self._script.read("HSET", self._script.keys("templates"), template, raw)

    async def note_job(self, task_id: str, *, cause: Cause, detail: str, log_tail: str) -> None:
        """Add to a task's record what became of its agent: its cause, exit code, and last log lines."""
        await self._script.step("note_job", task=task_id, cause=cause.value, detail=detail, log_tail=log_tail)

    async def move_ready(self, old: str, new: str, *, epoch: int) -> int:
        """Unclaimed ids of a pool that is no more go to the new one."""
        ids = await self.ready(old)
        return fenced(await self._script.step("move_ready", **{"from": old, "to": new, "ids": ids, "epoch": epoch}))

    async def overdue(self, *, limit: int = 500) -> list[str]:
        """Ids of tasks whose lease has run out by Redis' own clock."""
        seconds, micros = await self._script.read("TIME")
        now = int(seconds) * 1000 + int(micros) // 1000
        runs = list(
            await self._script.read(
                "ZRANGE", self._script.keys("agent", "leases"), "-inf", str(now), "BYSCORE", "LIMIT", 0, limit
            )
        )
        return [task_of(str(run)) for run in runs]

    async def lost(
        self,
        task_id: str,
        cause: Cause,
        *,
        epoch: int,
        pool: str | None = None,
        job: str | None = None,
        only_overdue: bool = False,
    ) -> str:
        """The owner of a task (*job*, if it still is that one) is gone: gives `requeued`, `failed`, or `` if there was nothing to do."""
        result = fenced(
            await self._script.step(
                "lost",
                task=task_id,
                cause=cause.value,
                pool=pool,
                job=job,
                only_overdue=only_overdue,
                max_tries=MAX_TRIES,
                secret=secrets.token_hex(16),
                epoch=epoch,
            )
        )
        return {0: "", 1: "requeued", 2: "failed"}[result]


def _state(value: str) -> JobState:
    state, _, rest = value.partition(" ")
    if state == JobStage.CLAIMED:
        return JobState(state=state, task_id=task_of(rest), run=rest)
    return JobState(state=state, since_ms=whole(rest.partition(" ")[0]))
