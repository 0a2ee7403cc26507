"""Files that people sent, for the agents: the bot's token stays here, so an agent asks the leading brain for the files of its own run.

`GET /files/<run>/<n>` gives the n-th material of the run's task, streamed and never kept. The run's name is the secret: nobody else gets anything.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from openclaw_core import logs
from openclaw_core.errors import BadTask, FloodWait, MessengerRefused, OpenClawError, StoreFull, StoreUnavailable
from openclaw_core.store import Script
from openclaw_core.store.pools import task_of
from openclaw_core.tasks.task import Material, from_json

log = logs.get(__name__)
FILE_MAX_BYTES = 20_000_000
"""What the Bot API gives to a bot."""
AT_ONCE = 8
"""Files under way: each holds a connection to Telegram and one to an agent, and 64 kB."""
WRITE_S = 60.0
"""How long an agent may take to read one file."""
IDLE_S = 5.0
"""How long a connection may wait for the whole head of a request."""
LEAVING_S = 1.0
"""How long files that are under way hold up the end; their agents ask the next leader again."""


class FileSource(Protocol):
    """What is asked of the messenger."""

    def stream_file(self, file_id: str, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """The file in pieces. Raises as `Messenger`, MessengerRefused for one that is larger than *max_bytes* or gone."""


@dataclass(kw_only=True)
class FilePort:
    """Serves while this brain leads. *source* is the messenger. A run gets one file at a time, so that no agent takes all places."""

    script: Script
    source: FileSource
    _served: set[str] = field(default_factory=set, repr=False)
    """Runs that are getting a file."""

    @asynccontextmanager
    async def serve(self, port: int, host: str) -> AsyncIterator[int]:
        """Serve until the end of the block; gives the port, a free one for 0."""
        places = asyncio.Semaphore(AT_ONCE)

        async def handle(request: web.Request) -> web.StreamResponse:
            run = request.match_info["run"]
            if run in self._served:
                raise _ask_again("a file of this run is under way\n")
            self._served.add(run)
            try:
                async with places:
                    return await self._file(request, run)
            finally:
                self._served.discard(run)

        app = web.Application()
        app.add_routes([web.get("/files/{run}/{number}", handle)])
        runner = web.AppRunner(  # an access log would hold the runs' names; whoever leaves gives up the place
            app, access_log=None, handler_cancellation=True, keepalive_timeout=IDLE_S, lingering_time=IDLE_S, shutdown_timeout=LEAVING_S
        )  # fmt: skip
        await runner.setup()
        try:
            await web.TCPSite(runner, host=host, port=port).start()
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def _file(self, request: web.Request, run: str) -> web.StreamResponse:
        try:
            material = await self._material(run, request.match_info["number"])
        except (StoreUnavailable, StoreFull):
            raise _ask_again("Redis is away: ask again\n") from None
        if material is None:
            raise web.HTTPNotFound(text="there is no such file for this run\n")
        async with aclosing(self.source.stream_file(material.file_id, FILE_MAX_BYTES)) as pieces:
            try:
                first = await anext(pieces, b"")
            except FloodWait as exc:
                raise _ask_again("Telegram asks for a pause\n", after_s=exc.retry_after_s) from None
            except MessengerRefused:
                raise web.HTTPNotFound(text="the file is too large, or gone\n") from None
            except OpenClawError as exc:
                log.warning("file.not_fetched", error=type(exc).__name__)
                raise _ask_again("Telegram is away: ask again\n") from None
            return await self._send(request, first, pieces)

    async def _send(self, request: web.Request, first: bytes, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
        """A reply whose end is seen: one that breaks off has no last chunk."""
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.enable_chunked_encoding()
        try:
            async with asyncio.timeout(WRITE_S):
                await response.prepare(request)
                await response.write(first)
                async for piece in pieces:
                    await response.write(piece)
                await response.write_eof()
        except (OpenClawError, TimeoutError, ConnectionError) as exc:
            log.warning("file.broke_off", error=type(exc).__name__)
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _material(self, run: str, number: str) -> Material | None:
        """The material of a run that an agent has; None for anything else. The record is the leader's: an agent can write into its run's."""
        if not (number.isascii() and number.isdigit() and len(number) <= 3):
            return None
        key = self.script.keys
        of_task, of_run = await self.script.reads(
            [
                ("HMGET", key("task", task_of(run)), "record", "run_id"),
                ("HMGET", key("agent", "run", run), "job", "result"),
            ]
        )
        record, current = of_task or (None, None)
        job, ended = of_run or (None, None)
        if not record or current != run or not job or ended:
            return None
        try:
            materials = from_json(record).materials
        except BadTask:
            return None
        return materials[int(number)] if int(number) < len(materials) else None


def _ask_again(why: str, *, after_s: float = 1.0) -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(headers={"Retry-After": str(max(1, math.ceil(after_s)))}, text=why)
