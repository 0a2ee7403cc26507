"""The health server. `/healthz`: the brain's loops run. `/readyz`: Redis and the API server answer. `/metrics`: see `metrics`.

Outside faults never fail `/healthz`, since a restart would repair none of them. Wrong settings end the start before any page is served.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from openclaw_brain.loops import Heartbeats
from openclaw_brain.metrics import CONTENT_TYPE_LATEST, Metrics
from openclaw_core.errors import OpenClawError
from openclaw_core.store import Script

LINGER_S = 2.0
"""How long an unexpected request body is read and discarded."""


@dataclass(kw_only=True)
class Health:
    """Serves three pages. *reachable* asks the API server, where agents are Jobs. None: agents are processes."""

    heartbeats: Heartbeats
    script: Script
    metrics: Metrics
    reachable: Callable[[], Awaitable[bool]] | None = None
    reach_s: float = 4.0
    """How long the API server may take; the readiness probe waits 6 s."""
    idle_s: float = 75.0
    """How long a connection may wait for the whole head of its next request. Prometheus asks each 30 s on the same one."""
    ready: bool = True
    """False until settings, Redis and the bot's token are known to be good, and again once a shutdown has begun."""

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
        stuck = self.heartbeats.stuck()
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
