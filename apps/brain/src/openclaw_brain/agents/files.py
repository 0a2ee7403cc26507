"""File server for agents: the bot's token stays in the brain, so an agent asks the leading brain for the files of its own run.

`GET /files/<run>/<n>` streams the n-th attachment of the run's task and keeps nothing. The run's name is the secret that gives access.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from aiohttp import web

from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.errors import BadTask, FloodWait, MessengerRefused, OpenClawError, StoreError
from openclaw_core.store import Script
from openclaw_core.store.pools import task_of
from openclaw_core.tasks.task import Attachment, from_json

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
"""How long a shutdown waits for files under way. Their agents ask the next leader again."""


class FileSource(Protocol):
    """The part of the messenger that is needed here."""

    def stream_file(self, file_id: str, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """The file in pieces. Raises as `Messenger` does, and MessengerRefused for a file larger than *max_bytes* or gone."""


@dataclass(kw_only=True)
class FileServer:
    """Serves while this brain leads. A run gets one file at a time, so that no agent takes all places."""

    script: Script
    source: FileSource
    _served: set[str] = field(default_factory=set, repr=False)
    """Runs that are getting a file."""

    async def run(self, port: int, host: str, publish: Callable[[str], Awaitable[None]]) -> None:
        """Serve until cancelled, and *publish* the address once, by which agents find it.

        Waits out an outage of Redis. Raises LostOwnership.
        """
        host = host or "127.0.0.1"
        async with self.serve(port, host) as given:
            address = f"http://[{host}]:{given}" if ":" in host else f"http://{host}:{given}"
            await Loop().run(partial(publish, address))
            await asyncio.Event().wait()

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
        runner = web.AppRunner(  # an access log would hold the runs' names; a client that disconnects frees its place
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
            attachment = await self._attachment(run, request.match_info["number"])
        except StoreError:
            raise _ask_again("Redis is away: ask again\n") from None
        if attachment is None:
            raise web.HTTPNotFound(text="there is no such file for this run\n")
        with logs.bound(task_id=task_of(run)):
            return await self._stream(request, attachment)

    async def _stream(self, request: web.Request, attachment: Attachment) -> web.StreamResponse:
        async with aclosing(self.source.stream_file(attachment.file_id, FILE_MAX_BYTES)) as pieces:
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
        """Send in chunks: the agent sees that a reply was cut by the missing last one."""
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

    async def _attachment(self, run: str, number: str) -> Attachment | None:
        """The attachment of a run that an agent has claimed, else None. Read from the task's record, which no agent can write."""
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
            attachments = from_json(record).attachments
        except BadTask:
            return None
        return attachments[int(number)] if int(number) < len(attachments) else None


def _ask_again(why: str, *, after_s: float = 1.0) -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(headers={"Retry-After": str(max(1, math.ceil(after_s)))}, text=why)
