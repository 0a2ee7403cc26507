"""Who reads a file holds a place and little memory, for a bounded time."""

import asyncio
import tracemalloc

import pytest

from openclaw_brain.agents import files as module
from openclaw_brain.agents.files import AT_ONCE, FILE_MAX_BYTES
from openclaw_core.store import Script
from openclaw_core.tasks.work import Run
from tests.brain.file_port import PIECE, Port, port, served, with_files

__all__ = ["port"]


async def test_twenty_megabytes_pass_through_a_little_memory(port: Port) -> None:
    run = await port.world.claimed(with_files())
    port.source.files["a"] = content = bytes(FILE_MAX_BYTES)
    read = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port.port, limit=PIECE)
    tracemalloc.start()
    writer.write(f"GET /files/{run.name}/0 HTTP/1.1\r\nHost: brain\r\nConnection: close\r\n\r\n".encode())
    while piece := await reader.read(PIECE):
        read += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    writer.close()
    assert read > len(content)
    assert peak < 2_000_000


async def test_a_client_that_reads_slowly_holds_nothing_but_its_place_and_not_for_ever(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_S", 1.0)
    run, other = await port.world.claimed(with_files()), await port.world.claimed(with_files(2, chat=2))
    port.source.files["a"] = bytes(FILE_MAX_BYTES)
    reader, writer = await _asks(port, run)
    assert (await port.get(other.name, 1)).status_code == 200, "nobody else waits for it"
    async with asyncio.timeout(20):
        while port.source.open:
            await asyncio.sleep(0.02)
        got = await reader.read()  # what had been sent, then the end of the connection
    assert len(got) < FILE_MAX_BYTES
    assert not got.endswith(b"0\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("when", ["before the first piece", "in the middle"])
async def test_a_client_that_leaves_gives_up_its_place(port: Port, when: str) -> None:
    run = await port.world.claimed(with_files())
    port.source.files["a"] = bytes(FILE_MAX_BYTES)
    if when == "before the first piece":
        port.source.gate.clear()
    reader, writer = await _asks(port, run)
    if when == "in the middle":
        await reader.read(1000)
    writer.transport.abort()
    async with asyncio.timeout(20):
        while port.source.open:
            await asyncio.sleep(0.02)
    port.source.gate.set()
    assert (await port.get(run.name, 1)).status_code == 200


async def _asks(port: Port, run: Run) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has asked, and whose file is under way."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port.port, limit=1024)
    writer.write(f"GET /files/{run.name}/0 HTTP/1.1\r\nHost: brain\r\n\r\n".encode())
    async with asyncio.timeout(20):
        while not port.source.open:
            await asyncio.sleep(0.02)
    return reader, writer


async def test_one_run_gets_one_file_at_a_time_so_that_it_cannot_take_all_places(port: Port) -> None:
    greedy, other = await port.world.claimed(with_files()), await port.world.claimed(with_files(2, chat=2))
    port.source.gate.clear()
    asking = [asyncio.create_task(port.get(greedy.name)) for _ in range(AT_ONCE + 1)]
    async with asyncio.timeout(20):
        while sum(one.done() for one in asking) < AT_ONCE:
            await asyncio.sleep(0.02)
    assert {one.result().status_code for one in asking if one.done()} == {503}
    honest = asyncio.create_task(port.get(other.name))
    async with asyncio.timeout(20):
        while port.source.open < 2:
            await asyncio.sleep(0.02)
    port.source.gate.set()
    assert (await honest).status_code == 200
    assert sorted(one.status_code for one in await asyncio.gather(*asking)) == [200] + [503] * AT_ONCE


async def test_who_stops_to_lead_does_not_wait_for_a_reader(script: Script) -> None:
    async with served(script) as port:
        await port.world.lead()
        run = await port.world.claimed(with_files())
        port.source.files["a"] = bytes(FILE_MAX_BYTES)
        _, writer = await _asks(port, run)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 10
    assert port.source.open == 0
    writer.close()


@pytest.mark.parametrize("sent", ["", "GET /files/", "GET /files/{run}/0 HTTP/1.1\r\nHost: brain\r\n"])
async def test_half_a_request_does_not_keep_its_connection(
    script: Script, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.2)
    async with served(script) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
        writer.write(sent.format(run="u1.0").encode())
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
