"""A task that a process does by itself, outside lanes and pools, with all rights."""

from dataclasses import dataclass, field

from openclaw_core.conversation import Turn
from openclaw_core.store.agent_work import wire
from openclaw_core.store.client import Script, compact
from openclaw_core.store.turns import HISTORY_TTL_S, HISTORY_TURNS, turn_json, turns_from
from openclaw_core.task import Task, to_json
from openclaw_core.work import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """How a task alone stands: *state*, and the turns before it."""

    state: str
    history: tuple[Turn, ...] = field(default=(), repr=False)


class AloneTasks:
    """Steps of a process that does one task alone."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def begin(self, task: Task) -> Begun:
        """Write *task* down, once for its id; its words go to the history unless the newest turn says them already."""
        turn = Turn(task_id=task.id, speaker="user", text=task.text)
        state, *rows = await self._script.step(
            "begin_alone",
            task=task.id,
            record=to_json(task),
            chat=str(task.chat_id),
            chat_kind=task.chat_kind,
            lang=task.lang,
            role=task.role,
            text=task.text,
            turn=turn_json(turn),
            keep=HISTORY_TURNS,
            ttl_s=HISTORY_TTL_S,
        )
        turns = turns_from(rows)
        mine = next((i for i, turn in enumerate(turns) if turn.task_id == task.id), None)
        if mine is None and turns and turns[-1].speaker == "user" and turns[-1].text == task.text:
            mine = len(turns) - 1  # the caller had appended the turn under another id
        return Begun(state=str(state), history=turns if mine is None else turns[:mine])

    async def end(self, task_id: str, result: Result) -> str:
        """Record the result; gives the task's state."""
        return str(
            await self._script.step(
                "end_alone",
                task=task_id,
                result=compact(wire(result)),
                keep=HISTORY_TURNS,
                ttl_s=HISTORY_TTL_S,
                alone=True,
            )
        )
