"""Pure: what a user's turn in the conversation's memory says of a message, its files, and what was forwarded with it."""

from openclaw_core.tasks.task import Material, Task

KEPT_OF_MATERIAL_CHARS = 1500
"""Of files and forwarded messages; the answer to them stands in the memory too."""


def shown(material: Material) -> str:
    """How material stands in the history until an agent has read it."""
    return f"[{'a recording' if material.kind == 'voice' else f'the file {material.name}'}]"


def said(task: Task) -> str:
    """What the user's turn says of *task*: the words, else what was sent; and the beginning of what was forwarded with them."""
    text = task.text or "\n".join(map(shown, task.materials))
    if not (task.forwarded == "some" and task.quoted):
        return text
    return f"{text}\n\n[forwarded]\n{beginning(task.quoted)}"


def beginning(text: str, *, share: int = 1) -> str:
    """What the history keeps of one of *share* long texts."""
    keep = KEPT_OF_MATERIAL_CHARS // share
    return text if len(text) <= keep else f"{text[:keep]}…"
