"""Find a model server that runs on this machine, and choose one of its models."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openclaw_core.environment import NO_KEY, Environment
from openclaw_core.errors import OpenClawError
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import LLAMA_CPP, LM_STUDIO, OLLAMA, Server

ASKED = (OLLAMA, LLAMA_CPP, LM_STUDIO)
"""In order of preference."""
ASK_TIMEOUT_S = 2.0
"""A server of this machine lists its models in milliseconds; something else may hold the port and never answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server, and the one of its models that is asked."""

    server: Server
    model: str
    env: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """For people."""
        title, url = self.server.provider.title, self.server.url
        others = "MODEL_OVERRIDE names another model, DEMO_MODEL=yes takes the built-in one"
        return f"{self.model}, by {title} at {url} (found running; {others})"


async def running_server(env: Mapping[str, str]) -> Running | None:
    """The first of `ASKED` that has a model to offer; with `MODEL_OVERRIDE`, one that has that model. None if there is none."""
    servers = Environment({**env, "GROQ_API_KEY": NO_KEY}).model_servers().named
    asked = [servers[provider.name] for provider in ASKED]
    for server, ids in zip(asked, await asyncio.gather(*map(_offered, asked)), strict=True):
        model = choose_model(ids, env.get("MODEL_OVERRIDE", ""))
        if model:
            return Running(server=server, model=model, env=_settings(server, model))
    return None


async def _offered(server: Server) -> Sequence[str]:
    """The models that *server* lists; none if it does not answer as a model server does."""
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S), ModelClient.at(server) as client:
            return await client.listed()
    except (OpenClawError, TimeoutError):
        return ()


def choose_model(ids: Sequence[str], override: str) -> str:
    """The model to ask of *ids*, empty if there is none: *override*, or the first that is not for embeddings."""
    if override:
        return override if {override, f"{override}:latest"} & set(ids) else ""
    return next((id_ for id_ in ids if "embed" not in id_.lower()), "")


def _settings(server: Server, model: str) -> dict[str, str]:
    """The settings for brain and agents."""
    return {
        "MODEL_PROVIDER": server.provider.name,
        "MODEL_BASE_URL": server.url,
        "MODEL_API_KEY": server.api_key,
        "MODEL_OVERRIDE": model,
    }
