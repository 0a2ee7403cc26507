"""Turns of a conversation as stored."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from openclaw_core.records import parsed, read, readable
from openclaw_core.tasks.conversation import Turn


def turn_json(turn: Turn) -> str:
    """A turn as stored."""
    return json.dumps(asdict(turn), ensure_ascii=False, separators=(",", ":"))


def turn_from(raw: str) -> Turn:
    """Read a stored turn, dropping what a newer writer added."""
    turn = read(Turn, parsed(raw))
    if not all(isinstance(part, str) for part in (turn.task_id, turn.text, turn.role, turn.note)):
        raise TypeError("not a turn")
    if turn.speaker not in ("user", "assistant"):
        raise ValueError("not a turn")
    return turn


def turns_from(rows: Iterable[str]) -> tuple[Turn, ...]:
    """Stored turns, without those that cannot be read."""
    return tuple(readable(rows, turn_from, of="turns"))
