"""A server that answers as Groq does, well or badly, as a test says; and our client in front of it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from openclaw_core.models import providers
from openclaw_core.models.client import ModelClient
from openclaw_core.models.groq_chat import GroqChat
from openclaw_core.ports import Message, ModelCall, Piece

CALL = ModelCall(
    model="openai/gpt-oss-20b",
    messages=(Message(role="system", content="Be brief."), Message(role="user", content="marker-5d1e שלום")),
    max_tokens=200,
    temperature=0.2,
    reasoning_effort="low",
)
ROLE_SCHEMA = {
    "type": "object",
    "properties": {"role": {"type": "string", "enum": ["coder", "researcher"]}},
    "required": ["role"],
    "additionalProperties": False,
}
Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class ModelServer:
    """Answers each completion with *script*; keeps what it was asked."""

    script: Script
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        if request.content_type == "application/json":
            self.bodies.append(await request.json())
        try:
            return await self.script(request)
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up.set()
            raise


@asynccontextmanager
async def listening(script: Script, path: str = "/openai/v1") -> AsyncIterator[ModelServer]:
    """A server that answers below *path*."""
    server = ModelServer(script)
    app = web.Application()
    app.router.add_route("*", path + "/{tail:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    port = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, port).start()
    server.url = f"http://127.0.0.1:{port.getsockname()[1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def open_groq(api_key: str, base_url: str | None = None) -> AbstractAsyncContextManager[GroqChat]:
    """The brain's client, of Groq or of a server at *base_url* that speaks as Groq does."""
    return GroqChat.at(providers.ModelServer.of(providers.GROQ, api_key, base_url))


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[tuple[ModelServer, GroqChat]]:
    async with listening(script) as server, open_groq("gsk_marker-key", server.url) as chat:
        yield server, chat


def delta(text: str = "", *, reason: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice], **more}) + "\n\n"


def thinking(field: str) -> str:
    return f'data: {{"choices": [{{"delta": {{"{field}": "hmm", "executed_tools": []}}, "finish_reason": null}}]}}\n\n'


USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 3,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 8},
}
END = delta(reason="stop", x_groq={"id": "x", "usage": USAGE}) + "data: [DONE]\n\n"


def streams(*parts: str, then: str = "end") -> Script:
    """Send *parts*, and then end the reply, cut the connection, or hang."""

    async def script(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            await response.write(part.encode())
        if then == "cut":
            assert request.transport is not None
            request.transport.abort()
        if then == "hang":
            await asyncio.sleep(60)
        return response

    return script


def refuses(status: int, *, headers: dict[str, str] | None = None, code: str = "", message: str = "no") -> Script:
    async def script(_: web.Request) -> web.StreamResponse:
        error = {"message": message, "type": "invalid_request_error", "code": code}
        return web.json_response({"error": error}, status=status, headers=headers)

    return script


def says(content: str | None) -> Script:
    async def script(_: web.Request) -> web.StreamResponse:
        message = {"role": "assistant", "content": content}
        return web.json_response(
            {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USAGE}
        )

    return script


def replies(text: str, content_type: str = "application/json") -> Script:
    async def script(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type)

    return script


async def hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def collected(chat: ModelClient, call: ModelCall = CALL) -> list[Piece]:
    return [piece async for piece in chat.stream(call)]
