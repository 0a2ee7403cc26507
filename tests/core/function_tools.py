"""A request with two function tools, and what comes of it."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from openclaw_core.models.chunks import JsonObject
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import PROVIDERS, ModelServer, Provider
from openclaw_core.ports import FunctionCall, FunctionTool, Message, ModelCall, Piece
from tests.core.groq_server import ModelServer as Listening
from tests.core.groq_server import Script, collected, listening, streams
from tests.core.model_recordings import STREAMS


def loose(value: Any) -> Any:
    """*value* as a chunk has it."""
    return json.loads(json.dumps(value), object_hook=JsonObject)


def tool(name: str) -> FunctionTool:
    return FunctionTool(name=name, description=f"What {name} does.", parameters={"type": "object", "properties": {}})


LOOK, FIND = tool("look"), tool("find")
ASKED = Message(role="user", content="Where is it?")


def call(model: str = "a-model", **more: Any) -> ModelCall:
    given: dict[str, Any] = {"messages": (ASKED,), "functions": (LOOK, FIND)} | more
    return ModelCall(model=model, max_tokens=200, **given)


@asynccontextmanager
async def asked(
    script: Script, provider: Provider = PROVIDERS["compatible"]
) -> AsyncIterator[tuple[Listening, ModelClient]]:
    async with (
        listening(script, provider.path) as server,
        ModelClient.at(ModelServer.of(provider, "k", server.url)) as client,
    ):
        yield server, client


async def read(parts: Sequence[str], **more: Any) -> list[Piece]:
    async with asked(streams(*parts)) as (_, client):
        return await collected(client, call(**more))


async def calls_in(parts: Sequence[str], **more: Any) -> tuple[FunctionCall, ...]:
    return (await read(parts, **more))[-1].calls


async def body_of(request: ModelCall, provider: str) -> dict[str, Any]:
    async with asked(streams(*STREAMS[provider]), PROVIDERS[provider]) as (server, client):
        await collected(client, request)
    [body] = server.bodies
    return body
