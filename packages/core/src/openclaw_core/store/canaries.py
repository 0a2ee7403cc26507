"""What the leader keeps of prompts that are tried: since which run, and whether they were ended. One entry for each role, of its newest canary."""

from dataclasses import asdict, dataclass

from openclaw_core.records import UNREADABLE, parsed, read
from openclaw_core.store.client import Script, compact, fenced


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPrompt:
    """A prompt that a role tries, by its digest."""

    prompt: str
    since: str
    """The newest run record when a leader first saw it."""
    ended: bool = False
    """Whether it was ended because it did harm. It stays so until the prompt changes."""


class Canaries:
    def __init__(self, script: Script) -> None:
        self._script = script

    async def of_role(self, role: str) -> TriedPrompt | None:
        """What is kept of the newest prompt that *role* has tried; None where there is nothing, or it cannot be read."""
        [row] = await self._script.reads([("HGET", self._script.keys("canaries"), role)])
        try:
            return None if row is None else read(TriedPrompt, parsed(row))
        except UNREADABLE:
            return None

    async def keep(self, role: str, entry: TriedPrompt, *, epoch: int) -> None:
        """Keep *entry* in place of what was kept. Raises LostOwnership."""
        fenced(await self._script.step("keep_canary", role=role, entry=compact(asdict(entry)), epoch=epoch))
