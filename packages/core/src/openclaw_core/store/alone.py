"""A task that a process does by itself, outside lanes and pools, with all rights."""

from dataclasses import dataclass, field

from openclaw_core.errors import LostOwnership
from openclaw_core.store.agent_work import wire
from openclaw_core.store.client import Script
from openclaw_core.store.step_values import compact
from openclaw_core.store.turns import turn_json, turns_from
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Delivery
from openclaw_core.tasks.task import Task, to_json
from openclaw_core.tasks.work import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """How far a task alone is: *state*, whether its end is still to be shown, and the turns before it."""

    state: str
    unshown: bool = False
    history: tuple[Turn, ...] = field(default=(), repr=False)


class AloneTasks:
    """Steps of a process that does one task alone. *start* names this start of it: the newest start of a task owns it."""

    def __init__(self, script: Script, *, start: str) -> None:
        self._script = script
        self.start = start

    async def begin(self, task: Task) -> Begun:
        """Write *task* down, once for its id, and take it from any start before; its words go to the history unless the
        newest turn says them already.
        """
        turn = Turn(task_id=task.id, speaker="user", text=task.text)
        state, delivery, *rows = await self._script.step(
            "begin_alone",
            task=task.id,
            start=self.start,
            record=to_json(task),
            chat=str(task.chat_id),
            chat_kind=task.chat_kind,
            lang=task.lang,
            role=task.role,
            text=task.text,
            turn=turn_json(turn),
        )
        turns = turns_from(rows)
        mine = next((i for i, turn in enumerate(turns) if turn.task_id == task.id), None)
        if mine is None and turns and turns[-1].speaker == "user" and turns[-1].text == task.text:
            mine = len(turns) - 1  # the caller had appended the turn under another id
        history = turns if mine is None else turns[:mine]
        return Begun(state=str(state), unshown=delivery == Delivery.PENDING, history=history)

    async def check(self, task_id: str) -> None:
        """Raises LostOwnership once another start has the task."""
        if await self._script.read("HGET", self._script.keys("task", task_id), "start") != self.start:
            raise LostOwnership("another start has the task")

    async def end(self, task_id: str, result: Result) -> str:
        """Record the result; gives the task's state. Raises LostOwnership once another start has the task."""
        state = await self._script.step(
            "end_alone",
            task=task_id,
            result=compact(wire(result)),
            alone=self.start,
        )
        if state == -1:
            raise LostOwnership("another start has the task")
        return str(state)
