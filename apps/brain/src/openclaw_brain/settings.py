"""The brain's settings: one function of a mapping. `docs/settings.md` lists every variable with its unit."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from openclaw_brain.inbox.gather import Windows
from openclaw_core.budgets.check import load_budgets
from openclaw_core.budgets.values import Budgets
from openclaw_core.environment import VOICE_MODELS, Environment, model_ids
from openclaw_core.errors import SettingsError
from openclaw_core.models.providers import PROVIDERS, ModelServers
from openclaw_core.roles.access import AccessFile, load_access
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.values import Roles
from openclaw_core.store import RedisSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceCollector:
    """Where traces are sent by OTLP."""

    url: str
    """With its path."""
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    telegram_token: str = field(repr=False)
    bot_id: int
    telegram_base_url: str | None
    servers: ModelServers
    model_addresses: Mapping[str, str]
    """Variables with the addresses of model servers, for the agents; without keys."""
    redis: RedisSettings
    launcher: Literal["processes", "kubernetes"]
    namespace: str
    """Of the Jobs; empty for local processes."""
    kubeconfig: str
    """A file with access to the cluster; empty in a pod, which has a token of its own."""
    holder: str
    """This brain's name in the Lease."""
    allowed_user_ids: frozenset[int] | None
    """None: everyone (`*`)."""
    smoke_bot_ids: frozenset[int]
    access: AccessFile
    """Of `access.yaml`."""
    demo_model: bool
    """Whether the model server is the small built-in one: English only, and it never routes."""
    model_override: str | None
    """The one model of a local server. It replaces the roles' lists."""
    voice_models: str
    """For the agents; empty: their default."""
    log_level: str
    health_port: int
    """0: no health server."""
    file_port: int
    """Where agents fetch files that users sent; 0: a free port."""
    file_host: str
    """The address of this brain, as agents reach it; empty: this machine alone."""
    running_cap: int
    """Tasks that may run at a time; also the cap on agents."""
    chat_cap: int
    total_cap: int
    starting_cap: int
    """Agents that may be starting at a time. More of them only slow each other down."""
    warm: int
    """Agents without tools that wait."""
    warm_tools: int
    """Agents with tools that wait, if a role has tools."""
    tools_cap: int
    """Agents with tools at a time: each needs room for its runner."""
    tasks_per_job: int
    task_deadline_s: float
    warm_max_age_s: float
    sleep_after_s: float
    """After so long without a task no agents wait; 0: never."""
    queue_deadline_s: float
    windows: Windows
    """How long a task waits for further messages that belong to it."""
    drain_s: float
    """How long a shutdown waits for calls to Telegram that were begun."""
    traces: TraceCollector | None = None
    """None: there are no traces."""
    feedback_buttons: bool = False
    """Whether 👍 and 👎 stand under an answer."""
    budgets: Budgets = field(default_factory=Budgets)
    """What may be spent: `budgets.yaml` beside the roles."""

    @property
    def voice_model_ids(self) -> tuple[str, ...]:
        return model_ids(self.voice_models or VOICE_MODELS)

    @property
    def routes_by_model(self) -> bool:
        return not self.demo_model and self.servers.route_with(self.model_override)


def from_env(env: Mapping[str, str]) -> Settings:
    """Build the settings. Raises SettingsError naming every variable at fault, never its value."""
    read = Environment(env)
    token, bot_id = read.token()
    settings = Settings(
        telegram_token=token,
        bot_id=bot_id,
        telegram_base_url=read.url("TELEGRAM_BASE_URL"),
        servers=read.model_servers(),
        model_addresses=read.model_addresses(),
        redis=read.redis(),
        launcher="kubernetes"
        if read.one_of("AGENT_LAUNCHER", "processes", ("processes", "kubernetes")) == "kubernetes"
        else "processes",
        namespace=read.text("POD_NAMESPACE"),
        kubeconfig=read.text("KUBECONFIG"),
        holder=read.text("POD_NAME", os.uname().nodename),
        allowed_user_ids=_ids(read, "ALLOWED_USER_IDS"),
        smoke_bot_ids=_ids(read, "SMOKE_BOT_IDS") or frozenset(),
        access=AccessFile(),  # read in `at_start`
        demo_model=read.one_of("DEMO_MODEL", "no", ("yes", "no")) == "yes",
        model_override=read.text("MODEL_OVERRIDE") or None,
        voice_models=read.text("VOICE_MODELS"),
        log_level=read.one_of("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        health_port=read.integer("HEALTH_PORT", 0, low=0, high=65535),
        file_port=read.integer("FILE_PORT", 0, low=0, high=65535),
        file_host=read.text("POD_IP"),
        running_cap=read.integer("RUNNING_CAP", 16, low=1, high=5000),
        chat_cap=read.integer("CHAT_WAITING_CAP", 20, low=1, high=1000),
        total_cap=read.integer("TOTAL_WAITING_CAP", 5000, low=1, high=1_000_000),
        starting_cap=read.integer("STARTING_CAP", 8, low=1, high=1000),
        warm=read.integer("WARM_AGENTS", 1, low=0, high=100),
        tools_cap=read.integer("TOOL_AGENTS_CAP", 20, low=1, high=5000),
        warm_tools=read.integer("WARM_TOOL_AGENTS", 1, low=0, high=100),
        tasks_per_job=read.integer("TASKS_PER_JOB", 1, low=1, high=1000),
        task_deadline_s=read.number("TASK_DEADLINE_S", 180, low=5, high=3600),
        warm_max_age_s=read.number("WARM_MAX_AGE_S", 900, low=10, high=86400),
        sleep_after_s=read.number("SLEEP_AFTER_S", 0, low=0, high=604800),
        queue_deadline_s=read.number("QUEUE_DEADLINE_S", 900, low=10, high=86400),
        windows=Windows(
            album_ms=read.integer("QUIET_ALBUM_MS", 300, low=0, high=5000),
            more_ms=read.integer("QUIET_MORE_MS", 1500, low=0, high=10_000),
            at_most_ms=read.integer("QUIET_AT_MOST_MS", 6000, low=0, high=60_000),
            fold_ms=read.integer("FOLD_WITHIN_MS", 1000, low=0, high=10_000),
        ),
        drain_s=read.number("DRAIN_S", 8, low=0, high=120),
        traces=_trace_collector(read),
        feedback_buttons=read.one_of("FEEDBACK_BUTTONS", "no", ("yes", "no")) == "yes",
    )
    if settings.launcher == "kubernetes" and not settings.namespace:
        read.faults.append("POD_NAMESPACE is missing: AGENT_LAUNCHER=kubernetes needs the namespace of its Jobs")
    read.done()
    return settings


def at_start(env: Mapping[str, str]) -> tuple[Settings, Roles]:
    """The settings with owners and budgets, and the roles of the folder `ROLES_DIR`.

    Raises SettingsError with the faults of all together.
    """
    settings, roles, budgets, access, faults = None, None, None, AccessFile(), []
    folder = Path(Environment(env).text("ROLES_DIR", "platform/openclaw/base"))
    try:
        settings = from_env(env)
    except SettingsError as exc:
        faults.append(str(exc))
    try:
        roles = load_roles(folder)
        budgets = load_budgets(folder, roles)
    except SettingsError as exc:
        faults.append(str(exc))
    try:
        access = load_access(folder)
    except SettingsError as exc:
        faults.append(str(exc))
    if settings is not None and roles is not None and settings.model_override is None:
        faults += _models_without_a_key(settings.servers, roles)
    if settings is None or roles is None or budgets is None or faults:
        raise SettingsError("\n".join(faults))
    return replace(settings, access=access, budgets=budgets), roles


def _models_without_a_key(servers: ModelServers, roles: Roles) -> list[str]:
    """One fault for each model whose provider has no key."""
    return [
        f"  - {PROVIDERS[model.provider].variable}_API_KEY is missing: "
        f"in roles.yaml, `{model.id}` is a model of {PROVIDERS[model.provider].title}"
        for model in roles.models.values()
        if servers.of(model.provider) is None
    ]


def _trace_collector(read: Environment) -> TraceCollector | None:
    """The collector of traces, by the standard variables of OpenTelemetry; None without one."""
    base, whole = read.url("OTEL_EXPORTER_OTLP_ENDPOINT"), read.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    read.one_of("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", ("http/json",))
    pairs = [one.partition("=") for one in read.secret("OTEL_EXPORTER_OTLP_HEADERS").split(",") if one.strip()]
    headers = {name.strip(): unquote(value.strip()) for name, _, value in pairs}
    if not all(name.isascii() and value.isascii() and name and value for name, value in headers.items()):
        read.faults.append("OTEL_EXPORTER_OTLP_HEADERS must be name=value with commas between")
    if read.text("OTEL_SDK_DISABLED").lower() == "true" or not (base or whole):
        return None
    return TraceCollector(url=whole or f"{base}/v1/traces", headers=headers)


def _ids(read: Environment, name: str) -> frozenset[int] | None:
    raw = read.secret(name)
    if raw == "*":
        return None
    try:
        return frozenset(int(part) for part in raw.split(",") if part.strip())
    except ValueError:
        read.faults.append(
            f"{name} must be ids of users, groups or channels (numbers) with commas between, or * for everyone"
        )
        return frozenset()
