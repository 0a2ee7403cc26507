"""Files that people sent, for the agents: the bot's token stays here, so an agent asks the leading brain for the files of its own run.

`GET /files/<run>/<n>` gives the n-th material of the run's task, streamed and never kept. The run's name is the secret: nobody else gets anything.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from openclaw_core import logs
from openclaw_core.errors import BadTask, FloodWait, MessengerRefused, OpenClawError, StoreFull, StoreUnavailable
from openclaw_core.store import Script
from openclaw_core.task import Material, from_json

log = logs.get(__name__)
FILE_MAX_BYTES = 20_000_000
"""What the Bot API gives to a bot."""
AT_ONCE = 8
"""Files under way: each holds a connection to Telegram and one to an agent, and 64 kB."""
WRITE_S = 60.0
"""How long an agent may take to read one file."""


class FileSource(Protocol):
    """What is asked of the messenger."""

    def stream_file(self, file_id: str, max_bytes: int) -> AsyncIterator[bytes]:
        """The file in pieces. Raises as `Messenger`, MessengerRefused for one that is larger than *max_bytes* or gone."""


@dataclass(kw_only=True)
class FilePort:
    """Serves while this brain leads. *source* is the messenger."""

    script: Script
    source: FileSource

    @asynccontextmanager
    async def serve(self, port: int, host: str) -> AsyncIterator[int]:
        """Serve until the end of the block; gives the port, a free one for 0."""
        places = asyncio.Semaphore(AT_ONCE)

        async def handle(request: web.Request) -> web.StreamResponse:
            async with places:
                return await self._file(request)

        app = web.Application()
        app.add_routes([web.get("/files/{run}/{number}", handle)])
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=5.0)  # an access log would hold the runs' names
        await runner.setup()
        try:
            await web.TCPSite(runner, host=host, port=port).start()
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def _file(self, request: web.Request) -> web.StreamResponse:
        try:
            material = await self._material(request.match_info["run"], request.match_info["number"])
        except (StoreUnavailable, StoreFull):
            raise web.HTTPServiceUnavailable(text="Redis is away: ask again\n") from None
        if material is None:
            raise web.HTTPNotFound(text="there is no such file for this run\n")
        pieces = self.source.stream_file(material.file_id, FILE_MAX_BYTES)
        try:
            first = await anext(pieces, b"")
        except FloodWait as exc:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": str(round(exc.retry_after_s))}) from None
        except MessengerRefused:
            raise web.HTTPNotFound(text="the file is too large, or gone\n") from None
        except OpenClawError as exc:
            log.warning("file.not_fetched", error=type(exc).__name__)
            raise web.HTTPServiceUnavailable(text="Telegram is away: ask again\n") from None
        return await self._send(request, first, pieces)

    async def _send(self, request: web.Request, first: bytes, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
        """A reply whose end is seen: one that breaks off has no last chunk."""
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.enable_chunked_encoding()
        async with asyncio.timeout(WRITE_S):
            await response.prepare(request)
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
            await response.write_eof()
        return response

    async def _material(self, run: str, number: str) -> Material | None:
        """The material of a run that an agent has; None for anything else."""
        if not number.isdigit():
            return None
        record, job, ended = await self.script.read(
            "HMGET", self.script.keys("agent", "run", run), "record", "job", "result"
        )
        if not record or not job or ended:
            return None
        try:
            materials = from_json(record).materials
        except BadTask:
            return None
        return materials[int(number)] if int(number) < len(materials) else None
