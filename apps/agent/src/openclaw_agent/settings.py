"""The agent's settings: one function of a mapping. Two contracts: a place in a pool, or one task by itself ('alone')."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openclaw_core.environment import VOICE_MODELS, Environment, model_ids
from openclaw_core.store import RedisSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """The task that the environment holds. *task_id* makes a repeat harmless; without one, each start is a new task."""

    task_id: str
    chat_id: int
    role: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    telegram_token: str = field(repr=False)
    bot_id: int
    telegram_base_url: str | None
    groq_api_key: str = field(repr=False)
    groq_base_url: str | None
    redis: RedisSettings
    roles_dir: Path
    log_level: str
    job: str
    pool: str
    alone: Alone | None
    tasks_per_job: int
    task_deadline_s: float
    warm_max_age_s: float
    voice_models: tuple[str, ...]
    """In order of preference."""


def from_env(env: Mapping[str, str]) -> Settings:
    """Build the settings. Raises SettingsError naming every variable at fault, never its value."""
    read = Environment(env)
    token, bot_id = read.token()
    alone = _alone(read, env) if "TASK" in env else None
    settings = Settings(
        telegram_token=token,
        bot_id=bot_id,
        telegram_base_url=read.url("TELEGRAM_BASE_URL"),
        groq_api_key=read.api_key("GROQ_API_KEY"),
        groq_base_url=read.url("GROQ_BASE_URL"),
        redis=read.redis(),
        roles_dir=Path(read.text("ROLES_DIR", "platform/openclaw/base")),
        log_level=read.one_of("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        job=read.text("AGENT_JOB"),
        pool=read.text("AGENT_POOL"),
        alone=alone,
        tasks_per_job=read.integer("TASKS_PER_JOB", 1, low=1, high=1000),
        task_deadline_s=read.number("TASK_DEADLINE_S", 180, low=5, high=3600),
        warm_max_age_s=read.number("WARM_MAX_AGE_S", 900, low=10, high=86400),
        voice_models=model_ids(read.text("VOICE_MODELS", VOICE_MODELS)),
    )
    if alone is None and not (settings.job and settings.pool):
        read.faults.append(
            "TASK is missing: give TASK, ROLE and CHAT_ID for one task, or AGENT_JOB and AGENT_POOL for a place in a pool"
        )
    read.done()
    return settings


def _alone(read: Environment, env: Mapping[str, str]) -> Alone:
    import uuid  # here: an agent of a pool needs none

    chat = read.text("CHAT_ID")
    if not chat.lstrip("-").isdigit():
        read.faults.append("CHAT_ID must be the number of a chat")
        chat = "0"
    if not env["TASK"].strip():
        read.faults.append("TASK is empty: say what is to be answered")
    return Alone(
        task_id=f"alone-{read.text('TASK_ID') or uuid.uuid4().hex}",
        chat_id=int(chat),
        role=read.text("ROLE"),
        text=env["TASK"].strip(),
    )
