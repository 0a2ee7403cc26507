"""What the brain asks of a model server besides: one JSON answer by a schema, and which models there are. By Groq's SDK."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import groq
import httpx

from openclaw_core.errors import ChatUnavailable, EmptyAnswer
from openclaw_core.models.chunks import estimated, usage_of
from openclaw_core.models.client import ModelServer, by_status, readable, request_of, translated
from openclaw_core.models.connections import GROQ_URL, connections
from openclaw_core.models.thoughts import without_thoughts
from openclaw_core.ports import ModelCall, Usage

LIST_TIMEOUT_S = 10.0


class GroqChat(ModelServer):
    """`Chat`: a `ModelServer`, and the SDK on the same connections. Nothing is repeated here either."""

    def __init__(self, http: httpx.AsyncClient, sdk: groq.AsyncGroq) -> None:
        super().__init__(http)
        self._sdk = sdk

    @classmethod
    @asynccontextmanager
    async def open(
        cls, api_key: str, base_url: str | None = None, connect_timeout_s: float = 5.0
    ) -> AsyncIterator["GroqChat"]:
        """As `ModelServer.open`."""
        logging.getLogger("groq").setLevel(logging.WARNING)  # below that it writes bodies, so users' words
        async with connections(api_key, base_url, connect_timeout_s) as http:
            yield cls(
                http,
                groq.AsyncGroq(
                    api_key=api_key,
                    base_url=base_url or GROQ_URL,
                    max_retries=0,
                    timeout=http.timeout,
                    http_client=http,
                ),
            )

    async def complete_json(self, call: ModelCall, *, schema: dict[str, Any], timeout_s: float) -> tuple[Any, Usage]:
        """One strict-schema answer, parsed. Raises as `stream`; ChatUnavailable also for a reply that does not match."""
        request = request_of(call)
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": schema},
        }
        with _translated():
            async with asyncio.timeout(timeout_s):
                reply = await self._sdk.chat.completions.create(**request, stream=False)
        with readable():
            content = without_thoughts(reply.choices[0].message.content or "").strip()
            if not content:
                raise EmptyAnswer("no JSON")
            value = json.loads(content)
            if not matches(value, schema):
                raise ChatUnavailable("the reply does not match the schema")
            return value, usage_of(reply) or estimated(call, content)

    async def models(self) -> frozenset[str]:
        """Ids that the server lists now, without those that it calls inactive. Raises as `stream`."""
        with _translated():
            async with asyncio.timeout(LIST_TIMEOUT_S):
                listed = await self._sdk.models.list()
        with readable():
            ids = [model.id for model in listed.data if getattr(model, "active", True) is not False]
            # Ollama lists `name:latest` and serves it as `name` too.
            return frozenset(ids) | {id_.removesuffix(":latest") for id_ in ids}


@contextmanager
def _translated() -> Iterator[None]:
    """As `translated`, for the SDK's errors too."""
    with translated():
        try:
            yield
        except groq.APIStatusError as exc:
            raise by_status(exc.status_code, exc.response.headers, exc.body) from None
        except groq.APIError as exc:
            raise ChatUnavailable(type(exc).__name__) from None


def matches(value: Any, schema: dict[str, Any]) -> bool:
    """Whether *value* keeps to the part of JSON Schema that strict schemas use: types, enum, required, items."""
    if "enum" in schema and value not in schema["enum"]:
        return False
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {})
            return (
                isinstance(value, dict)
                and all(name in value for name in schema.get("required", ()))
                and (schema.get("additionalProperties", True) is not False or all(name in known for name in value))
                and all(matches(value[name], inner) for name, inner in known.items() if name in value)
            )
        case "array":
            return isinstance(value, list) and all(matches(item, schema.get("items", {})) for item in value)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return True
