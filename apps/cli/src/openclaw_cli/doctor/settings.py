"""Check the brain's settings, with what `openclaw up` fills in."""

from pathlib import Path

from openclaw_brain.settings import from_env
from openclaw_cli.doctor.findings import ROLES_DIR, Env, Level, Results, is_set, placeholder_key
from openclaw_core.roles.access import load_access


async def check(env: Env) -> Results:
    chosen = from_env({**_defaults(env), **{name: value for name, value in env.items() if value}})
    yield Level.OK, f"launcher {chosen.launcher}, at most {chosen.running_cap} tasks at a time, {chosen.warm} warm"
    listed = load_access(Path(env.get("ROLES_DIR") or ROLES_DIR))
    nobody = chosen.allowed_user_ids is not None and not chosen.allowed_user_ids
    if is_set(env, "TELEGRAM_TOKEN") and nobody and not (listed.owners or listed.users or listed.groups):
        yield (
            Level.WARNING,
            "ALLOWED_USER_IDS is empty, so the bot refuses everybody: it tells each their id; set that, or *",
        )


def _defaults(env: Env) -> dict[str, str]:
    """What `openclaw up` fills in for a variable that is not set."""
    defaults = placeholder_key(env)
    if not is_set(env, "TELEGRAM_TOKEN"):
        defaults |= {"TELEGRAM_TOKEN": "1:page", "ALLOWED_USER_IDS": "*"}
    if not is_set(env, "REDIS_URL") and not env.get("REDIS_HOST"):
        defaults["REDIS_URL"] = "redis://127.0.0.1"
    return defaults
