"""The brain's clients of model servers: Groq's SDK for Groq. An agent does not import this module: its image has no SDK."""

from contextlib import AbstractAsyncContextManager

from openclaw_core.models.client import ModelClient
from openclaw_core.models.clients import ModelClients, open_clients
from openclaw_core.models.providers import GROQ, ModelServer, ModelServers


def open_brain_clients(servers: ModelServers) -> AbstractAsyncContextManager[ModelClients]:
    """As `open_clients`, with the SDK for Groq."""
    return open_clients(servers, _client_of)


def _client_of(server: ModelServer) -> AbstractAsyncContextManager[ModelClient]:
    if server.provider is not GROQ or not server.url.endswith(GROQ.path):
        return ModelClient.at(server)
    from openclaw_core.models.groq_chat import GroqChat  # here: other servers need no SDK

    return GroqChat.at(server)
