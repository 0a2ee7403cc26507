"""The status line while documents are fetched and opened, before a model is asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from openclaw_agent.tools.tool import subject
from openclaw_core import logs
from openclaw_core.errors import LostOwnership, StoreError
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.work import Run, Work

log = logs.get(__name__)
TOLD_AFTER_S = 1.0
"""A document that is opened sooner gets no line: it would flicker."""


@asynccontextmanager
async def told_of_opening(
    work: Work, run: Run, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[None]:
    """Tell the chat which documents are opened, if the block takes longer than `TOLD_AFTER_S`."""
    telling = asyncio.create_task(_tell(work, run, sleep), name="tell of opening")
    try:
        yield
    finally:
        telling.cancel()
        [ended] = await asyncio.gather(telling, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended  # a bug


async def _tell(work: Work, run: Run, sleep: Callable[[float], Awaitable[None]]) -> None:
    await sleep(TOLD_AFTER_S)
    names = ", ".join(one.name for one in run.task.attachments if one.kind in ("document", "file") and one.name)
    try:
        await work.status(run, Status(doing=Doing.OPENING, subject=subject(names)))
    except (StoreError, LostOwnership) as exc:  # whatever is written next meets the same
        log.info("status.not_written", error=type(exc).__name__)
