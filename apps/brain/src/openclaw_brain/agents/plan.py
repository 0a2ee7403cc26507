"""How many agents of a pool to start or retire now: a pure decision from what is recorded of its Jobs."""

from collections.abc import Mapping
from dataclasses import dataclass

from openclaw_core.store.pools import JobState
from openclaw_core.tasks.outcome import Cause

CREATED_S = 8.0
"""A recorded Job that the launcher does not know by then was never created. If it lives after all, it checks in."""
SILENT_S = 15.0
"""A waiting agent checks in every 4 s. One that is silent for this long counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now: *create* new Jobs, *retire* these, *forget* those that are gone."""

    create: int = 0
    postponed: int = 0
    """How many more are needed than may start now."""
    retire: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()


def plan(
    jobs: Mapping[str, JobState],
    *,
    alive: frozenset[str],
    ready: int,
    warm: int,
    cap: int,
    now_ms: int,
    starting_cap: int = 1000,
    cause: Cause | None = None,
) -> Plan:
    """Keep `ready + warm` Jobs without a task alive, and at most *cap* in all. With a *cause*, start one probe at a time.

    At most *starting_cap* start at a time: a start needs the node's processors, and fifty at once all come up late. One after the other,
    the first ones take tasks meanwhile, and fewer are needed.

    A Job unknown to the launcher still counts while it checks in: the brain before us may have started it.
    """
    free, busy, gone = [], 0, []
    for name, job in sorted(jobs.items()):
        age_s = (now_ms - job.since_ms) / 1000
        if job.state == "claimed":
            if name in alive or job.task_id:
                busy += 1
        elif job.state == "retired":
            if name in alive:
                busy += 1  # it is ending, and counts against the cap until then
            elif age_s > SILENT_S:
                gone.append(name)
        elif name in alive or age_s < (CREATED_S if job.state == "created" else SILENT_S):
            free.append(name)
        else:
            gone.append(name)
    waiting = [name for name in free if jobs[name].state == "waiting"]
    wanted = min(ready + warm, max(0, cap - busy))
    if cause is not None:
        # A waiting agent does not show that another one would start now: the probe comes on top.
        wanted = min(wanted, 1 + len(waiting))
    missing = max(0, wanted - len(free))
    starting = sum(jobs[name].state == "created" for name in free)
    create = max(0, min(missing, starting_cap - starting))
    surplus = waiting[wanted + 4 :]  # a small one stays for the next burst
    return Plan(create=create, postponed=missing - create, retire=tuple(surplus), forget=tuple(gone))
