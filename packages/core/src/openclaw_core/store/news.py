"""Reports of agents on their runs, which the leader reads and carries out: progress, text, results."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from openclaw_core.records import whole
from openclaw_core.store.client import Script
from openclaw_core.store.displays import TASK_FIELDS
from openclaw_core.store.parts import read_parts
from openclaw_core.store.step_values import fenced, fenced_list
from openclaw_core.store.turns import turn_json
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.merging import merge_tasks
from openclaw_core.tasks.task import to_json
from openclaw_core.tasks.timings import Timing, timings_from
from openclaw_core.tasks.user_turn import user_turn_text

MAX_HANDBACKS = 10
MAX_NEWS = 500
NOTHING: Sequence[Any] = ("", "", 0, 0, (), "", "", "")
"""The parts that a short reply of `adopt` leaves out."""
TEXT = " text"
"""Behind the name of a run that goes on: there is more to be read, and nothing to be carried out."""


class Became(StrEnum):
    """What became of a run."""

    GONE = "gone"  # another run has the task, or none
    BEGAN = "began"  # its agent was not known before
    RUNNING = "running"  # it goes on; there may be new text
    GROWS = "grows"  # its agent waits for one record of all that was sent
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What `adopt` found in one run, and carried out."""

    became: Became
    task_id: str = ""
    version: int = 0
    """Of what its chat is to see; 0 if that is shown."""
    row: Mapping[str, str | None] | None = None
    """How that is recorded now, if the task has begun or ended."""
    job: str = ""
    """The Job that has it, if the task has begun or ended."""
    role: str = ""
    timings: tuple[Timing, ...] = ()
    """What its agent has measured, if that has ended the run."""
    others_wait: bool = False
    """Whether a chat waits for its turn."""


class News:
    """The leader's side. Writes raise LostOwnership once a newer leader has raised the epoch."""

    def __init__(self, script: Script, *, timings: bool = False) -> None:
        """*timings*: keep what agents have measured, of which traces are made."""
        self._script = script
        self._timings = timings or None

    async def wait(self, *, timeout_s: float) -> tuple[list[str], list[str]]:
        """Names of runs that are to be adopted, and of runs that have new text, each once; waits at most *timeout_s* for the first.

        What is lost with this process, `reconcile` finds.
        """
        key = self._script.keys("agent", "news")
        news = dict.fromkeys(await self._script.pop(key, at_most=MAX_NEWS, timeout_s=timeout_s))
        texts = [one.removesuffix(TEXT) for one in news if one.endswith(TEXT)]
        return [one for one in news if not one.endswith(TEXT)], texts

    async def adopt(self, runs: list[str], *, epoch: int) -> list[Adopted]:
        """Carry out what is in each of *runs*, which are named once: its progress, and its result if there is one."""
        replies = await self._adopt(runs, epoch=epoch)
        # The next run of a task that was given back needs a name, which few tasks do.
        again = [run for run, reply in replies.items() if reply[0] == "secret"]
        replies |= await self._adopt(again, epoch=epoch, secret=secrets.token_hex(16), max_handbacks=MAX_HANDBACKS)
        adopted = []
        for reply in replies.values():
            became, task_id, version, others_wait, values, job, role, timings = (
                *fenced_list(reply),
                *NOTHING[len(reply) :],
            )
            adopted.append(
                Adopted(
                    became=Became(became),
                    task_id=task_id,
                    version=whole(version),
                    row=dict(zip_longest(TASK_FIELDS, values)) if values else None,
                    others_wait=bool(others_wait),
                    job=job,
                    role=role,
                    timings=timings_from(timings),
                )
            )
        return adopted

    async def _adopt(self, runs: Sequence[str], **args: Any) -> dict[str, Any]:
        replies = await self._script.steps([("adopt", {"run": run, "timings": self._timings, **args}) for run in runs])
        return dict(zip(runs, replies, strict=True))

    async def regrow(self, run: str, *, epoch: int) -> bool:
        """Make one record of a running task and what was sent with it; False while more has come, or may still come. Raises BadTask."""
        task_id = run.rpartition(".")[0]
        _, parts = await read_parts(self._script, task_id)
        task = merge_tasks(parts)
        turn = Turn(task_id=task.id, speaker="user", text=user_turn_text(task))
        done = await self._script.step(
            "regrow",
            run=run,
            parts=len(parts) - 1,
            record=to_json(task),
            answer_lang=task.lang,
            turn=turn_json(turn),
            epoch=epoch,
        )
        return bool(fenced(done))
