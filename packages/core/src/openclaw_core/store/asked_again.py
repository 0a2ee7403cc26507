"""What is still kept of a request to a model, so that it can be rebuilt: the task, its role's snapshot, and the turns before it."""

from dataclasses import dataclass

from openclaw_core.errors import BadTask
from openclaw_core.records import UNREADABLE, parsed
from openclaw_core.store.client import Script
from openclaw_core.store.lanes import Lanes
from openclaw_core.store.packing import unpacked
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.task import RoleSnapshot, Task, read_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Parts of a request. None is a part that has expired, or cannot be read."""

    task: Task | None = None
    snapshot: RoleSnapshot | None = None
    history: tuple[Turn, ...] | None = None
    """The turns before the task's, as they are now."""


async def kept_of(script: Script, task_id: str, order: str) -> Kept:
    """What is kept of the request of a task whose snapshot has the digest *order*. Raises StoreError."""
    snapshot = await _snapshot(script, order)
    lanes = Lanes(script)
    try:
        task = await lanes.asked(task_id)
    except BadTask:
        return Kept(snapshot=snapshot)
    turns = await lanes.history(task.chat_id, task.thread_id)
    first = next((n for n, turn in enumerate(turns) if turn.task_id == task_id), None)
    return Kept(task=task, snapshot=snapshot, history=None if first is None else turns[:first])


async def _snapshot(script: Script, order: str) -> RoleSnapshot | None:
    stored = await script.read_bytes("GET", script.keys("agent", "order", order, "z"))
    try:
        return None if stored is None else read_snapshot(parsed(unpacked(stored)))
    except UNREADABLE:
        return None
