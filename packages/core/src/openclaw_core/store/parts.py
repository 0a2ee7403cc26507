"""Reading a task together with the messages that were folded into it since its record was made."""

from openclaw_core.records import whole
from openclaw_core.store.client import Script
from openclaw_core.tasks.task import Task, from_json

Row = dict[str, str | None]


async def read_parts(script: Script, task_id: str, *names: str) -> tuple[Row, list[Task]]:
    """The fields *names* of a task, and its messages as they were sent, the first one first. Raises BadTask if there are none."""
    key = script.keys("task", task_id)
    wanted = ("record", "more_n", *names)
    row: Row = dict(zip(wanted, await script.read("HMGET", key, *wanted), strict=True))
    more = [f"more{n}" for n in range(1, whole(row["more_n"]) + 1)]
    records = await script.read("HMGET", key, *more) if more else []
    return row, [from_json(record or "") for record in (row["record"], *records)]
