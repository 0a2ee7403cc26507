"""Choose the model of a local run and make the token of its chat, with the settings that follow."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from openclaw_cli.up.builtin_model import MODEL_ID, builtin_model
from openclaw_cli.up.model_servers import ASKED, running_server
from openclaw_core.environment import NO_KEY
from openclaw_core.models.providers import LLAMA_CPP, PROVIDERS, VARIABLES

LOCAL_BOT_ID = 900001
"""The page gives its users other ids (from 1000001 on), so the bot never answers itself."""
CHOOSING = (
    "MODEL_BASE_URL", "MODEL_PROVIDER", "MODEL_API_KEY", "MODEL_API_KEY_FILE", "GROQ_API_KEY", "GROQ_API_KEY_FILE", "GROQ_BASE_URL",
)  # fmt: skip
"""Variables of which one is enough to say which model server is meant."""


def local_token() -> str:
    """A token for the stand-in of one run. Without it nobody can read or write as the bot."""
    return f"{LOCAL_BOT_ID}:{secrets.token_urlsafe(24)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A model server: *name* for people, *env* for brain and agents."""

    name: str
    demo: bool
    env: Mapping[str, str] = field(repr=False)


def is_chosen(env: Mapping[str, str]) -> bool:
    """Whether *env* says which model server is meant."""
    return any(env.get(name) for name in CHOOSING)


@asynccontextmanager
async def model_from(env: Mapping[str, str], tell: Callable[[str], None] = lambda _: None) -> AsyncIterator[LocalModel]:
    """The server that *env* names; else one that runs on this machine; else, or with `DEMO_MODEL=yes`, the built-in model, started here.

    *tell* gets a sentence about what was not found.
    """
    if is_chosen(env):
        yield _chosen(env)
        return
    if env.get("DEMO_MODEL") != "yes":
        found = await running_server(env)
        if found is not None:
            yield LocalModel(name=found.name, demo=False, env=found.env)
            return
        titles = ", ".join(f"{provider.title} ({provider.port})" for provider in ASKED)
        tell(f"no key, and none of these has a model to offer on this machine: {titles}. Taking the built-in model")
    async with builtin_model() as server:
        yield LocalModel(
            name="SmolLM2-135M, built in (a small English demo model; set GROQ_API_KEY for a real one)",
            demo=True,
            env={
                "MODEL_API_KEY": server.key,
                "MODEL_BASE_URL": server.url,
                "MODEL_PROVIDER": LLAMA_CPP.name,
                "DEMO_MODEL": "yes",
                "MODEL_OVERRIDE": MODEL_ID,
            },
        )


def _chosen(env: Mapping[str, str]) -> LocalModel:
    names = ("MODEL_OVERRIDE", *VARIABLES, *(f"{name}_FILE" for name in VARIABLES if name.endswith("_API_KEY")))
    settings = {name: env[name] for name in names if env.get(name)}
    keys = ("GROQ_API_KEY", "GROQ_API_KEY_FILE", "MODEL_API_KEY", "MODEL_API_KEY_FILE")
    if env.get("GROQ_BASE_URL") and not any(name in settings for name in keys):
        settings["GROQ_API_KEY"] = NO_KEY
    provider = PROVIDERS.get(env.get("MODEL_PROVIDER", ""))
    return LocalModel(
        name=env.get("MODEL_BASE_URL") or (provider.title if provider else env.get("GROQ_BASE_URL") or "Groq"),
        demo=False,
        env=settings,
    )
