"""Servers that mean harm: what they send has a limit, and what cannot be read is an unreadable answer, never the end of a process."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from openclaw_brain.telegram.updates import Poller
from openclaw_core import errors
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.chat.telegram.request import FILE_MAX_BYTES
from openclaw_core.models.answer_text import ANSWER_MAX_CHARS
from openclaw_core.models.chunks import LINE_MAX_BYTES
from openclaw_core.models.client import ModelClient
from openclaw_core.models.connections import REPLY_MAX_BYTES
from openclaw_core.models.providers import GROQ, ModelServer
from openclaw_core.ports import AnswerFile, Message, ModelCall, Page, Piece
from tests.core.groq_server import open_groq
from tests.fakes.bot_api_emulator import serving

TOKEN = "7:SECRET-TOKEN"
DEEP = b"[" * 100_000 + b"]" * 100_000
NESTED = b'{"ok":true,"result":' + DEEP + b"}"
CHUNK = b"x" * 65536
CALLS: dict[str, Callable[[TelegramMessenger], Awaitable[object]]] = {
    "send": lambda m: m.send(1, Page(text="hi")),
    "edit": lambda m: m.edit(1, 2, Page(text="hi")),
    "send_file": lambda m: m.send_file(1, AnswerFile(name="a", content="b")),
    "send_picture": lambda m: m.send_picture(1, b"\x89PNG"),
    "react": lambda m: m.react(1, 2, "👀"),
    "show_typing": lambda m: m.show_typing(1),
    "answer_button": lambda m: m.answer_button("c"),
    "get_me": lambda m: m.get_me(),
    "get_file_bytes": lambda m: m.get_file_bytes("f", 1000),
    "set_commands": lambda m: m.set_commands("en", [("a", "b")]),
}


class Hostile:
    """Answers everything by *body*, again and again without end if *endless*; counts the bytes that went out."""

    def __init__(
        self, body: bytes, *, status: int = 200, endless: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        self.body, self.status, self.endless, self.headers = body, status, endless, headers or {}
        self.sent = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "getFile" in request.path and self.endless:
            return web.json_response({"ok": True, "result": {"file_id": "f", "file_path": "a", "file_size": 5}})
        reply = web.StreamResponse(status=self.status, headers=self.headers)
        await reply.prepare(request)
        while True:
            await reply.write(self.body)
            self.sent += len(self.body)
            if not self.endless:
                return reply


@pytest.mark.parametrize("status", [200, 400, 409, 429, 500])
@pytest.mark.parametrize("call", CALLS)
async def test_json_that_is_nested_too_deep_is_an_unreadable_answer_of_the_bot_api(call: str, status: int) -> None:
    async with serving(Hostile(NESTED, status=status).app()) as url, TelegramMessenger.open(TOKEN, url) as messenger:
        with pytest.raises(errors.OpenClawError):
            await CALLS[call](messenger)


async def test_a_poll_that_is_nested_too_deep_is_an_unreadable_answer() -> None:
    async with serving(Hostile(NESTED).app()) as url:
        poller = Poller(TOKEN, url)
        with pytest.raises(errors.MessengerUnavailable):
            await poller.poll(None)
        await poller.aclose()


@pytest.mark.parametrize("call", ["send", "get_me", "get_file_bytes"])
async def test_a_reply_without_end_is_given_up_at_its_limit(call: str) -> None:
    hostile = Hostile(CHUNK, endless=True)
    async with serving(hostile.app()) as url, TelegramMessenger.open(TOKEN, url, timeout_s=60) as messenger:
        with pytest.raises((errors.FateUnknown, errors.MessengerUnavailable, errors.MessengerRefused)):
            await CALLS[call](messenger)
    assert hostile.sent < 2 * FILE_MAX_BYTES, "what lies in the buffers between us may be more than we read"


async def test_a_poll_without_end_is_given_up_at_its_limit() -> None:
    hostile = Hostile(CHUNK, endless=True)
    async with serving(hostile.app()) as url:
        poller = Poller(TOKEN, url)
        with pytest.raises(errors.MessengerUnavailable):
            await poller.poll(None)
        await poller.aclose()
    assert hostile.sent < 2 * FILE_MAX_BYTES


async def test_a_small_body_that_would_unpack_without_end_is_not_unpacked() -> None:
    bomb = gzip.compress(b"[" * 200_000_000)
    hostile = Hostile(bomb, headers={"content-encoding": "gzip"})
    async with serving(hostile.app()) as url, TelegramMessenger.open(TOKEN, url) as messenger:
        with pytest.raises(errors.MessengerUnavailable):
            await messenger.get_me()


@pytest.mark.parametrize("wait", ["x", [], -5, 1e300, {}, "nan", None])
async def test_a_wait_that_is_no_number_of_seconds_is_a_short_or_a_bounded_one(wait: object) -> None:
    body = json.dumps(
        {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": wait}}
    ).encode()
    async with serving(Hostile(body, status=429).app()) as url, TelegramMessenger.open(TOKEN, url) as messenger:
        with pytest.raises(errors.FloodWait) as refused:
            await messenger.show_typing(1)
    assert 1 <= refused.value.retry_after_s <= 24 * 3600


async def test_a_chat_that_moves_to_nowhere_is_a_refusal() -> None:
    body = json.dumps(
        {"ok": False, "error_code": 400, "description": "x", "parameters": {"migrate_to_chat_id": "x"}}
    ).encode()
    async with serving(Hostile(body, status=400).app()) as url, TelegramMessenger.open(TOKEN, url) as messenger:
        with pytest.raises(errors.MessengerRefused):
            await messenger.show_typing(1)


CALL = ModelCall(model="m", messages=(Message(role="user", content="hi"),), max_tokens=10)


@pytest.mark.parametrize("body", [DEEP, b"data: " + DEEP + b"\n\n"])
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_model_server_that_nests_too_deep_is_one_that_does_not_answer(body: bytes, status: int) -> None:
    async with serving(Hostile(body, status=status).app()) as url:
        async with ModelClient.at(ModelServer.of(GROQ, "key", url)) as chat:
            with pytest.raises(errors.OpenClawError):
                async for _ in chat.stream(CALL):
                    pass
            with pytest.raises(errors.OpenClawError):
                await chat.transcribe(b"sound", name="a.ogg", model="m", timeout_s=30)
        async with open_groq("key", url) as groq:
            with pytest.raises(errors.OpenClawError):
                await groq.complete_json(CALL, schema={"type": "object"}, timeout_s=30)
            with pytest.raises(errors.OpenClawError):
                await groq.models()


EVENT = b'data: {"choices": [{"delta": {"content": "%s"}}]}\n\n'


async def said(url: str) -> list[Piece]:
    async with ModelClient.at(ModelServer.of(GROQ, "key", url)) as chat:
        return [piece async for piece in chat.stream(CALL)]


@pytest.mark.parametrize("nested", [b"[" * 900 + b"]" * 900, b'{"a":' * 300_000 + b"1" + b"}" * 300_000])
async def test_a_chunk_that_nests_deep_is_unreadable_or_no_text(nested: bytes) -> None:
    body = b'data: {"choices": [{"delta": {"content": ' + nested + b"}}]}\n\n"
    async with serving(Hostile(body).app()) as url:
        with pytest.raises(errors.ChatUnavailable):
            await said(url)


async def test_a_line_without_end_is_given_up_at_its_limit() -> None:
    hostile = Hostile(b"data: " + CHUNK, endless=True)
    async with serving(hostile.app()) as url:
        with pytest.raises(errors.ChatUnavailable):
            await said(url)
    assert hostile.sent < 10 * LINE_MAX_BYTES, "what lies in the buffers between us may be more than we read"


async def test_an_answer_without_end_is_cut_at_its_limit_and_says_so() -> None:
    hostile = Hostile(EVENT % (b"x" * 5000), endless=True)
    async with serving(hostile.app()) as url:
        pieces = await said(url)
    assert len("".join(piece.text for piece in pieces)) == ANSWER_MAX_CHARS
    assert (pieces[-1].truncated, any(piece.truncated for piece in pieces[:-1])) == (True, False)


@pytest.mark.parametrize("held", [b"hmm", b"analysis"])
async def test_an_answer_without_end_that_was_held_back_is_cut_too(held: bytes) -> None:
    async with serving(Hostile(EVENT % (held + b"x" * 5000), endless=True).app()) as url:
        pieces = await said(url)
    assert len("".join(piece.text for piece in pieces)) <= ANSWER_MAX_CHARS
    assert pieces[-1].truncated


@pytest.mark.parametrize("first", [b"Four.", b""])
async def test_a_stream_without_end_is_given_up_at_its_limit(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw_core.models.connections.STREAM_MAX_BYTES", 1_000_000)
    silent = b": nothing\n\n" * 1000

    async def handle(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(EVENT % first)
        while True:
            await reply.write(silent)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with serving(app) as url:
        if not first:
            with pytest.raises(errors.EmptyAnswer):
                await said(url)
            return
        pieces = await said(url)
    assert ("".join(piece.text for piece in pieces), pieces[-1].truncated) == ("Four.", True)


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_what_a_model_server_says_besides_is_bounded_too(status: int) -> None:
    hostile = Hostile(CHUNK, status=status, endless=True)
    async with serving(hostile.app()) as url, open_groq("key", url) as chat:
        for ask in (
            lambda: chat.transcribe(b"sound", name="a.ogg", model="m", timeout_s=60),
            lambda: chat.complete_json(CALL, schema={"type": "object"}, timeout_s=60),
            chat.models,
        ):
            with pytest.raises((errors.ChatUnavailable, errors.ChatRefused)):
                await ask()
            assert hostile.sent < 4 * REPLY_MAX_BYTES, "what lies in the buffers between us may be more than we read"
            hostile.sent = 0


async def test_a_refusal_without_end_is_known_by_its_status() -> None:
    hostile = Hostile(CHUNK, status=429, endless=True)
    async with serving(hostile.app()) as url:
        with pytest.raises(errors.RateLimited):
            await said(url)
    assert hostile.sent < 4 * REPLY_MAX_BYTES


async def test_a_compressed_reply_of_a_model_server_is_not_unpacked() -> None:
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers["accept-encoding"])
        bomb = gzip.compress((EVENT % b"x") * 1000)
        return web.Response(body=bomb, headers={"content-encoding": "gzip"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with serving(app) as url:
        with pytest.raises(errors.ChatUnavailable):
            await said(url)
        async with open_groq("key", url) as chat:
            with pytest.raises(errors.ChatUnavailable):
                await chat.models()
    assert asked == ["identity", "identity"]


async def test_a_chat_that_moved_is_told_once_with_both_ids() -> None:
    told: list[tuple[int, int]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        fields = await request.post()
        if fields["chat_id"] == "-5":
            body = {"ok": False, "error_code": 400, "description": "x", "parameters": {"migrate_to_chat_id": -1005}}
            return web.json_response(body, status=400)
        return web.json_response({"ok": True, "result": {"message_id": 9}})

    async def moved(old: int, new: int) -> None:
        await asyncio.sleep(0)
        told.append((old, new))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with serving(app) as url, TelegramMessenger.open(TOKEN, url) as messenger:
        messenger.on_moved = moved
        assert await messenger.send(-5, Page(text="hi")) == 9
        assert await messenger.send(-5, Page(text="hi")) == 9
    assert told == [(-5, -1005)]
