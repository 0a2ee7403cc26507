"""Roles, models and the router as values, and how they are loaded from `roles.yaml` and the prompts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from openclaw_core.ports import Lang, ModelAt

AGENT_TEMPLATE = "agent"
TOOLS_TEMPLATE = "agent-tools"
"""The PodTemplate of agents with tools of ours: they have a sealed runner, and others need not pay for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model and its prices in USD per million tokens (None: not known, no cost is recorded)."""

    id: str
    context_tokens: int
    provider: str = ""
    """The provider that serves it; empty: the default server."""
    served_as: str = ""
    """Its id at that server; empty: the same."""
    strict_schema: bool = False
    """Whether it supports a strict JSON schema."""
    tools: tuple[str, ...] = ()
    """Built-in tools that it has."""
    vision: bool = False
    """Whether it sees pictures."""
    input_usd_per_mtok: float | None = None
    cached_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    ends: date | None = None
    """The last day on which it answers, if its maker has said so."""

    @property
    def at(self) -> ModelAt:
        return ModelAt(name=self.id, provider=self.provider, id=self.served_as or self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A prompt that *percent* of the chats get in place of a role's own, to be tried."""

    prompt: str = field(repr=False)
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A prompt, models and limits that answer messages."""

    name: str
    command: str
    """The chat command that asks for it, without the slash."""
    titles: Mapping[Lang, str]
    descriptions: Mapping[Lang, str]
    """One line for the command menu and /help."""
    emoji: str
    when: str
    """When it fits: a sentence for the routing model."""
    prompt: str = field(repr=False)
    models: tuple[str, ...]
    tools: tuple[str, ...]
    """Built-in tools of its first model."""
    max_answer_tokens: int
    history_tokens: int
    temperature: float | None
    reasoning_effort: str | None
    template: str
    """Name of the PodTemplate of its agents."""
    canary: Canary | None = None
    functions: tuple[str, ...] = ()
    """Tools of our own, which its agents run."""
    max_steps: int = 6
    results_tokens: int = 0
    """Tokens of one request that calls and their results may take."""
    elsewhere: tuple[ModelAt, ...] = ()
    """Models that are not served by the default server under their own name."""
    seeing: tuple[str, ...] = ()
    """Those of *models* that see pictures."""

    @property
    def short_prompt(self) -> str:
        """The first paragraph, for the built-in model, which would read the whole prompt for 20 s."""
        return self.prompt.partition("\n\n")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """The routing model and its limits."""

    models: tuple[str, ...]
    prompt: str = field(repr=False)
    """With the list of roles in it."""
    budget_s: float
    max_tokens: int
    reasoning_effort: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """All of `platform/openclaw/base/{config,prompts}`."""

    roles: Mapping[str, Role]
    default: str
    router: Router
    models: Mapping[str, ModelSpec]

    def at(self, model: str) -> ModelAt:
        """Where *model* is served. One that `roles.yaml` does not list is on the default server, under its own name."""
        known = self.models.get(model)
        return ModelAt(name=model, id=model) if known is None else known.at


READ_DOCUMENT = "read_document"
"""The tool by which a role reads documents. A task with some goes to a role that has it."""

RESERVED_COMMANDS = frozenset(
    {
        "start",
        "help",
        "new",
        "stop",
        "retry",
        "status",
        "usage",
        "why",
        "lang",
        "access",
        "allow",
        "remove",
        "forget",
        "canary",
    }
)
"""Commands of the bot itself; no role may take one."""

PROMPT_MAX_TOKENS = 1500
"""The longest prompt of a role, as `estimate_tokens` counts."""

RESULTS_MIN_TOKENS = 6000
"""What a request of a role with tools of our own must leave for their results: two parts of a page."""

ROUTER_PROMPT_MAX_TOKENS = 350
"""The longest routing prompt with the list of roles in it. It is sent for every second message."""

RUNNER_TOOLS = frozenset({"open_page", "run_code", READ_DOCUMENT})
"""Tools of our own that need the sealed runner (docs/runner.md): `open_page` for a link that leads to a document."""
