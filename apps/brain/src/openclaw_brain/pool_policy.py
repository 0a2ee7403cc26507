"""Policy of the pools: what an agent of each pool is made of under today's settings, and how many there may be."""

from collections.abc import Mapping
from typing import Any

from openclaw_brain.agents.pool import PoolLimits
from openclaw_brain.agents.ports import Pool
from openclaw_brain.settings import Settings
from openclaw_core.models import providers
from openclaw_core.roles.values import TOOLS_TEMPLATE, Roles

AGENT_VARIABLES = (
    *providers.VARIABLES, "REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "LOG_LEVEL",
    "TASKS_PER_JOB", "TASK_DEADLINE_S", "WARM_MAX_AGE_S", "VOICE_MODELS",
    "SEARCH_URL", "BRAVE_API_KEY", "TAVILY_API_KEY", "SEARCH_SCRAPING", "RUNNER_SOCKET",
)  # fmt: skip
"""Of the brain's environment, what a local agent gets."""
JOB_GRACE_S = 60
"""Between an agent's own limits and the deadline of its Job: start-up, and handing back."""


def templates_of(roles: Roles) -> list[str]:
    return sorted({role.template for role in roles.roles.values()})


def limits_of(template: str, settings: Settings) -> PoolLimits:
    tools = template == TOOLS_TEMPLATE
    return PoolLimits(
        warm=settings.warm_tools if tools else settings.warm,
        cap=settings.running_cap,
        pool_cap=settings.tools_cap if tools else settings.running_cap,
        starting_cap=settings.starting_cap,
        queue_deadline_s=settings.queue_deadline_s,
        sleep_after_s=settings.sleep_after_s,
    )


def pool_of(template: str, pod: Mapping[str, Any], settings: Settings) -> Pool:
    """The pool of a template under today's settings."""
    # What a task has left in a runner is no other task's.
    tasks_per_job = 1 if template == TOOLS_TEMPLATE else settings.tasks_per_job
    env = {
        "TASKS_PER_JOB": str(tasks_per_job),
        "TASK_DEADLINE_S": f"{settings.task_deadline_s:g}",
        "WARM_MAX_AGE_S": f"{settings.warm_max_age_s:g}",
        "BOT_ID": str(settings.bot_id),
    }
    if settings.launcher == "processes":
        env |= {"GROQ_BASE_URL": "", **settings.model_addresses}
    else:  # an overlay's settings reach the brain alone, so its agents get them from it
        models = {**settings.model_addresses, "VOICE_MODELS": settings.voice_models}
        env |= {name: value for name, value in models.items() if value}
    deadline_s = settings.warm_max_age_s + tasks_per_job * settings.task_deadline_s + JOB_GRACE_S
    return Pool.of(template, pod=pod, env=env, deadline_s=round(deadline_s))
