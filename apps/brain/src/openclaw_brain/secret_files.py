"""Notices that a secret of the settings was replaced in its file, such as the bot's token. The brain then ends, and is started again with it.

The kubelet replaces the files of a Secret in a running pod, and nothing else starts that pod again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from openclaw_brain.settings import Settings, from_env
from openclaw_core import logs
from openclaw_core.errors import SettingsError

LOOKS_EACH_S = 5.0
log = logs.get(__name__)


def is_replaced(settings: Settings, env: Mapping[str, str]) -> bool:
    """Whether the files that *env* names give other settings by now. Raises SettingsError if they give none.

    A password of Redis does not count: docs/redis.md says when the brain has to take a new one.
    """
    now = from_env(env)
    return replace(now, access=settings.access, budgets=settings.budgets, redis=settings.redis) != settings


async def until_replaced(
    settings: Settings, env: Mapping[str, str], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Wait until a secret was replaced. What cannot be used is not taken: the brain goes on with what it has."""
    usable = True
    while True:
        await sleep(LOOKS_EACH_S)
        try:
            if is_replaced(settings, env):
                log.info("secrets.replaced", hint="this brain ends, and is started again with the new ones")
                return
            usable = True
        except SettingsError:
            if usable:
                log.error(
                    "secrets.not_usable", hint="a file of a secret is gone or malformed: the one of the start counts"
                )
            usable = False


@asynccontextmanager
async def stopping_when_replaced(
    settings: Settings, env: Mapping[str, str], stop: asyncio.Event
) -> AsyncIterator[None]:
    """Set *stop* when a secret was replaced within the block. On one machine nothing would start the brain again, so there it goes on."""
    if settings.launcher != "kubernetes":
        yield
        return
    watching = asyncio.create_task(until_replaced(settings, env), name="watch secrets")
    watching.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})
    if not watching.cancelled():
        watching.result()  # a bug ends the process too
