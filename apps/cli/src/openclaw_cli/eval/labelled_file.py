"""Read a file of labelled messages: JSON lines, each checked."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw_brain.routing import Previous

MESSAGE_LANGUAGES = ("en", "he", "mix")
KEYS = frozenset({"id", "lang", "text", "previous", "accept", "kind"})


class BadFile(Exception):
    """The file cannot be measured; the message names file, line and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledMessage:
    """One line of the file. The first of *accept* counts as its role in tables."""

    id: str
    lang: str
    text: str
    previous: Previous | None
    accept: tuple[str, ...]
    kind: str


def read_labelled(path: Path) -> list[LabelledMessage]:
    """Read the file. Raises BadFile for the first line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise BadFile(f"{path}: cannot be read as UTF-8 text ({type(exc).__name__})") from None
    found = [_line(f"{path}:{number}", raw) for number, raw in enumerate(lines, 1) if raw.strip()]
    if not found:
        raise BadFile(f"{path}: holds no messages; write one JSON object a line with {', '.join(sorted(KEYS))}")
    return found


def _line(place: str, raw: str) -> LabelledMessage:
    try:
        row: Any = json.loads(raw)
    except ValueError:
        raise BadFile(f"{place}: not JSON; write one object a line") from None
    if not isinstance(row, dict) or not row.keys() >= KEYS - {"previous"}:
        missing = sorted(KEYS - {"previous"} - (row.keys() if isinstance(row, dict) else set()))
        raise BadFile(f"{place}: lacks {', '.join(missing)}")
    for key in ("text", "kind"):
        if not isinstance(row[key], str):
            raise BadFile(f"{place}: {key} must be a string")
    if row["lang"] not in MESSAGE_LANGUAGES:
        raise BadFile(f"{place}: lang must be one of {', '.join(MESSAGE_LANGUAGES)}")
    accept = row["accept"]
    if not isinstance(accept, list) or not accept or not all(isinstance(role, str) for role in accept):
        raise BadFile(f"{place}: accept must be a list of at least one role")
    previous = row.get("previous")
    if previous is not None and not (
        isinstance(previous, dict) and all(isinstance(previous.get(key), str) for key in ("role", "user", "answer"))
    ):
        raise BadFile(f"{place}: previous must be null or an object of the strings role, user and answer")
    before = Previous(role=previous["role"], user=previous["user"], answer=previous["answer"]) if previous else None
    return LabelledMessage(
        id=str(row["id"]), lang=row["lang"], text=row["text"], kind=row["kind"], accept=tuple(accept), previous=before
    )
