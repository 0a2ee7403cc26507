"""Who may use the bot: what its owners decided in their chat, and since when Git says what it says.

A person or a group has one entry of the bot at most. It counts before Git's list, and goes when Git changes about them:
the last one asked decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openclaw_core.records import whole
from openclaw_core.store.client import Script
from openclaw_core.store.step_values import fenced

READABLE_VERSIONS = frozenset({"1"})
"""Of a row. One of another version gives nobody access."""


class Right(StrEnum):
    OWNER = "owner"
    USER = "user"
    """A person, a group or a channel that may use the bot."""
    NONE = "none"
    """Access was taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """Since when somebody has a right, and who gave it."""

    subject: str
    """The id of a person, a group or a channel, or `*`."""
    right: Right
    by: str
    """`git`, or the id of the owner who decided it in the chat."""
    at_ms: int
    """Unix time in milliseconds; of Git's entries, when a leading brain first saw it. 0: not known."""


def entry_of(subject: str, raw: str) -> AccessEntry:
    """Read a row: version, right, by, time in ms. One that cannot be read gives no access."""
    version, right, by, at_ms, *_ = [*raw.split(" "), "", "", "", ""]
    if version not in READABLE_VERSIONS or right not in Right._value2member_map_:
        return AccessEntry(subject=subject, right=Right.NONE, by="", at_ms=0)
    return AccessEntry(subject=subject, right=Right(right), by=by, at_ms=whole(at_ms))


async def set_git_access(script: Script, rights: Mapping[str, Right], *, epoch: int) -> int:
    """Note what Git says now; gives about how many it says something else than before.

    Their entries of the bot go. Raises LostOwnership.
    """
    return fenced(await script.step("set_access", rights=dict(rights), epoch=epoch))


def entries_of(rows: Mapping[str, str]) -> dict[str, AccessEntry]:
    return {subject: entry_of(subject, raw) for subject, raw in rows.items()}
