"""Roles, models and limits as read from the YAML and Markdown of the platform: the values and their loading."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openclaw_core.ports import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model and its price in USD per million tokens (None: not known, so no cost is recorded)."""

    id: str
    context_tokens: int
    input_usd_per_mtok: float | None = None
    cached_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Who answers: data, not code."""

    name: str
    command: str
    """The chat command that asks for it, without the slash."""
    titles: Mapping[Lang, str]
    descriptions: Mapping[Lang, str]
    """One line for the command menu and /help."""
    emoji: str
    when: str
    """When it fits, in words for the routing model."""
    prompt: str = field(repr=False)
    models: tuple[str, ...]
    tools: tuple[str, ...]
    max_answer_tokens: int
    history_tokens: int
    temperature: float | None
    reasoning_effort: str | None
    template: str
    """Name of the PodTemplate of its agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """The routing model and its limits."""

    models: tuple[str, ...]
    prompt: str = field(repr=False)
    budget_s: float
    max_tokens: int
    reasoning_effort: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Everything that `platform/openclaw/base/{config,prompts}` says."""

    roles: Mapping[str, Role]
    default: str
    router: Router
    models: Mapping[str, Model]


def load(folder: Path) -> Roles:
    """Read `folder/config/roles.yaml` and the prompts it names. Raises SettingsError listing `file:line: reason` of each fault."""
    raise NotImplementedError
