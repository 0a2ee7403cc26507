"""The client of Groq in the brain: JSON values and the list of models come by Groq's SDK, over the connections of `ModelClient`.

An agent starts for each message and does without the SDK.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import groq
import httpx

from openclaw_core.errors import ChatUnavailable
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import GROQ, ModelServer
from openclaw_core.models.refusals import error_of_refusal


class GroqChat(ModelClient):
    """A `ModelClient` that uses the SDK where nothing is streamed. Nothing is retried here either."""

    def __init__(self, http: httpx.AsyncClient, server: ModelServer) -> None:
        super().__init__(http, server)
        logging.getLogger("groq").setLevel(logging.WARNING)  # below that it writes bodies, so users' words
        self._sdk = groq.AsyncGroq(
            api_key=server.api_key,
            base_url=server.url.removesuffix(GROQ.path),  # the SDK appends it
            max_retries=0,
            timeout=http.timeout,
            http_client=http,
        )

    async def _completed(self, request: dict[str, Any]) -> Any:
        with _sdk_errors_translated():
            return await self._sdk.chat.completions.create(**request, stream=False)

    async def _listed(self) -> Any:
        with _sdk_errors_translated():
            return await self._sdk.models.list()


@contextmanager
def _sdk_errors_translated() -> Iterator[None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except groq.APIStatusError as exc:
        raise error_of_refusal(exc.status_code, exc.response.headers, exc.body, GROQ.retry_headers) from None
    except groq.APIError as exc:
        raise ChatUnavailable(type(exc).__name__) from None
