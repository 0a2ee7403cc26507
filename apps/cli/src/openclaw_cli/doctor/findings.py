"""What every check of `openclaw doctor` shares: the finding, and which variables are set."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import Enum

Env = Mapping[str, str]
ROLES_DIR = "platform/openclaw/base"
SETTINGS_FIRST = "not looked at: repair the settings first (openclaw doctor --only settings)"


class Level(Enum):
    OK = "✓"
    WARNING = "!"
    FAULT = "✗"


Results = AsyncIterator[tuple[Level, str]]
"""What a check yields: each with a text that says, for a fault or a warning, what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A result of the check of *area*."""

    level: Level
    area: str
    text: str


def is_set(env: Env, name: str) -> bool:
    """Whether *env* has the secret *name*, or a file with it."""
    return bool(env.get(name) or env.get(f"{name}_FILE"))


def placeholder_key(env: Env) -> dict[str, str]:
    """A key for a server that asks for none, if *env* has no key."""
    return {} if is_set(env, "GROQ_API_KEY") or is_set(env, "MODEL_API_KEY") else {"GROQ_API_KEY": "none"}
