"""The agent's settings, read from a mapping. There are two contracts: a place in a pool, or one task alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openclaw_core.environment import VOICE_MODELS, Environment, model_ids
from openclaw_core.models.providers import ModelServers
from openclaw_core.store import RedisSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class InPool:
    """A place in a pool. It reads no bot token, even if the environment has one."""

    pool: str
    job: str
    tasks_per_job: int
    warm_max_age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """The task of the environment. A repeat with the same *task_id* is harmless; without one, each start is a new task."""

    task_id: str
    chat_id: int
    role: str
    text: str = field(repr=False)
    telegram_token: str = field(repr=False)
    telegram_base_url: str | None
    roles_dir: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchServices:
    """Where `web_search` may ask. Those that are set are asked in this order."""

    searxng_url: str | None = None
    brave_key: str = field(default="", repr=False)
    tavily_key: str = field(default="", repr=False)
    scraping: bool = False
    """Whether to read the engines' own pages where none is set: only for a bot on one machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    contract: InPool | Alone
    bot_id: int
    servers: ModelServers
    redis: RedisSettings
    log_level: str
    task_deadline_s: float
    voice_models: tuple[str, ...]
    """In order of preference."""
    search: SearchServices = SearchServices()
    revision: str = ""
    """The commit that the image was built from; empty where nobody said it."""
    runner_socket: Path | None = None
    """Where the sealed runner listens; None: nothing can be run or read here."""


def from_env(env: Mapping[str, str]) -> Settings:
    """Build the settings. Raises SettingsError naming every variable at fault, never its value."""
    read = Environment(env)
    contract, bot_id = _alone(read, env) if "TASK" in env else _in_pool(read)
    settings = Settings(
        contract=contract,
        bot_id=bot_id,
        servers=read.model_servers(),
        redis=read.redis(),
        runner_socket=Path(socket) if (socket := read.text("RUNNER_SOCKET")) else None,
        revision=read.text("OPENCLAW_REVISION"),
        log_level=read.one_of("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        task_deadline_s=read.number("TASK_DEADLINE_S", 180, low=5, high=3600),
        voice_models=model_ids(read.text("VOICE_MODELS", VOICE_MODELS)),
        search=search_services(read),
    )
    read.done()
    return settings


def search_services(read: Environment) -> SearchServices:
    """Where `web_search` may ask. Faults stay in *read*."""
    return SearchServices(
        searxng_url=read.url("SEARCH_URL"),
        brave_key=read.api_key("BRAVE_API_KEY", required=False),
        tavily_key=read.api_key("TAVILY_API_KEY", required=False),
        scraping=read.one_of("SEARCH_SCRAPING", "no", ("yes", "no")) == "yes",
    )


def _in_pool(read: Environment) -> tuple[InPool, int]:
    """A place in a pool, and the bot's id."""
    contract = InPool(
        pool=read.text("AGENT_POOL"),
        job=read.text("AGENT_JOB"),
        tasks_per_job=read.integer("TASKS_PER_JOB", 1, low=1, high=1000),
        warm_max_age_s=read.number("WARM_MAX_AGE_S", 900, low=10, high=86400),
    )
    bot_id = read.integer("BOT_ID", 0, low=1, high=10**15)
    if not (contract.pool and contract.job):
        read.faults.append(
            "TASK is missing: give TASK, ROLE and CHAT_ID for one task, or AGENT_JOB, AGENT_POOL and BOT_ID for a place in a pool"
        )
    elif not read.text("BOT_ID"):
        read.faults.append("BOT_ID is missing: it is the number before the colon of the bot's token")
    return contract, bot_id


def _alone(read: Environment, env: Mapping[str, str]) -> tuple[Alone, int]:
    """The task of the environment, and the bot's id, which is in its token."""
    import uuid  # here: an agent of a pool does without it

    token, bot_id = read.token()
    chat = read.text("CHAT_ID")
    if not chat.removeprefix("-").isdecimal():
        read.faults.append("CHAT_ID must be the number of a chat")
        chat = "0"
    if not env["TASK"].strip():
        read.faults.append("TASK is empty: say what is to be answered")
    contract = Alone(
        task_id=f"alone-{read.text('TASK_ID') or uuid.uuid4().hex}",
        chat_id=int(chat),
        role=read.text("ROLE"),
        text=env["TASK"].strip(),
        telegram_token=token,
        telegram_base_url=read.url("TELEGRAM_BASE_URL"),
        roles_dir=Path(read.text("ROLES_DIR", "platform/openclaw/base")),
    )
    return contract, bot_id
