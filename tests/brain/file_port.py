"""The brain's file port over a real store, and a messenger's files behind it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest

from openclaw_brain.agents.files import FileServer
from openclaw_core.errors import MessengerRefused
from openclaw_core.store import Script
from openclaw_core.tasks.task import Attachment, Task
from tests.core.store_world import World, task

PIECE = 64 * 1024


@dataclass
class Source:
    """A messenger's files. *faults* are raised before the first piece of the next files; *breaks* after it."""

    files: dict[str, bytes] = field(default_factory=lambda: {"a": b"first file", "b": b"second file"})
    faults: list[Exception] = field(default_factory=list)
    breaks: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    open: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """The first piece comes once it is set."""

    def __post_init__(self) -> None:
        self.gate.set()

    async def stream_file(self, file_id: str, max_bytes: int) -> AsyncGenerator[bytes, None]:
        self.asked.append(file_id)
        self.open += 1
        try:
            await self.gate.wait()
            if self.faults:
                raise self.faults.pop(0)
            content = self.files[file_id]
            if len(content) > max_bytes:
                raise MessengerRefused("too large")
            for at in range(0, len(content), PIECE):
                yield content[at : at + PIECE]
                if self.breaks:
                    raise self.breaks.pop(0)
        finally:
            self.open -= 1


def with_files(n: int = 1, *, chat: int = 1, names: str = "ab") -> Task:
    return replace(
        task(n, chat=chat), attachments=tuple(Attachment(kind="file", file_id=name, name=name) for name in names)
    )


@dataclass
class Port:
    world: World
    source: Source
    http: httpx.AsyncClient
    port: int

    async def get(self, run: str, n: object = 0) -> httpx.Response:
        return await self.http.get(f"/files/{run}/{n}")


@asynccontextmanager
async def served(script: Script) -> AsyncIterator[Port]:
    source = Source()
    async with (
        FileServer(script=script, source=source).serve(0, "127.0.0.1") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http,
    ):
        yield Port(World(script), source, http, port)


@pytest.fixture
async def port(script: Script) -> AsyncIterator[Port]:
    async with served(script) as opened:
        await opened.world.lead()
        yield opened
