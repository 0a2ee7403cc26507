"""The agent's composition root: wait for a run, do it, hand it back when told to go; and the one map from errors to `Exit`.

It imports what a claim needs; `opening` brings the rest, and `alone` what one task by itself needs.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from openclaw_agent.opening import NeverReady, Opening, open_answering
from openclaw_agent.owning import own
from openclaw_agent.settings import InPool, Settings
from openclaw_core import logs
from openclaw_core.errors import (
    BadTask,
    LostOwnership,
    MessengerUnauthorized,
    Permanent,
    SettingsError,
    StoreFull,
    StoreMisconfigured,
    StoreUnavailable,
    Transient,
)
from openclaw_core.store import AgentWork, open_script
from openclaw_core.tasks.outcome import Exit
from openclaw_core.tasks.work import Run, Work

log = logs.get(__name__)
WAIT_S = 4.0
AGAIN_S = 1.0
"""Between two tries while Redis is away."""


async def run(settings: Settings, stop: asyncio.Event) -> Exit:
    """Do what this process is for, until done or *stop* is set; gives the exit code."""
    try:
        if isinstance(settings.contract, InPool):
            return await _run_in_pool(settings, settings.contract, stop)
        from openclaw_agent.alone import run_alone

        return await run_alone(settings, settings.contract, stop)
    except StoreMisconfigured as exc:
        log.error("store.misconfigured", hint=str(exc))
        return Exit.MISCONFIGURED
    except NeverReady as exc:
        raise exc.fault from None


async def _run_in_pool(settings: Settings, place: InPool, stop: asyncio.Event) -> Exit:
    async with AsyncExitStack() as stack:
        script = await stack.enter_async_context(open_script(settings.redis, bot_id=settings.bot_id, rights="agent"))
        work = AgentWork(script, pool=place.pool, job=place.job)
        answering = Opening(lambda: open_answering(settings, work, stack))
        stack.push_async_callback(answering.close)
        return await in_pool(place, work, answering, stop)


async def in_pool(place: InPool, work: Work, answering: Opening, stop: asyncio.Event) -> Exit:
    """Do runs of the pool as they come, until the last, or *stop*."""
    async for claimed in _claims(place, work, answering, stop):
        code = await own(work, answering, claimed, stop)
        if code is not Exit.DONE or stop.is_set() or claimed.last:
            return code
    return Exit.DONE


async def _claims(place: InPool, work: Work, answering: Opening, stop: asyncio.Event) -> AsyncIterator[Run]:
    """Runs as they come; ends after the last, when retired, too old, or told to stop."""
    born = time.monotonic()
    left = place.tasks_per_job
    stopping = asyncio.create_task(stop.wait(), name="stop")
    # Where agents take several tasks in a row, one that is up already would have taken it sooner.
    just_born = place.tasks_per_job == 1
    just_ended = False
    try:
        while not stop.is_set():
            first, just_born = just_born, False
            try:
                if time.monotonic() - born > place.warm_max_age_s:
                    with contextlib.suppress(StoreUnavailable, StoreFull):
                        await work.retire()
                    return  # looked at before Redis has answered: an agent whose Redis has gone for good ends too
                if not first:  # a Job made for a task takes it at once; one that waits says so when it could begin
                    await answering.ready()
                claimed = await work.claim(last=left == 1) if await work.any_ready() else None
                # The end of a run has said that its Job waits.
                if claimed is None and not first and not just_ended and not await work.check_in():
                    return
                just_ended = False
            except (StoreUnavailable, StoreFull):
                log.warning("store.unavailable", during="claim")
                await asyncio.wait([stopping], timeout=AGAIN_S)
                continue
            except LostOwnership:
                return  # retired
            if claimed is not None:
                left -= 1
                yield claimed
                just_ended = True
            elif not first:
                await _wait(work, stopping)
    finally:
        stopping.cancel()


async def _wait(work: Work, stopping: "asyncio.Task[bool]") -> None:
    """Return when the pool may have something, or at a stop."""
    waiting = asyncio.create_task(_waited(work), name="wait")
    await asyncio.wait([waiting, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting


async def _waited(work: Work) -> None:
    try:
        await work.wait(timeout_s=WAIT_S)
    except StoreUnavailable:
        await asyncio.sleep(AGAIN_S)


def exit_code(exc: Exception) -> Exit:
    """The code for an error that ends the process before or between tasks."""
    if isinstance(exc, BadTask):
        return Exit.BAD_TASK
    if isinstance(exc, SettingsError | StoreMisconfigured | MessengerUnauthorized):
        return Exit.MISCONFIGURED
    if isinstance(exc, Transient):
        return Exit.TRY_AGAIN
    if isinstance(exc, Permanent):
        return Exit.BAD_TASK
    raise exc
