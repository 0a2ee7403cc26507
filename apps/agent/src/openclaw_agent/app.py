"""The agent's composition root: opens the store and the clients, and starts the runner.

It imports what a claim needs. `loading` brings the libraries of an answer, `alone` those of an agent without a brain.
"""

import asyncio
from contextlib import AsyncExitStack

from openclaw_agent.loading import LoadFailed, LoadingAnswerer, ToolsOf, open_answerer
from openclaw_agent.runner import do_runs
from openclaw_agent.settings import InPool, Settings
from openclaw_core import logs
from openclaw_core.errors import StoreMisconfigured
from openclaw_core.store import AgentWork, open_script
from openclaw_core.tasks.outcome import Exit

log = logs.get(__name__)


async def run(settings: Settings, stop: asyncio.Event, *, tools_of: ToolsOf | None = None) -> Exit:
    """Do the work of this process until it has ended or *stop* is set. Returns the exit code. *tools_of* is given by tests alone."""
    try:
        if not isinstance(settings.contract, InPool):
            from openclaw_agent.alone.runner import run_alone

            return await run_alone(settings, settings.contract, stop)
        place = settings.contract
        async with AsyncExitStack() as stack:
            script = await stack.enter_async_context(
                open_script(settings.redis, bot_id=settings.bot_id, rights="agent")
            )
            work = AgentWork(script, pool=place.pool, job=place.job)
            answerer = LoadingAnswerer(lambda: open_answerer(settings, work, stack, tools_of=tools_of))
            stack.push_async_callback(answerer.close)
            return await do_runs(place, work, answerer, stop)
    except StoreMisconfigured as exc:
        log.error("store.misconfigured", hint=str(exc))
        return Exit.MISCONFIGURED
    except LoadFailed as exc:
        raise exc.fault from None
