"""The brain's clients of model servers: Groq's SDK for Groq. An agent does not import this module: its image has no SDK."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from openclaw_core.models.client import ModelClient
from openclaw_core.models.clients import ModelClients, open_clients
from openclaw_core.models.providers import GROQ, Server, Servers


@asynccontextmanager
async def open_brain_clients(servers: Servers) -> AsyncIterator[ModelClients]:
    """Clients of *servers*, closed at the end. Raises SettingsError for a key of the default server that cannot be sent."""
    async with open_clients(servers, _by_sdk) as clients:
        yield clients


def _by_sdk(server: Server) -> AbstractAsyncContextManager[ModelClient]:
    if server.provider is not GROQ or not server.url.endswith(GROQ.path):
        return ModelClient.at(server)
    from openclaw_core.models.groq_chat import GroqChat  # here: other servers need no SDK

    return GroqChat.at(server)
