"""Who leads: the lock of local runs, and the epoch that fences each leader before."""

from openclaw_core.records import whole
from openclaw_core.store.client import Script


class Leadership:
    """What Redis keeps of leaders. Steps with an epoch that is not the newest are refused."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def take_lead(self, holder: str, *, ttl_s: float) -> int:
        """Take or keep the lead of local runs; gives the epoch, 0 while somebody else holds it."""
        return int(await self._script.step("take_lead", holder=holder, ttl_ms=int(ttl_s * 1000)))

    async def give_up_lead(self, holder: str) -> None:
        await self._script.step("give_up_lead", holder=holder)

    async def raise_epoch(self, holder: str) -> int:
        """The epoch of a leader that holds the lead by other means; the same for the same holder until another one comes."""
        return int(await self._script.step("raise_epoch", holder=holder))

    async def epoch(self) -> int:
        """The newest leader's epoch; 0 before the first."""
        return whole(await self._script.read("GET", self._script.keys("epoch")))
