"""The text of a user's turn in the conversation: the words, files and forwarded messages of a task. Pure."""

from openclaw_core.tasks.task import Attachment, Task

EXCERPT_MAX_CHARS = 1500
"""Of files and forwarded messages. The conversation holds the answer to them too."""


def attachment_label(attachment: Attachment) -> str:
    """Stands for a file in the conversation until an agent has read it."""
    nameless = {"voice": "a recording", "picture": "a picture"}
    return f"[{nameless.get(attachment.kind) or f'the file {attachment.name}'}]"


def user_turn_text(task: Task) -> str:
    """The words of *task*, else its files; and the beginning of forwarded messages."""
    text = task.text or "\n".join(map(attachment_label, task.attachments))
    if not (task.forwarded == "some" and task.quoted):
        return text
    return f"{text}\n\n[forwarded]\n{excerpt(task.quoted)}"


def excerpt(text: str, *, share: int = 1) -> str:
    """The beginning of *text*, one of *share* texts that share the limit."""
    limit = EXCERPT_MAX_CHARS // share
    return text if len(text) <= limit else f"{text[:limit]}…"
