"""What is known of a request that failed: not sent, refused, or of unknown fate; and a file comes in pieces up to a limit."""

import asyncio
import contextlib
import logging
import socket
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from telegram import Bot
from telegram.error import ChatMigrated, NetworkError, TelegramError

from openclaw_core import errors
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.chat.telegram.request import (
    CONNECTIONS,
    MaybeSent,
    NotSent,
    OversizedReply,
    Refused,
    TelegramRequest,
    reply_error,
)
from tests.core.bot_api_answers import TOKEN, WORDS, Answer, accepted, hang_up, refused, said, silence
from tests.fakes.bot_api_emulator import serving

CHUNK = b"x" * 1000


async def fault_of(address: str, *, timeout_s: float = 8.0) -> TelegramError:
    async with TelegramRequest(timeout_s=timeout_s) as request:
        bot = Bot(TOKEN, f"{address}/bot", f"{address}/file/bot", request=request, get_updates_request=request)
        with pytest.raises(TelegramError) as raised:
            await bot.send_message(1, WORDS)
    return raised.value


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with serving(app) as address:
        yield address


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (hang_up, MaybeSent),
        (silence, MaybeSent),
        (said("<html>Bad Gateway</html>", 502), MaybeSent),
        (refused(500, "Internal Server Error"), MaybeSent),
        (said("not json"), MaybeSent),
        (said("[]"), MaybeSent),
        (said(""), MaybeSent),
        (said("x" * 5_000_000), OversizedReply),
        (refused(421, "Misdirected Request"), NotSent),
        (refused(400, "Bad Request: message text is empty"), Refused),
        (refused(429, "Too Many Requests"), Refused),
        (said("<html>Forbidden</html>", 403), Refused),
        (said("", 302), Refused),
        (refused(400, "upgraded", migrate_to_chat_id=-1005), ChatMigrated),
    ],
)
async def test_each_fault_has_its_fate(answer: Answer, expected: type[TelegramError]) -> None:
    async with answering(answer) as address:
        fault = await fault_of(address, timeout_s=1.0 if answer is silence else 8.0)

    assert type(fault) is expected


async def test_a_refused_connection_sends_nothing() -> None:
    with socket.socket() as reserved:  # bound but not listening: connecting is refused
        reserved.bind(("127.0.0.1", 0))
        fault = await fault_of(f"http://127.0.0.1:{reserved.getsockname()[1]}")

    assert type(fault) is NotSent


async def test_a_server_that_does_not_take_the_connection_was_sent_nothing() -> None:
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # nobody accepts: after these few the system answers no connection any more
        for _ in range(4):
            first = waiting.enter_context(socket.socket())
            first.setblocking(False)
            first.connect_ex(full.getsockname())
        fault = await fault_of(f"http://127.0.0.1:{full.getsockname()[1]}", timeout_s=1.0)

    assert (type(fault), str(fault)) == (NotSent, "ConnectTimeout")


async def test_a_url_that_is_none_sends_nothing() -> None:
    async with TelegramRequest(timeout_s=1.0) as request:
        with pytest.raises(NotSent, match=r"^InvalidURL$"):
            await request.do_request(f"http://server/bot{TOKEN}\x00/getMe", "POST")


async def test_a_call_that_waits_for_one_of_all_connections_in_vain_sends_nothing() -> None:
    asked = 0

    async def hold(_: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        await asyncio.sleep(60)
        return web.Response()

    async with answering(hold) as address, TelegramRequest(timeout_s=60) as request:
        url = f"{address}/bot{TOKEN}/getMe"
        holding = [asyncio.create_task(request.do_request(url, "POST")) for _ in range(CONNECTIONS)]
        while asked < CONNECTIONS:
            await asyncio.sleep(0.01)
        with pytest.raises(NotSent, match=r"^PoolTimeout$"):
            await request.do_request(url, "POST")
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)
    assert asked == CONNECTIONS


def test_what_may_have_left_and_what_has_not_are_errors_of_the_network_to_the_library() -> None:
    assert issubclass(NotSent, NetworkError)
    assert issubclass(MaybeSent, NetworkError)
    assert not issubclass(NotSent, MaybeSent)
    assert not issubclass(Refused, NetworkError)


def test_a_refusal_keeps_what_the_library_would_forget_and_shows_none_of_it() -> None:
    body = b'{"description":"Bad Request: entity URL \'http://A\' is invalid","parameters":{"retry_after":7}}'

    fault = reply_error(413, body)

    assert isinstance(fault, Refused)
    assert (fault.status, fault.retry_after) == (413, 7)
    assert fault.description == "Bad Request: entity URL 'http://A' is invalid"
    assert (str(fault), repr(fault)) == ("HTTP 413", "Refused('HTTP 413')")


@pytest.mark.parametrize("body", [b'{"parameters":"x","description":5}', b"5", b"\xff", b'{"parameters":[1]}'])
def test_a_refusal_of_another_shape_is_a_refusal(body: bytes) -> None:
    assert type(reply_error(400, body)) is Refused


@pytest.mark.parametrize(
    "answer",
    [hang_up, said(f"{WORDS} {TOKEN}"), said(f"{WORDS} {TOKEN}", 502), refused(400, f"{WORDS} {TOKEN}")],
)
async def test_no_fault_shows_the_token_the_address_or_the_users_words(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with answering(answer) as address:
        fault = await fault_of(address)

    told = [str(fault), repr(fault), repr(fault.__cause__), repr(fault.__context__), *traceback.format_exception(fault)]
    told += [record.getMessage() for record in caplog.records if record.name.startswith("telegram")]
    shown = "".join(told)
    assert TOKEN not in shown
    assert address not in shown
    assert WORDS not in shown.replace("WORDS", "")


# ---- files


class FileServer:
    """Describes a file of *size* bytes, None if it says nothing of that, and gives *pieces* of 1000 bytes, or what *answer* says."""

    def __init__(
        self, *, pieces: int = 0, size: int | None = None, path: str = "docs/a b", answer: Answer | None = None
    ) -> None:
        self.pieces, self.size, self.path, self.answer = pieces, size, path, answer
        self.asked: list[str] = []

    @asynccontextmanager
    async def open(self, *, timeout_s: float = 8.0) -> AsyncIterator[TelegramMessenger]:
        async with answering(self.handle) as address, TelegramMessenger.open(TOKEN, address, timeout_s) as messenger:
            yield messenger

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path.endswith("/getFile"):
            described = {"file_id": "f", "file_unique_id": "u", "file_path": self.path, "file_size": self.size}
            return await accepted(described)(request)
        if self.answer:
            return await self.answer(request)
        reply = web.StreamResponse()
        await reply.prepare(request)
        for _ in range(self.pieces):
            await reply.write(CHUNK)
        return reply


async def test_a_file_comes_in_pieces() -> None:
    server = FileServer(pieces=300)
    async with server.open() as messenger:
        pieces = [piece async for piece in messenger.stream_file("f", 300_000)]
        assert await messenger.get_file_bytes("f", 300_000) == b"".join(pieces) == 300 * CHUNK

    assert len(pieces) > 1
    assert server.asked[:2] == [f"/bot{TOKEN}/getFile", f"/file/bot{TOKEN}/docs/a b"]


async def test_a_file_that_is_larger_than_it_said_ends_at_the_limit() -> None:
    pieces: list[bytes] = []

    async def read(messenger: TelegramMessenger) -> None:
        async for piece in messenger.stream_file("f", 70_000):
            pieces.append(piece)

    async with FileServer(pieces=100_000, size=5).open() as messenger:
        with pytest.raises(errors.MessengerRefused, match="larger than 70000 bytes"):
            await read(messenger)

    assert 0 < len(b"".join(pieces)) <= 70_000


async def test_a_file_that_says_that_it_is_too_large_is_not_asked_for() -> None:
    server = FileServer(pieces=1, size=1001)
    async with server.open() as messenger:
        with pytest.raises(errors.MessengerRefused, match="larger than 1000 bytes"):
            await anext(messenger.stream_file("f", 1000))

    assert server.asked == [f"/bot{TOKEN}/getFile"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refused(404, "Not Found"), errors.MessengerRefused),
        (refused(400, "Bad Request: wrong file_id"), errors.MessengerRefused),
        (refused(400, "message is not modified"), errors.MessengerUnavailable),
        (refused(401, "Unauthorized"), errors.MessengerUnauthorized),
        (refused(429, "Too Many Requests", retry_after=7), errors.FloodWait),
        (said("<html>Bad Gateway</html>", 502), errors.MessengerUnavailable),
        (hang_up, errors.MessengerUnavailable),
    ],
)
async def test_a_file_that_does_not_come_has_a_cause(answer: Answer, expected: type[errors.OpenClawError]) -> None:
    async with FileServer(answer=answer).open() as messenger:
        with pytest.raises(errors.OpenClawError) as raised:
            await messenger.get_file_bytes("f", 10)

    assert type(raised.value) is expected
    assert TOKEN not in "".join(traceback.format_exception(raised.value)) + repr(raised.value.__context__)


async def test_a_file_that_drips_is_given_up_in_time() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        for _ in range(200):
            await reply.write(b"x")
            await asyncio.sleep(0.05)
        return reply

    clock = asyncio.get_running_loop().time
    async with FileServer(answer=drip).open(timeout_s=2.0) as messenger:
        began = clock()
        with pytest.raises(errors.MessengerUnavailable, match="no answer in time"):
            await messenger.get_file_bytes("f", 1000)
    assert clock() - began < 9


async def test_a_reader_may_take_its_time_between_two_pieces() -> None:
    async with FileServer(pieces=300).open(timeout_s=2.0) as messenger:
        got = 0
        async for piece in messenger.stream_file("f", 300_000):
            await asyncio.sleep(2.1 if not got else 0)
            got += len(piece)

    assert got == 300_000


async def test_a_file_that_is_left_early_frees_its_connection() -> None:
    async with FileServer(pieces=300).open() as messenger:
        for _ in range(CONNECTIONS + 1):
            async with aclosing(messenger.stream_file("f", 300_000)) as pieces:
                assert await anext(pieces)


async def test_a_path_that_our_own_disk_has_is_asked_of_the_server(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"ours")
    server = FileServer(pieces=1, path=str(secret))
    async with server.open() as messenger:
        assert await messenger.get_file_bytes("f", 1000) == CHUNK

    assert server.asked[1] == f"/file/bot{TOKEN}/{secret}"


async def test_cancelling_a_reader_passes_through() -> None:
    server = FileServer(answer=silence)
    async with server.open() as messenger:
        reading = asyncio.create_task(messenger.get_file_bytes("f", 10))
        while len(server.asked) < 2:
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
