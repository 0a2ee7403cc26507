"""Ids of a task's trace.

They follow from the bot and the task, so logs and spans of every process agree and nothing has to be passed on.
"""

import hashlib
from functools import lru_cache


@lru_cache(maxsize=256)
def trace_id(bot_id: int, task_id: str) -> str:
    """The id of a task's trace: 32 hexadecimal digits."""
    return hashlib.sha256(f"openclaw trace {bot_id} {task_id}".encode()).hexdigest()[:32]


def span_id(trace: str, name: str) -> str:
    """The id of the span *name* of a trace: 16 hexadecimal digits. A span that is exported twice is one span."""
    return hashlib.sha256(f"{trace} {name}".encode()).hexdigest()[:16]
