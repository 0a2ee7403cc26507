"""Check that Redis answers, keeps what it confirms, and has room."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from openclaw_cli.doctor.findings import SETTINGS_FIRST, Env, Level, Results, is_set
from openclaw_cli.up.local_redis import local_redis, server_binary
from openclaw_core.environment import Environment
from openclaw_core.errors import OpenClawError, StoreMisconfigured
from openclaw_core.store import open_script

NEARLY_FULL = 0.8
"""Of `maxmemory`: as the brain's own warning and the alert have it."""


async def check(env: Env) -> Results:
    async with _server(env) as (url, name):
        read = Environment({"REDIS_URL": url} if url else env)
        found = read.redis()
        if read.faults:
            yield Level.FAULT, SETTINGS_FIRST
            return
        async with open_script(found, bot_id=0) as script:
            try:
                server = await script.check()
                memory = await script.memory()
            except StoreMisconfigured as exc:
                yield Level.FAULT, f"{name}: {exc}"
                return
            except OpenClawError as exc:
                yield Level.FAULT, f"{name}: {exc}; start it, or check REDIS_URL"
                return
        yield Level.OK, f"{name}: {server}, appendfsync always, noeviction"
        yield fullness(memory.used, memory.limit)


def fullness(used: int, limit: int) -> tuple[Level, str]:
    """How full a server is that may use *limit* bytes, 0 for all of its machine's."""
    if not limit:
        return Level.OK, f"{used / 2**20:.0f} MB in use, no maxmemory: the machine's memory is the limit"
    text = f"{used / 2**20:.0f} of {limit / 2**20:.0f} MB in use ({used / limit:.0%})"
    if used < NEARLY_FULL * limit:
        return Level.OK, text
    return Level.WARNING, f"{text}: raise maxmemory, or the oldest finished tasks go soon (docs/capacity.md)"


@asynccontextmanager
async def _server(env: Env) -> AsyncIterator[tuple[str | None, str]]:
    """The Redis that *env* names, else one that `openclaw up` would start, for the time of the check."""
    if is_set(env, "REDIS_URL") or env.get("REDIS_HOST"):
        yield None, "REDIS_URL" if is_set(env, "REDIS_URL") else "REDIS_HOST"
        return
    with tempfile.TemporaryDirectory() as folder:
        async with local_redis(Path(folder)) as url:
            yield url, f"our own ({Path(server_binary()).name})"
