"""The brain's background loops: how one repeats, what wakes it, what an outage of Redis does to it, and how it shows that it lives."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from openclaw_core import logs
from openclaw_core.errors import StoreError

log = logs.get(__name__)
STUCK_S = 60.0
"""A loop without a heartbeat for this long is stuck; a failed attempt is a heartbeat too."""
HEARTBEAT_S = 20.0
"""The longest that a loop that waits goes without a heartbeat."""
RETRY_S = 1.0
"""Between two attempts while Redis is away."""

LoopPass = Callable[[], Awaitable[float | None]]
"""One pass of a loop. Gives how many seconds to wait for the next one, 0 for none; None ends the loop."""


@dataclass(kw_only=True)
class Heartbeats:
    """When each loop last gave its heartbeat."""

    clock: Callable[[], float] = time.monotonic
    _last: dict[str, float] = field(default_factory=dict)

    def of(self, name: str) -> Callable[[], None]:
        """What the loop *name* calls at each pass; called once here."""

        def heartbeat() -> None:
            self._last[name] = self.clock()

        heartbeat()
        return heartbeat

    def forget(self) -> None:
        """The loops have ended on purpose."""
        self._last.clear()

    def ages_s(self) -> dict[str, float]:
        """Seconds since the last heartbeat of each loop."""
        now = self.clock()
        return {name: now - last for name, last in self._last.items()}

    def stuck(self) -> list[str]:
        return sorted(name for name, age_s in self.ages_s().items() if age_s > STUCK_S)


@dataclass(kw_only=True)
class Loop:
    """Repeats a step until it gives None, raises, or is cancelled."""

    on_heartbeat: Callable[[], None] | None = None
    woken: asyncio.Event | None = None
    """Set to end a wait early. None: the loop goes by time alone."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def heartbeat(self) -> None:
        """Show that the loop lives. `run` does it before each step and while it waits; a step that takes long does it itself."""
        if self.on_heartbeat is not None:
            self.on_heartbeat()

    def wake(self) -> None:
        """End the present wait, or the next one."""
        if self.woken is not None:
            self.woken.set()

    async def run(
        self, step: LoopPass, *, first_after_s: float = 0.0, retry_s: float = RETRY_S, outage: str = "", hint: str = ""
    ) -> None:
        """Repeat *step*, the first time after *first_after_s*.

        While Redis is away or full, the step is repeated each *retry_s*. Each failure is logged as one during *outage*; empty: it is not.
        """
        await self._wait(first_after_s)
        while True:
            self.heartbeat()
            if self.woken is not None:
                self.woken.clear()
            try:
                wait_s = await step()
            except StoreError:
                if outage:
                    log.warning("store.unavailable", during=outage, **({"hint": hint} if hint else {}))
                await self.sleep(retry_s)
                continue
            if wait_s is None:
                return
            await self._wait(wait_s)

    async def _wait(self, left_s: float) -> None:
        while left_s > 0:
            part_s = min(left_s, HEARTBEAT_S) if self.on_heartbeat is not None else left_s
            if self.woken is None:
                await self.sleep(part_s)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(part_s):
                        await self.woken.wait()
                    return
            left_s -= part_s
            if left_s > 0:
                self.heartbeat()
