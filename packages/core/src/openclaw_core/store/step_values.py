"""What goes into a step of the script and comes out of it: JSON, and replies as values of Python."""

import json
from collections.abc import Mapping
from typing import Any

from openclaw_core.errors import LostOwnership


def without_none(value: Any) -> Any:
    """Drop None from mappings: a JSON null would be a true value in the script."""
    if isinstance(value, Mapping):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value]
    return value


def compact(value: Any) -> str:
    """JSON without a spare byte. Half a character, which UTF-8 cannot hold, is sent as a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fenced(result: object) -> int:
    """The number that a leader's step gave. Raises LostOwnership for -1: a newer leader has raised the epoch."""
    return int(str(fenced_list([result])[0]))


def fenced_list(reply: list[Any]) -> list[Any]:
    """The list that a leader's step gave. Raises LostOwnership for one that begins with -1."""
    if reply and reply[0] == -1:
        raise LostOwnership("a newer leader has raised the epoch")
    return reply


def pairs(reply: Any) -> dict[str, str]:
    """A hash as a mapping, whichever shape the protocol's version gives it."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
