"""Merges messages that a person sent in one act, such as a comment and forwarded messages, into one task. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from openclaw_core.tasks.task import Forwarded, Task

JOINED_MAX_CHARS = 64_000
"""Of the words, and of the quoted text. An agent cuts further, to the budget of its role."""


def merge_tasks(parts: Sequence[Task]) -> Task:
    """Merge *parts*, which are in the order of sending, into one task with the id, message and chat of the first.

    The user's own words are the question, forwarded ones are quoted. Without own words, the forwarded ones are the question.
    Merging in several calls gives the same task as merging at once.
    """
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return first
    own = [part for part in parts if part.forwarded != "all" and part.text]
    asked = own or [part for part in parts if part.text]
    quoted = ["\n\n".join(text for text in (part.quoted, "" if part in asked else part.text) if text) for part in parts]
    return replace(
        first,
        lang=(asked or [first])[0].lang,
        notice_lang=(asked or [first])[0].notice_lang,
        unseen=next((part.unseen for part in parts if part.unseen), ""),
        text=_in_one(parts, [part.text if part in asked else "" for part in parts], apart="\n" if own else "\n\n"),
        quoted=_in_one(parts, quoted, apart="\n\n"),
        attachments=tuple(dict.fromkeys(attachment for part in parts for attachment in part.attachments)),
        forwarded=_forwarded(parts),
        cut=last.cut,
        role=next((part.role for part in parts if part.role), None),
    )


def _in_one(parts: Sequence[Task], texts: Sequence[str], *, apart: str) -> str:
    """*texts*, one for each part, with *apart* between them, but none where Telegram cut a long message in two."""
    whole = ""
    for n, text in enumerate(texts):
        goes_on = n > 0 and parts[n - 1].cut and texts[n - 1]
        whole += text if goes_on or not (whole and text) else f"{apart}{text}"
    return whole[:JOINED_MAX_CHARS]


def _forwarded(parts: Sequence[Task]) -> Forwarded:
    kinds = {part.forwarded for part in parts}
    return next(iter(kinds)) if len(kinds) == 1 else "some"
