"""`ends`: the versions that we run and whose support has ended or ends soon, from `platform/end-of-life.yaml`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from openclaw_gitops.errors import REFUSED, CommandError

FILE = "platform/end-of-life.yaml"
AHEAD = timedelta(days=90)
"""How long before its end a version is warned of, and how long an entry without a date counts as looked up."""

UNKNOWN = "unknown"
"""In place of a date: it is not yet looked up. Nothing is guessed, and `ends` says so at each run."""

_KEYS = {"name", "version", "ends", "until", "source", "looked_up", "pinned"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file that names the version, and the text that names it."""

    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfLife:
    """A version and its last day. Without a day `until` says what ends it; without both its end is unknown."""

    name: str
    version: str
    ends: date | None
    until: str
    source: str
    looked_up: date
    pinned: tuple[Place, ...]

    def warning(self, today: date) -> str | None:
        """What to do about this version, in one sentence; None while there is nothing to do."""
        if self.unknown:
            return f"{self.name} {self.version}: when it ends is UNKNOWN, nobody has looked it up. Look at {self.source} and write it into {FILE}."
        if self.ends is None:
            if today - self.looked_up <= AHEAD:
                return None
            return (
                f"{self.name} {self.version}: its end has no date (until {self.until}) and was last looked up on"
                f" {self.looked_up}. Look at {self.source} and write the new date into {FILE}."
            )
        if today > self.ends:
            return f"{self.name} {self.version} ENDED on {self.ends}. Move to a newer one: {self._where()} ({self.source})."
        if self.ends - today <= AHEAD:
            days = (self.ends - today).days
            left = f"{days} day{'s' if days != 1 else ''}"
            return f"{self.name} {self.version} ends in {left}, on {self.ends}. Move to a newer one: {self._where()} ({self.source})."
        return None

    @property
    def unknown(self) -> bool:
        """Whether the end of this version has not been looked up."""
        return self.ends is None and not self.until

    def misplaced(self, root: Path) -> list[str]:
        """Files that should name this version and do not, a sentence each."""
        found = []
        for place in self.pinned:
            path = root / place.file
            if not path.is_file():
                found.append(f"{FILE}: {self.name}: {place.file} does not exist")
            elif place.text not in path.read_text():
                found.append(
                    f"{place.file}: it no longer holds '{place.text}': write the new version of {self.name}, its end and source into {FILE}"
                )
        return found

    def _where(self) -> str:
        return ", ".join(place.file for place in self.pinned)


def read_entries(root: Path) -> list[EndOfLife]:
    """All entries. Raises CommandError naming the entry that is not whole."""
    try:
        rows = yaml.safe_load((root / FILE).read_text())
    except OSError as exc:
        raise CommandError(REFUSED, f"{FILE} cannot be read: {type(exc).__name__}") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        what = getattr(exc, "problem", None) or type(exc).__name__
        raise CommandError(REFUSED, f"{FILE}:{mark.line + 1 if mark else 1}: this is no YAML: {what}") from exc
    if not isinstance(rows, list):
        raise CommandError(REFUSED, f"{FILE} is not a list of entries")
    return [_entry(number, row) for number, row in enumerate(rows, 1)]


def warnings(found: Sequence[EndOfLife], today: date) -> list[str]:
    """One sentence for each version that has ended, ends soon, has to be looked up again or was never; the earliest end first."""
    order = sorted(found, key=lambda end: (end.ends or date.max, end.name))
    return [warning for end in order if (warning := end.warning(today))]


def _entry(number: int, row: Any) -> EndOfLife:
    at = f"{FILE}: entry {number}"
    if not isinstance(row, dict):
        raise CommandError(REFUSED, f"{at} is not a mapping")
    at = f"{at} ({row.get('name', 'without a name')})"
    if unknown := row.keys() - _KEYS:
        raise CommandError(REFUSED, f"{at} has unknown keys: {', '.join(sorted(unknown))}")
    for key in ("name", "version", "source"):
        if not isinstance(row.get(key), str) or not row[key]:
            raise CommandError(REFUSED, f"{at} needs {key} as text")
    ends, looked_up, until = row.get("ends"), row.get("looked_up"), row.get("until", "")
    if not isinstance(looked_up, date):
        raise CommandError(REFUSED, f"{at} needs looked_up as a date such as 2026-11-29")
    if ends not in (None, UNKNOWN) and not isinstance(ends, date):
        raise CommandError(REFUSED, f"{at} needs ends as a date such as 2026-11-29, null or {UNKNOWN}")
    if "ends" not in row or (ends is None) != bool(until):
        raise CommandError(REFUSED, f"{at} needs either a date in ends, or null and what ends it in until")
    pinned = row.get("pinned")
    if not isinstance(pinned, list) or not pinned:
        raise CommandError(REFUSED, f"{at} needs pinned: the files that name the version")
    places = []
    for place in pinned:
        if not isinstance(place, dict) or place.keys() != {"file", "text"} or "{version}" not in place["text"]:
            raise CommandError(REFUSED, f"{at}: each of pinned needs a file and a text with {{version}} in it")
        places.append(Place(file=place["file"], text=place["text"].replace("{version}", row["version"])))
    return EndOfLife(
        name=row["name"], version=row["version"], ends=None if ends == UNKNOWN else ends, until=until,
        source=row["source"], looked_up=looked_up, pinned=tuple(places),
    )  # fmt: skip
