"""A Bot API that answers each request as a test says, and the calls of a messenger that are put to it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from openclaw_core import errors
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.ports import AnswerFile, Page
from tests.fakes.bot_api_emulator import serving

TOKEN = "7:SECRET-TOKEN"
WORDS = "words-of-a-user"
CHAT = 4711
GROUP, SUPERGROUP = -5, -1005

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """Answers every request by the next of *answers*, the last one again and again."""

    answers: list[Answer]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fields = dict(parse_qsl(body.decode())) if request.content_type.endswith("urlencoded") else {}
        self.asked.append((request.path.rpartition("/")[2], fields))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app


def refused(status: int, description: str, **parameters: Any) -> Answer:
    body = {"ok": False, "error_code": status, "description": description, "parameters": parameters}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


def accepted(result: Any) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": True, "result": result})

    return answer


def said(text: str, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status)

    return answer


async def silence(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


MESSAGE = {"message_id": 8, "date": 1, "chat": {"id": CHAT, "type": "private"}}

CALLS: dict[str, Callable[[TelegramMessenger], Awaitable[Any]]] = {
    "send": lambda messenger: messenger.send(CHAT, Page(text=WORDS)),
    "send_file": lambda messenger: messenger.send_file(CHAT, AnswerFile(name="a.py", content=WORDS)),
    "send_picture": lambda messenger: messenger.send_picture(CHAT, b"\x89PNG" + WORDS.encode()),
    "edit": lambda messenger: messenger.edit(CHAT, 8, Page(text=WORDS)),
    "react": lambda messenger: messenger.react(CHAT, 8, "👀"),
    "show_typing": lambda messenger: messenger.show_typing(CHAT),
    "answer_button": lambda messenger: messenger.answer_button("q", WORDS),
    "get_me": lambda messenger: messenger.get_me(),
    "set_commands": lambda messenger: messenger.set_commands("he", [("help", "x")]),
    "get_file_bytes": lambda messenger: messenger.get_file_bytes("f", 5),
}
SENDS = ("send", "send_file", "send_picture")
REPEATABLE = tuple(name for name in CALLS if name not in SENDS)


async def outcome(call: str, *answers: Answer, timeout_s: float = 8.0) -> tuple[BaseException | None, Server]:
    server = Server(list(answers))
    async with serving(server.app()) as address, TelegramMessenger.open(TOKEN, address, timeout_s) as messenger:
        try:
            await CALLS[call](messenger)
        except errors.OpenClawError as exc:
            return exc, server
        return None, server
