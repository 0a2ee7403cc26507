"""`/healthz`: our own loops turn. `/readyz`: Redis answers. `/metrics`: counts. Outside faults never fail `/healthz`."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from openclaw_core.errors import OpenClawError
from openclaw_core.store import Runs, Script

STUCK_S = 60.0
"""A loop that has not turned for this long is stuck; a failed attempt is a turn too."""


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

    def stuck(self) -> list[str]:
        now = self.clock()
        return sorted(name for name, last in self._last.items() if now - last > STUCK_S)


@dataclass(kw_only=True)
class Health:
    beats: Beats
    script: Script
    ready: bool = True
    leading: bool = False

    @asynccontextmanager
    async def serve(self, port: int) -> AsyncIterator[None]:
        app = web.Application()
        app.add_routes(
            [web.get("/healthz", self._healthz), web.get("/readyz", self._readyz), web.get("/metrics", self._metrics)]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, port=port).start()
            yield
        finally:
            await runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        stuck = self.beats.stuck()
        return web.Response(status=503 if stuck else 200, text=f"stuck: {', '.join(stuck)}\n" if stuck else "ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        if not self.ready:
            return web.Response(status=503, text="leaving\n")
        try:
            await self.script.read("PING")
        except OpenClawError as exc:
            return web.Response(status=503, text=f"{type(exc).__name__}\n")
        return web.Response(text="ok\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        lines = [f"openclaw_leader {int(self.leading)}"]
        for name, count in sorted((await Runs(self.script).outcomes()).items()):
            state, _colon, cause = name.partition(":")
            lines.append(f'openclaw_tasks_ended_total{{state="{state}",cause="{cause}"}} {count}')
        return web.Response(text="\n".join(lines) + "\n")
