"""What the leader keeps of prompts that are tried: since which run, and what came of it. One entry for each role, of its newest canary."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from openclaw_core.records import UNREADABLE, parsed, read
from openclaw_core.roles.judged_runs import JudgedRuns
from openclaw_core.store.client import Script
from openclaw_core.store.step_values import compact, fenced, pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPrompt:
    """A prompt that a role tries, by its digest."""

    prompt: str
    since: str
    """The newest run record when a leader first saw it."""
    ended: bool = False
    """Whether it was ended because it did harm. It stays so until the prompt changes."""
    good: bool = False
    """Whether enough answers have shown that it may become the role's own."""
    own: str = ""
    """Digest of the role's own prompt that it is compared with. Empty in an entry of the release before."""
    of_tried: JudgedRuns = field(default_factory=JudgedRuns)
    """This and *of_own* are of the newest verdict, empty before one."""
    of_own: JudgedRuns = field(default_factory=JudgedRuns)


class Canaries:
    def __init__(self, script: Script) -> None:
        self._script = script

    async def of_role(self, role: str) -> TriedPrompt | None:
        """What is kept of the newest prompt that *role* has tried; None where there is nothing, or it cannot be read."""
        [row] = await self._script.reads([("HGET", self._script.keys("canaries"), role)])
        return None if row is None else _entry(row)

    async def all(self) -> dict[str, TriedPrompt]:
        """What is kept of each role's newest, by role. What cannot be read is left out."""
        rows: Mapping[str, Any] = pairs(await self._script.read("HGETALL", self._script.keys("canaries")))
        found = {role: _entry(row) for role, row in rows.items()}
        return {role: entry for role, entry in sorted(found.items()) if entry is not None}

    async def now_ms(self) -> int:
        """The Unix time by Redis' clock, of which ids of rows are made."""
        seconds, micros = await self._script.read("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def keep(self, role: str, entry: TriedPrompt, *, epoch: int) -> None:
        """Keep *entry* in place of what was kept. Raises LostOwnership."""
        fenced(await self._script.step("keep_canary", role=role, entry=compact(asdict(entry)), epoch=epoch))


def _entry(row: str) -> TriedPrompt | None:
    try:
        fields = parsed(row)
        runs = {name: read(JudgedRuns, fields.get(name, {})) for name in ("of_tried", "of_own")}
        return read(TriedPrompt, fields, **runs)
    except UNREADABLE:
        return None
