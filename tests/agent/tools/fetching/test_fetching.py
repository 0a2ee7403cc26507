"""What is asked for, and what is taken. The servers are real ones of this machine."""

import pytest

from openclaw_agent.tools.fetching.contents import ContentKind
from openclaw_agent.tools.fetching.faults import FetchCause
from tests.agent.tools.fetching.asking import fetched, refused
from tests.agent.tools.web import Web, leads_to, reply


async def test_a_page_is_fetched(web: Web) -> None:
    web["example.org/page?q=1"] = reply("<p>hello", kind="text/html; charset=windows-1255")

    got = await fetched(web, "example.org/page?q=1")

    assert (got.kind, got.charset, got.body) == (ContentKind.HTML, "windows-1255", b"<p>hello")
    assert got.address.domain == "example.org"


async def test_the_request_tells_nothing_but_what_is_wanted_and_by_whom(web: Web) -> None:
    web["example.org/a"] = leads_to("/b").replace(b"\r\n\r\n", b"\r\nset-cookie: id=1; path=/\r\n\r\n", 1)
    web["example.org/b"] = reply("x")

    await fetched(web, "example.org/a")

    for _, head in web.heads:
        names = {line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line}
        assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert "User-Agent: OpenClaw/" in head


# ---- what is taken


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("text/plain", b"x", ContentKind.TEXT),
        ("Text/HTML;charset=x", b"x", ContentKind.HTML),
        ("application/json", b"{}", ContentKind.JSON),
        ("text/markdown", b"# x", ContentKind.MARKDOWN),
        ("application/rss+xml", b"<x/>", ContentKind.XML),
        ("text/plain; charset=utf-16", "x".encode("utf-16"), ContentKind.TEXT),
        ("application/pdf", b"%PDF-1.7 \x00", ContentKind.PDF),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            b"PK\x03\x04\x00",
            ContentKind.WORD,
        ),
        ("application/vnd.ms-excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", ContentKind.EXCEL),
    ],
)
async def test_pages_and_documents_are_taken(web: Web, kind: str, body: bytes, expected: ContentKind) -> None:
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

    assert await refused(web, "example.org/") is FetchCause.KIND


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

    assert await refused(web, "example.org/") is FetchCause.NOT_THAT_KIND


@pytest.mark.parametrize("body", ["", " \n\t "])
async def test_an_empty_page_is_told(web: Web, body: str) -> None:
    web["example.org/"] = reply(body)

    assert await refused(web, "example.org/") is FetchCause.EMPTY


@pytest.mark.parametrize(
    "answer",
    [reply("short", content_length="50"), b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"", b"\x16\x03\x01",
     b"SSH-2.0-x\r\n", reply("x").replace(b"content-length: 1", b"content-length: 1\r\ncontent-length: 2")],
)  # fmt: skip
async def test_what_breaks_off_or_is_no_http_is_told(web: Web, answer: bytes) -> None:
    web["example.org/"] = answer

    assert await refused(web, "example.org/") is FetchCause.BROKEN


@pytest.mark.parametrize(
    ("status", "why"),
    [("404 Not Found", FetchCause.GONE), ("410 Gone", FetchCause.GONE), ("401 Login", FetchCause.FORBIDDEN), ("403 Forbidden", FetchCause.FORBIDDEN), ("429 Slow down", FetchCause.BUSY),
     ("500 Fault", FetchCause.SERVER), ("503 Away", FetchCause.BUSY), ("204 Nothing", FetchCause.GONE),
     ("304 Same", FetchCause.GONE), ("206 Part", FetchCause.GONE)],
)  # fmt: skip
async def test_other_statuses_are_told(web: Web, status: str, why: FetchCause) -> None:
    web["example.org/"] = reply("" if status[:3] in ("204", "304") else "words of the server", status=status)

    assert await refused(web, "example.org/") is why


def test_each_cause_has_a_sentence() -> None:
    assert all(why.sentence.endswith(".") for why in FetchCause)
