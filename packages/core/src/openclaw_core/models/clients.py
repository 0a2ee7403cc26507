"""The clients of all model servers: one for the default server, and one for each provider that a model names."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

from openclaw_core.errors import ChatUnauthorized
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import ModelServer, ModelServers
from openclaw_core.ports import ModelCall, Piece, Usage

Opened = Callable[[ModelServer], AbstractAsyncContextManager[ModelClient]]


class ModelClients:
    """`ChatModel` and `Transcriber`: each call goes to the server of its model. Clients connect at their first call."""

    def __init__(self, servers: ModelServers, opened: Opened, stack: AsyncExitStack) -> None:
        self._servers = servers
        self._opened = opened
        self._stack = stack
        self._clients: dict[str, ModelClient] = {}

    async def _of(self, provider: str) -> ModelClient:
        server = self._servers.of(provider)
        if server is None:
            raise ChatUnauthorized(f"no key for {provider}")
        if server.url not in self._clients:
            client = await self._stack.enter_async_context(self._opened(server))
            self._clients.setdefault(server.url, client)
        return self._clients[server.url]

    async def stream(self, call: ModelCall) -> AsyncIterator[Piece]:
        client = await self._of(call.provider)
        async with aclosing(client.stream(call)) as pieces:
            async for piece in pieces:
                yield piece

    async def complete_json(self, call: ModelCall, *, schema: dict[str, Any], timeout_s: float) -> tuple[Any, Usage]:
        client = await self._of(call.provider)
        return await client.complete_json(call, schema=schema, timeout_s=timeout_s)

    async def models(self, provider: str = "") -> frozenset[str]:
        return await (await self._of(provider)).models()

    async def transcribe(self, recording: bytes, *, name: str, model: str, timeout_s: float) -> str:
        client = await self._of("")
        return await client.transcribe(recording, name=name, model=model, timeout_s=timeout_s)


@asynccontextmanager
async def open_clients(servers: ModelServers, opened: Opened = ModelClient.at) -> AsyncIterator[ModelClients]:
    """Clients of *servers* over httpx alone, closed at the end.

    Raises SettingsError for a key of the default server that cannot be sent.
    """
    async with AsyncExitStack() as stack:
        clients = ModelClients(servers, opened, stack)
        await clients._of("")
        yield clients
