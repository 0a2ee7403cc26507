"""Fetching from servers and resolvers that lie. The servers are real ones of this machine."""

import asyncio
import gzip
import ssl
import time
import tracemalloc
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw_agent.tools.fetching.connecting import PublicOnly, system_addresses
from openclaw_agent.tools.fetching.contents import Kind
from openclaw_agent.tools.fetching.faults import NotFetched, Why
from openclaw_agent.tools.fetching.fetcher import Fetched, Fetcher
from tests.agent.tools.web import PRIVATE, PUBLIC, Web, certificate, leads_to, opened, reply


async def fetched(web: Web, where: str, **limits: float) -> Fetched:
    return await web.fetcher(**limits).fetch(f"http://{where.replace('/', f':{web.port}/', 1)}")


async def refused(web: Web, where: str, **limits: float) -> Why:
    with pytest.raises(NotFetched) as exc:
        await fetched(web, where, **limits)
    return exc.value.why


async def test_a_page_is_fetched(web: Web) -> None:
    web["example.org/page?q=1"] = reply("<p>hello", kind="text/html; charset=windows-1255")

    got = await fetched(web, "example.org/page?q=1")

    assert (got.kind, got.charset, got.body) == (Kind.HTML, "windows-1255", b"<p>hello")
    assert got.address.domain == "example.org"


async def test_the_request_tells_nothing_but_what_is_wanted_and_by_whom(web: Web) -> None:
    web["example.org/a"] = leads_to("/b").replace(b"\r\n\r\n", b"\r\nset-cookie: id=1; path=/\r\n\r\n", 1)
    web["example.org/b"] = reply("x")

    await fetched(web, "example.org/a")

    for _, head in web.heads:
        names = {line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line}
        assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert "User-Agent: OpenClaw/" in head


# ---- where it may lead


async def test_a_host_is_resolved_once_and_that_address_is_connected_to(web: Web) -> None:
    web.names["rebinds.org"] = [[PUBLIC], [PRIVATE], ["169.254.169.254"]]
    web["rebinds.org/"] = reply("public")

    got = await fetched(web, "rebinds.org/")

    assert got.body == b"public"
    assert web.resolved == ["rebinds.org"]
    assert [at for at, _ in web.heads] == [PUBLIC]


async def test_a_host_that_rebinds_between_redirects_is_looked_at_again(web: Web) -> None:
    web.names["rebinds.org"] = [[PUBLIC], [PRIVATE]]
    web["rebinds.org/"] = leads_to("/inside")

    assert await refused(web, "rebinds.org/") is Why.NOT_PUBLIC
    assert [at for at, _ in web.heads] == [PUBLIC]


@pytest.mark.parametrize(
    "addresses",
    [[PRIVATE], ["10.0.0.1"], ["169.254.169.254"], ["100.64.0.9"], ["0.0.0.0"], ["::1"], ["::ffff:127.0.0.2"], ["64:ff9b::7f00:2"],
     ["2002:7f00:2::"], ["fd00:ec2::254"], ["fe80::1%lo"], ["224.0.0.1"], [PUBLIC, PRIVATE], [PRIVATE, PUBLIC], ["not an address"]],
)  # fmt: skip
async def test_a_name_that_leads_into_our_network_is_refused(web: Web, addresses: Sequence[str]) -> None:
    web.names["inside.org"] = [addresses]

    assert await refused(web, "inside.org/") is Why.NOT_PUBLIC
    assert web.heads == []


@pytest.mark.parametrize("addresses", [[], ["2606:4700::1"]])
async def test_a_name_without_a_server_is_none(web: Web, addresses: Sequence[str]) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        if not addresses:
            raise OSError("no such name")
        return []

    fetcher = replace(web.fetcher(), network=PublicOnly(resolve=lookup))
    with pytest.raises(NotFetched) as exc:
        await fetcher.fetch("http://nowhere.org/")
    assert exc.value.why is Why.NO_SUCH_HOST


@pytest.mark.parametrize(
    ("host", "why"),
    [("127.0.0.2", Why.NOT_PUBLIC), ("169.254.169.254", Why.NOT_PUBLIC), ("[::1]", Why.NOT_PUBLIC), ("[::ffff:127.0.0.2]", Why.NOT_PUBLIC),
     ("[::ffff:7f00:2]", Why.NOT_PUBLIC), ("[64:ff9b::a9fe:a9fe]", Why.NOT_PUBLIC), ("[2002:7f00:2::]", Why.NOT_PUBLIC), ("127.0.0.2.", Why.NOT_PUBLIC),
     ("１２７.０.０.２", Why.NOT_PUBLIC), ("2130706434", Why.HOST_FORM), ("0x7f.0.0.2", Why.HOST_FORM), ("0177.0.0.2", Why.HOST_FORM),
     ("localhost", Why.NOT_PUBLIC), ("redis", Why.NOT_PUBLIC)],
)  # fmt: skip
async def test_a_host_that_is_inside_is_refused_in_each_of_its_forms_also_behind_a_redirect(
    web: Web, host: str, why: Why
) -> None:
    assert await refused(web, f"{host}/") is why

    web["outside.org/"] = leads_to(f"http://{host}:{web.port}/")
    assert await refused(web, "outside.org/") is why
    assert [at for at, _ in web.heads] == [PUBLIC]


@pytest.mark.parametrize(
    ("location", "why"),
    [("ftp://example.org/", Why.SCHEME), ("file:///etc/passwd", Why.SCHEME), ("http://example.org:6379/", Why.PORT),
     ("http://user:word@example.org/", Why.LOGIN), ("http://exa mple.org/", Why.NOT_AN_ADDRESS), (r"http://example.org\@127.0.0.2/", Why.NOT_AN_ADDRESS),
     ("", Why.BROKEN), ("x" * 3000, Why.NOT_AN_ADDRESS)],
)  # fmt: skip
async def test_a_redirect_may_lead_only_where_a_person_might_have_sent_us(web: Web, location: str, why: Why) -> None:
    web["outside.org/"] = leads_to(location)

    assert await refused(web, "outside.org/") is why


async def test_three_redirects_are_followed_and_no_fourth(web: Web) -> None:
    for step in range(4):
        web[f"example.org/{step}"] = leads_to(f"/{step + 1}", status=("301 M", "303 S", "307 T", "308 P")[step])
    web["example.org/4"] = reply("end")

    assert (await fetched(web, "example.org/1")).address.target == "/4"
    assert await refused(web, "example.org/0") is Why.REDIRECTS


async def test_the_next_address_of_a_host_is_tried_where_one_does_not_answer(web: Web) -> None:
    free = web.port
    web.names["two.org"] = [["127.0.0.9", PUBLIC]]  # nobody listens at the first one
    web["two.org/"] = reply("here")
    network = PublicOnly(resolve=web.resolve, allow=lambda address: address in ("127.0.0.9", PUBLIC))

    got = await replace(web.fetcher(), network=network).fetch(f"http://two.org:{free}/")

    assert got.body == b"here"


async def test_production_opens_no_other_port_and_no_address_of_this_machine() -> None:
    async with opened() as web:
        with pytest.raises(NotFetched) as port:
            await Fetcher().fetch(f"http://{PUBLIC}:{web.port}/")
        with pytest.raises(NotFetched) as place:
            await Fetcher().fetch(f"http://{PUBLIC}/")

        assert (port.value.why, place.value.why) == (Why.PORT, Why.NOT_PUBLIC)
        assert web.heads == []


async def test_the_systems_resolver_knows_no_such_name_and_ends() -> None:
    with pytest.raises(OSError):
        await system_addresses("name..invalid", 80)


# ---- how much, how long


async def test_a_body_over_the_limit_is_not_begun_where_the_server_says_so(web: Web) -> None:
    web["example.org/"] = reply("x", content_length="5000001")

    assert await refused(web, "example.org/") is Why.SIZE


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

    assert await refused(web, "example.org/") is Why.SIZE
    assert sent >= 5_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_is_stopped_while_it_grows(web: Web, encoding: str) -> None:
    bomb = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    packed = b"".join(bomb.compress(bytes(10_000_000)) for _ in range(30)) + bomb.flush()  # 300 MB in 0.3 MB
    assert len(packed) < 400_000
    web["example.org/"] = reply(packed, kind="text/plain", content_encoding=encoding)

    tracemalloc.start()
    try:
        assert await refused(web, "example.org/") is Why.SIZE
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

    assert await refused(web, "example.org/") is Why.SIZE


async def test_a_body_of_very_many_empty_members_is_stopped(web: Web) -> None:
    web["example.org/"] = reply(gzip.compress(b"") * 5000, content_encoding="gzip")

    assert await refused(web, "example.org/") is Why.SIZE


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

    assert await refused(web, "example.org/") is Why.ENCODING


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"hello " * 1000, mtime=0)[:-9], b"no gzip at all", gzip.compress(b"hello", mtime=0)[:12]],
)
async def test_a_damaged_body_is_told(web: Web, packed: bytes) -> None:
    web["example.org/"] = reply(packed, content_encoding="gzip")

    assert await refused(web, "example.org/") is Why.BROKEN


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

    assert await refused(web, "example.org/", total_s=0.4) is Why.TIME
    assert time.monotonic() - began < 3


async def test_the_time_is_for_all_redirects_together(web: Web) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.25)
        writer.write(leads_to("/"))

    web["example.org/"] = slow

    assert await refused(web, "example.org/", total_s=0.6) is Why.TIME


async def test_a_slow_resolver_ends_in_time(web: Web) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    fetcher = replace(web.fetcher(total_s=0.2), network=PublicOnly(resolve=lookup))
    with pytest.raises(NotFetched) as exc:
        await fetcher.fetch("http://slow.org/")
    assert exc.value.why is Why.TIME


async def test_a_head_without_end_is_stopped(web: Web) -> None:
    async def heads(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"y" * 5000 + b"\r\n")
            await writer.drain()

    web["example.org/"] = heads

    assert await refused(web, "example.org/") is Why.BROKEN


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
    await asyncio.wait_for(gone.wait(), 5)


# ---- what is taken


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("text/plain", b"x", Kind.TEXT),
        ("Text/HTML;charset=x", b"x", Kind.HTML),
        ("application/json", b"{}", Kind.JSON),
        ("text/markdown", b"# x", Kind.MARKDOWN),
        ("application/rss+xml", b"<x/>", Kind.XML),
        ("text/plain; charset=utf-16", "x".encode("utf-16"), Kind.TEXT),
        ("application/pdf", b"%PDF-1.7 \x00", Kind.PDF),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04\x00", Kind.WORD),
        ("application/vnd.ms-excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", Kind.EXCEL),
    ],
)
async def test_pages_and_documents_are_taken(web: Web, kind: str, body: bytes, expected: Kind) -> None:
    web["example.org/"] = reply(body, kind=kind)

    got = await fetched(web, "example.org/")

    assert (got.kind, got.body) == (expected, body)


@pytest.mark.parametrize(
    "kind",
    [
        "image/png",
        "video/mp4",
        "application/octet-stream",
        "application/zip",
        "text/css",
        "application/javascript",
        "",
        "text",
    ],
)
async def test_other_kinds_are_refused(web: Web, kind: str) -> None:
    web["example.org/"] = reply("x", kind=kind)

    assert await refused(web, "example.org/") is Why.KIND


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"\x89PNG\r\n\x1a\n\x00\x00"),
        ("application/pdf", b"<html>please log in"),
        ("application/vnd.ms-excel", b"<html>please log in"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"%PDF-1.7"),
    ],
)
async def test_what_is_not_what_it_says_is_refused(web: Web, kind: str, body: bytes) -> None:
    web["example.org/"] = reply(body, kind=kind)

    assert await refused(web, "example.org/") is Why.NOT_THAT_KIND


@pytest.mark.parametrize("body", ["", " \n\t "])
async def test_an_empty_page_is_told(web: Web, body: str) -> None:
    web["example.org/"] = reply(body)

    assert await refused(web, "example.org/") is Why.EMPTY


@pytest.mark.parametrize(
    "answer",
    [reply("short", content_length="50"), b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"", b"\x16\x03\x01",
     b"SSH-2.0-x\r\n", reply("x").replace(b"content-length: 1", b"content-length: 1\r\ncontent-length: 2")],
)  # fmt: skip
async def test_what_breaks_off_or_is_no_http_is_told(web: Web, answer: bytes) -> None:
    web["example.org/"] = answer

    assert await refused(web, "example.org/") is Why.BROKEN


@pytest.mark.parametrize(
    ("status", "why"),
    [("404 Not Found", Why.GONE), ("410 Gone", Why.GONE), ("401 Login", Why.FORBIDDEN), ("403 Forbidden", Why.FORBIDDEN), ("429 Slow down", Why.BUSY),
     ("500 Fault", Why.SERVER), ("503 Away", Why.BUSY), ("204 Nothing", Why.GONE), ("304 Same", Why.GONE), ("206 Part", Why.GONE)],
)  # fmt: skip
async def test_other_statuses_are_told(web: Web, status: str, why: Why) -> None:
    web["example.org/"] = reply("" if status[:3] in ("204", "304") else "words of the server", status=status)

    assert await refused(web, "example.org/") is why


def test_each_cause_has_a_sentence() -> None:
    assert all(why.sentence.endswith(".") for why in Why)


# ---- TLS


@pytest.mark.parametrize(("name", "why"), [("true.org", None), ("false.org", Why.CERTIFICATE)])
async def test_a_certificate_is_for_the_name_and_not_for_the_address(
    tmp_path: Path, name: str, why: Why | None
) -> None:
    pem = certificate(tmp_path, "true.org")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    asked: list[str | None] = []
    serving.sni_callback = lambda _socket, asked_name, _context: asked.append(asked_name)
    async with opened(tls=serving) as web:
        web[f"{name}/"] = reply("hello")
        fetcher = replace(web.fetcher(), trust=lambda: ssl.create_default_context(cafile=pem))
        if why is None:
            assert (await fetcher.fetch(f"https://{name}:{web.port}/")).body == b"hello"
        else:
            with pytest.raises(NotFetched) as exc:
                await fetcher.fetch(f"https://{name}:{web.port}/")
            assert exc.value.why is why
            assert web.heads == []
        assert asked == [name]


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate(tmp_path, "true.org"))
    async with opened(tls=serving) as web:
        with pytest.raises(NotFetched) as exc:
            await web.fetcher().fetch(f"https://true.org:{web.port}/")
        assert exc.value.why is Why.CERTIFICATE
