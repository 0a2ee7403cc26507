"""Roles, models and limits as read from the YAML and Markdown of the platform: the values and their loading."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openclaw_core.errors import SettingsError
from openclaw_core.ports import Lang, ModelAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model and its price in USD per million tokens (None: not known, so no cost is recorded)."""

    id: str
    context_tokens: int
    provider: str = ""
    """Whose server has it; empty: the default one."""
    served_as: str = ""
    """As its server calls it; empty: by its id."""
    strict_schema: bool = False
    """Whether it keeps to a strict JSON schema."""
    tools: tuple[str, ...] = ()
    """Built-in tools that it has."""
    input_usd_per_mtok: float | None = None
    cached_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None

    @property
    def at(self) -> ModelAt:
        return ModelAt(name=self.id, provider=self.provider, id=self.served_as or self.id)


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
    elsewhere: tuple[ModelAt, ...] = ()
    """Models of the file that another server has, or that have another name there."""

    @property
    def gist(self) -> str:
        """The prompt's first paragraph, for the built-in model: all of it would take that half a minute to read."""
        return self.prompt.partition("\n\n")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """The routing model and its limits."""

    models: tuple[str, ...]
    prompt: str = field(repr=False)
    """Ready to send: the list of roles is in it."""
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


RESERVED_COMMANDS = frozenset({"start", "help", "new", "stop", "retry", "status", "lang"})
"""Commands of the bot itself; no role may take one."""

PROMPT_MAX_TOKENS = 1500
"""The longest prompt of a role, as `estimate_tokens` counts."""

ROUTER_PROMPT_MAX_TOKENS = 350
"""The longest routing prompt with the list of roles in it: it is paid for on every second message."""


def load(folder: Path) -> Roles:
    """Read `folder/config/roles.yaml` and the prompts it names. Raises SettingsError listing `file:line: reason` of each fault."""
    # Imported here: an agent that claims its task from the store needs the values above and no YAML.
    from openclaw_core.roles import check, file

    shown = str(folder / "config" / "roles.yaml")
    faults = file.Faults()
    content, places = file.read(folder / "config" / "roles.yaml", shown, faults)
    roles = None
    if content is not None:
        roles = check.build(content, folder=folder, shown=shown, places=places, faults=faults)
    if roles is None or faults.found:
        raise SettingsError("wrong roles or prompts:\n" + "\n".join(f"  {line}" for line in faults.lines()))
    return roles
