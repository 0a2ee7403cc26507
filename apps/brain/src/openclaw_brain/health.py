"""`/healthz`: our own loops turn. `/readyz`: Redis and the API server answer. `/metrics`: see `metrics`.

Outside faults never fail `/healthz`: a restart would mend none of them. Wrong settings end the start before any page is served.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from openclaw_brain.metrics import CONTENT_TYPE_LATEST, Metrics
from openclaw_core.errors import OpenClawError
from openclaw_core.store import Script

STUCK_S = 60.0
"""A loop that has not turned for this long is stuck; a failed attempt is a turn too."""
LINGER_S = 2.0
"""How long a body that nobody asked for is read and thrown away."""


@dataclass(kw_only=True)
class Beats:
    """When each loop last turned."""

    clock: Callable[[], float] = time.monotonic
    _last: dict[str, float] = field(default_factory=dict)

    def of(self, name: str) -> Callable[[], None]:
        """What the loop *name* calls at each turn."""

        def turned() -> None:
            self._last[name] = self.clock()

        turned()
        return turned

    def forget(self) -> None:
        """The loops have ended on purpose."""
        self._last.clear()

    def ages_s(self) -> dict[str, float]:
        """How long ago each loop last turned, in seconds."""
        now = self.clock()
        return {name: now - last for name, last in self._last.items()}

    def stuck(self) -> list[str]:
        return sorted(name for name, age_s in self.ages_s().items() if age_s > STUCK_S)


@dataclass(kw_only=True)
class Health:
    """Serves three pages. *reachable* asks the API server where agents are Jobs; None: there is none to ask."""

    beats: Beats
    script: Script
    metrics: Metrics
    reachable: Callable[[], Awaitable[bool]] | None = None
    reach_s: float = 4.0
    """How long the API server may take; the readiness probe waits 6 s."""
    idle_s: float = 75.0
    """How long a connection may wait for the whole head of its next request; Prometheus asks each 30 s by the same one."""
    ready: bool = True
    """False until settings, Redis and the bot's token have proved good, and from the moment that a shutdown begins."""

    @asynccontextmanager
    async def serve(self, port: int, host: str | None = None) -> AsyncIterator[int]:
        """Serve until the end of the block; gives the port, a free one for 0."""
        app = web.Application()
        app.add_routes(
            [web.get("/healthz", self._healthz), web.get("/readyz", self._readyz), web.get("/metrics", self._metrics)]
        )
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=self.idle_s, lingering_time=LINGER_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host=host, port=port).start()
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        stuck = self.beats.stuck()
        return web.Response(status=503 if stuck else 200, text=f"stuck: {', '.join(stuck)}\n" if stuck else "ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        if not self.ready:
            return web.Response(status=503, text="starting or leaving\n")
        faults = [fault for fault in await asyncio.gather(self._store_fault(), self._cluster_fault()) if fault]
        return web.Response(status=503 if faults else 200, text="\n".join(faults or ["ok"]) + "\n")

    async def _store_fault(self) -> str:
        try:
            await self.script.read("PING")
        except OpenClawError as exc:
            return f"Redis: {type(exc).__name__}"
        return ""

    async def _cluster_fault(self) -> str:
        if self.reachable is None:
            return ""
        try:
            async with asyncio.timeout(self.reach_s):
                return "" if await self.reachable() else "API server: no answer"
        except TimeoutError:
            return f"API server: no answer within {self.reach_s:g} s"

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=await self.metrics.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})
