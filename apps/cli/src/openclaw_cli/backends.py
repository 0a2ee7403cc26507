"""Which model and which chat a local run uses, and what that means for its settings."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from openclaw_cli.builtin_model import MODEL_ID, builtin_model

LOCAL_BOT_ID = 900001
"""None that the page gives to people (from 1000001 on): the bot hears nothing from itself."""


def local_token() -> str:
    """A token for the stand-in of one run: who does not know it can neither read as the bot nor speak as the bot."""
    return f"{LOCAL_BOT_ID}:{secrets.token_urlsafe(24)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model server: *name* for people, *env* for brain and agents."""

    name: str
    demo: bool
    env: Mapping[str, str] = field(repr=False)


@asynccontextmanager
async def model_from(env: Mapping[str, str]) -> AsyncIterator[Model]:
    """Groq with `GROQ_API_KEY`, another server with `GROQ_BASE_URL`, else the built-in model, started here."""
    if env.get("GROQ_API_KEY") or env.get("GROQ_API_KEY_FILE") or env.get("GROQ_BASE_URL"):
        names = ("GROQ_API_KEY", "GROQ_API_KEY_FILE", "GROQ_BASE_URL", "MODEL_OVERRIDE")
        settings = {name: env[name] for name in names if env.get(name)}
        if "GROQ_API_KEY" not in settings and "GROQ_API_KEY_FILE" not in settings:
            settings["GROQ_API_KEY"] = "none"
        yield Model(name=env.get("GROQ_BASE_URL") or "Groq", demo=False, env=settings)
        return
    async with builtin_model() as server:
        yield Model(
            name="SmolLM2-135M, built in (a small English demo model; set GROQ_API_KEY for a real one)",
            demo=True,
            env={
                "GROQ_API_KEY": server.key,
                "GROQ_BASE_URL": server.url,
                "DEMO_MODEL": "yes",
                "MODEL_OVERRIDE": MODEL_ID,
            },
        )
