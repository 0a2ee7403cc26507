"""The stand-in of SearXNG as a server of this machine, for processes that ask it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from aiohttp import web

from tests.agent.tools.search import services


@asynccontextmanager
async def searxng(
    rows: services.Rows = services.ROWS,
    *,
    json_allowed: bool = True,
    unresponsive: Sequence[Sequence[str]] = (),
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[str]:
    """For SEARCH_URL. It takes what SearXNG documents, and answers in its documented shape."""
    answer = services.searxng(rows, json_allowed=json_allowed, unresponsive=unresponsive)

    async def search(request: web.Request) -> web.Response:
        said = answer(httpx.Request(request.method, str(request.url), headers=dict(request.headers)))
        kind = said.headers["content-type"]
        return web.Response(body=said.content, status=said.status_code, headers={"content-type": kind})

    app = web.Application()
    app.router.add_get("/sub/search", search)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}/sub"
    finally:
        await runner.cleanup()
