"""Pure: messages that a person sent in one act, such as a comment and what was forwarded with it, become one task."""

from collections.abc import Sequence
from dataclasses import replace

from openclaw_core.tasks.task import Forwarded, Task

JOINED_MAX_CHARS = 64_000
"""Of words, and of what is quoted: about what the models of the roles read at once. An agent cuts further, to its role's budget."""


def joined(parts: Sequence[Task]) -> Task:
    """The task that *parts* are together, in the order in which they were sent; the first lends its id, its message and its place.

    What the user wrote is asked, and what was forwarded with it is quoted. Forwarded messages without a word beside them are
    asked themselves, as one alone is. Joining a joined task with further parts gives the same as joining all at once.
    """
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return first
    own = [part for part in parts if part.forwarded != "all" and part.text]
    asked = own or [part for part in parts if part.text]
    material = [
        "\n\n".join(text for text in (part.quoted, "" if part in asked else part.text) if text) for part in parts
    ]
    return replace(
        first,
        lang=(asked or [first])[0].lang,
        notice_lang=(asked or [first])[0].notice_lang,
        unseen=next((part.unseen for part in parts if part.unseen), ""),
        text=_in_one(parts, [part.text if part in asked else "" for part in parts], apart="\n" if own else "\n\n"),
        quoted=_in_one(parts, material, apart="\n\n"),
        materials=tuple(dict.fromkeys(material for part in parts for material in part.materials)),
        forwarded=_forwarded(parts),
        cut=last.cut,
        role=next((part.role for part in parts if part.role), None),
    )


def _in_one(parts: Sequence[Task], texts: Sequence[str], *, apart: str) -> str:
    """*texts*, one for each part, with *apart* between them; where Telegram cut a message at its limit, the next goes on without a break."""
    whole = ""
    for n, text in enumerate(texts):
        goes_on = n > 0 and parts[n - 1].cut and texts[n - 1]
        whole += text if goes_on or not (whole and text) else f"{apart}{text}"
    return whole[:JOINED_MAX_CHARS]


def _forwarded(parts: Sequence[Task]) -> Forwarded:
    kinds = {part.forwarded for part in parts}
    return next(iter(kinds)) if len(kinds) == 1 else "some"
