"""The HTTP client of a model server: TLS, proxy, time-outs and the largest reply."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from openclaw_core import reply_limit, tls
from openclaw_core.errors import SettingsError
from openclaw_core.models.providers import GROQ, ModelServer

STREAM_MAX_BYTES = 64 * 1024 * 1024
"""A whole answer with its thoughts: about 400 bytes a token. It is not kept in memory."""
REPLY_MAX_BYTES = 4 * 1024 * 1024
"""A transcript, or a list of models; some servers list hundreds, each with its description."""
REFUSAL_MAX_BYTES = 256 * 1024


@asynccontextmanager
async def connections(server: ModelServer, connect_timeout_s: float) -> AsyncIterator[httpx.AsyncClient]:
    """The client connects at the first call. Raises SettingsError for a key that cannot be sent."""
    if not can_be_sent(server.api_key):
        # Checked here: the HTTP library would put the key into its exception.
        where = " from console.groq.com/keys" if server.provider is GROQ else ""
        raise SettingsError(
            f"{server.provider.variable}_API_KEY holds characters that no key has: copy it again{where}"
        )
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below that they write URLs and headers
    async with httpx.AsyncClient(
        base_url=server.url,
        headers={"authorization": f"Bearer {server.api_key}", "user-agent": "openclaw", **reply_limit.UNCOMPRESSED},
        event_hooks={"response": [reply_limit.at_most(_limit, refusal=lambda _: REFUSAL_MAX_BYTES)]},
        # Silence is bounded by the client, for each call on its own; httpx would count only the gap between two reads.
        timeout=httpx.Timeout(connect=connect_timeout_s, read=None, write=30.0, pool=connect_timeout_s),
        # llama.cpp hangs up after 5 s of silence, and so does this client by default: a call at that moment would break.
        limits=httpx.Limits(keepalive_expiry=2.0 if server.local else 5.0),
        # A proxy for the outside world does not reach a server on this machine.
        trust_env=not server.local,
        verify=tls.context(),
    ) as http:
        yield http


def _limit(request: httpx.Request) -> int:
    return STREAM_MAX_BYTES if request.extensions.get("streams") else REPLY_MAX_BYTES


def can_be_sent(api_key: str) -> bool:
    """Whether a key can be in a header."""
    return bool(api_key) and api_key.isascii() and api_key.isprintable() and " " not in api_key
