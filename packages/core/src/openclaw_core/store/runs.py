"""Run records: one row for each task that ended, newest last, at most about 20,000."""

from dataclasses import dataclass
from typing import Any

from openclaw_core.records import whole
from openclaw_core.store.client import Script, pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Field names as in `docs/data.md`; no user text."""

    fields: dict[str, str]


class Runs:
    def __init__(self, script: Script) -> None:
        self._script = script

    async def newest(self, *, count: int) -> list[RunRecord]:
        """The newest runs first."""
        rows: list[Any] = await self._script.read("XREVRANGE", self._script.keys("runs"), "+", "-", "COUNT", count)
        return [RunRecord(fields=pairs(fields)) for _, fields in rows]

    async def outcomes(self) -> dict[str, int]:
        """How many tasks ended how, as `state:cause`."""
        reply = await self._script.read("HGETALL", self._script.keys("outcomes"))
        return {name: whole(count) for name, count in pairs(reply).items()}
