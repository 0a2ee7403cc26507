"""How much a fetch may take, and how long. The servers are real ones of this machine, and send without end."""

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from openclaw_agent.tools.fetching.connecting import PublicOnly
from openclaw_agent.tools.fetching.faults import FetchCause, NotFetched
from openclaw_agent.tools.fetching.fetcher import TOTAL_S
from tests.agent.tools.fetching.asking import fetched, refused
from tests.agent.tools.web import Web, leads_to, reply


async def test_a_body_over_the_limit_is_not_begun_where_the_server_says_so(web: Web) -> None:
    web["example.org/"] = reply("x", content_length="5000001")

    assert await refused(web, "example.org/") is FetchCause.SIZE


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
async def test_an_endless_body_ends_at_the_limit(web: Web, encoding: str) -> None:
    squeeze = {"gzip": zlib.compressobj(wbits=31), "deflate": zlib.compressobj()}.get(encoding)
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: {encoding}\r\n\r\n".encode())
        while True:
            raw = b"0" * 100_000
            packed = squeeze.compress(raw) + squeeze.flush(zlib.Z_SYNC_FLUSH) if squeeze else raw
            writer.write(packed)
            sent += len(raw)
            await writer.drain()
            await asyncio.sleep(0)  # drain does not wait while little is packed

    web["example.org/"] = endless

    assert await refused(web, "example.org/") is FetchCause.SIZE
    assert sent >= 5_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_is_stopped_while_it_grows(web: Web, encoding: str) -> None:
    bomb = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    packed = b"".join(bomb.compress(bytes(10_000_000)) for _ in range(30)) + bomb.flush()  # 300 MB in 0.3 MB
    assert len(packed) < 400_000
    web["example.org/"] = reply(packed, kind="text/plain", content_encoding=encoding)

    tracemalloc.start()
    try:
        assert await refused(web, "example.org/") is FetchCause.SIZE
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


async def test_what_follows_the_end_of_a_packed_body_counts_too(web: Web) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(b"hello")
        )
        while True:
            writer.write(bytes(100_000))
            await writer.drain()

    web["example.org/"] = endless

    assert await refused(web, "example.org/") is FetchCause.SIZE


async def test_a_body_of_very_many_empty_members_is_stopped(web: Web) -> None:
    web["example.org/"] = reply(gzip.compress(b"") * 5000, content_encoding="gzip")

    assert await refused(web, "example.org/") is FetchCause.SIZE


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (gzip.compress(b"hello", mtime=0), "gzip"),
        (gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0) + b"\0\0", "x-gzip"),
        (zlib.compress(b"hello"), "deflate"),
        (zlib.compress(b"hello")[2:-4], "deflate"),
        (b"hello", "identity"),
    ],
)
async def test_what_was_asked_for_is_unpacked(web: Web, packed: bytes, encoding: str) -> None:
    web["example.org/"] = reply(packed, content_encoding=encoding)

    assert (await fetched(web, "example.org/")).body == b"hello"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "rot13"])
async def test_other_packings_are_refused(web: Web, encoding: str) -> None:
    web["example.org/"] = reply("x", content_encoding=encoding)

    assert await refused(web, "example.org/") is FetchCause.ENCODING


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"hello " * 1000, mtime=0)[:-9], b"no gzip at all", gzip.compress(b"hello", mtime=0)[:12]],
)
async def test_a_damaged_body_is_told(web: Web, packed: bytes) -> None:
    web["example.org/"] = reply(packed, content_encoding="gzip")

    assert await refused(web, "example.org/") is FetchCause.BROKEN


@pytest.mark.parametrize("part", ["nothing", "head", "body"])
async def test_a_slow_drip_ends_in_time(web: Web, part: str) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        begin = {
            "nothing": b"",
            "head": b"HTTP/1.1 200 OK\r\nx: ",
            "body": b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n",
        }[part]
        writer.write(begin)
        while True:
            writer.write(b"x" if part != "nothing" else b"")
            await writer.drain()
            await asyncio.sleep(0.02)

    web["example.org/"] = drip
    began = time.monotonic()

    assert await refused(web, "example.org/", total_s=0.4) is FetchCause.TIME
    assert time.monotonic() - began < TOTAL_S / 2, "by its own limit, not by the one of production"


async def test_the_time_is_for_all_redirects_together(web: Web) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.25)
        writer.write(leads_to("/"))

    web["example.org/"] = slow

    assert await refused(web, "example.org/", total_s=0.6) is FetchCause.TIME


async def test_a_slow_resolver_ends_in_time(web: Web) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    fetcher = replace(web.fetcher(total_s=0.2), network=PublicOnly(resolve=lookup))
    with pytest.raises(NotFetched) as exc:
        await fetcher.fetch("http://slow.org/")
    assert exc.value.why is FetchCause.TIME


async def test_a_head_without_end_is_stopped(web: Web) -> None:
    async def heads(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"y" * 5000 + b"\r\n")
            await writer.drain()

    web["example.org/"] = heads

    assert await refused(web, "example.org/") is FetchCause.BROKEN


async def test_a_stopped_call_closes_its_connection(web: Web) -> None:
    gone = asyncio.Event()

    async def watch(writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    web["example.org/"] = watch
    task = asyncio.create_task(fetched(web, "example.org/"))
    while not web.heads:
        await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(gone.wait(), 30)
