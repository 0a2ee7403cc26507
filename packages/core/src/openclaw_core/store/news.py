"""What the leader hears of its agents' runs, and carries out: progress, text, results."""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from openclaw_core.errors import LostOwnership
from openclaw_core.records import whole
from openclaw_core.store.client import Script, fenced
from openclaw_core.store.parts import read_parts
from openclaw_core.store.turns import turn_json
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.gathering import joined
from openclaw_core.tasks.said import said
from openclaw_core.tasks.task import to_json

MAX_HANDBACKS = 10
MAX_NEWS = 500
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
class Heard:
    became: Became
    task_id: str = ""
    version: int = 0
    """Of what its chat is to see; 0 if that stands."""
    others_wait: bool = False
    """Whether a chat waits for its turn."""


class News:
    """The leader's side. Writes raise LostOwnership once a newer leader has raised the epoch."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def wait(self, *, timeout_s: float) -> tuple[list[str], list[str]]:
        """Names of runs that are to be adopted, and of runs that have new text, each once; waits at most *timeout_s* for the first.

        What is lost with this process, `reconcile` finds.
        """
        key = self._script.keys("agent", "news")
        first = await self._script.pop_first(key, timeout_s=timeout_s)
        if first is None:
            return [], []
        news = dict.fromkeys([first, *(await self._script.read("LPOP", key, MAX_NEWS) or ())])
        texts = [one.removesuffix(TEXT) for one in news if one.endswith(TEXT)]
        return [one for one in news if not one.endswith(TEXT)], texts

    async def adopt(self, runs: list[str], *, epoch: int) -> list[Heard]:
        """Carry out what stands in each of *runs*: its progress, and its result if there is one."""
        secret = secrets.token_hex(16)
        replies = await self._script.steps(
            [
                (
                    "adopt",
                    {
                        "run": run,
                        "secret": secret,
                        "max_handbacks": MAX_HANDBACKS,
                        "epoch": epoch,
                    },
                )
                for run in runs
            ]
        )
        heard = []
        for reply in replies:
            if reply[0] == -1:
                raise LostOwnership("a newer leader has raised the epoch")
            became, task_id, version, others_wait = (*reply, "", 0, 0)[:4]
            heard.append(
                Heard(
                    became=Became(became),
                    task_id=task_id,
                    version=whole(version),
                    others_wait=bool(others_wait),
                )
            )
        return heard

    async def regrow(self, run: str, *, epoch: int) -> bool:
        """Make one record of a running task and what was sent with it; False while more has come, or may still come. Raises BadTask."""
        task_id = run.rpartition(".")[0]
        _, parts = await read_parts(self._script, task_id)
        task = joined(parts)
        turn = Turn(task_id=task.id, speaker="user", text=said(task))
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
