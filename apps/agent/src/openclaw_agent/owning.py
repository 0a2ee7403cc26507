"""One claimed run from here to its end: answered or given up, taken from us, or given back."""

import asyncio
import contextlib
import time

from openclaw_agent import lease
from openclaw_agent.opening import Answerer, NeverReady
from openclaw_core import logs
from openclaw_core.errors import LostOwnership, StoreFull, StoreUnavailable
from openclaw_core.tasks.outcome import Cause, Exit
from openclaw_core.tasks.work import HandedBack, PutBack, Run, Work

log = logs.get(__name__)
HAND_BACK_S = 4.0
"""Of the 5 s in which a run is given back after SIGTERM."""
ENDING_S = 2.0
"""Of that, for an answer that is being handed over."""
CANCEL_S = 1.0
"""For the stream and the calls of an answer that is given up to close."""


async def own(
    work: Work, answering: Answerer, run: Run, stop: asyncio.Event, *, hand_back_s: float = HAND_BACK_S
) -> Exit:
    """Do *run*, or hand it back within *hand_back_s* once *stop* is set; gives the exit code. Raises NeverReady after putting it back."""
    with logs.bound(task_id=run.task.id, role=run.task.role, attempt=run.attempt):
        log.info("task.claimed", waited_ms=round(time.time() * 1000) - run.task.admitted_ms)
        answer = asyncio.create_task(answering.answer(run), name="answer")
        keeping = asyncio.create_task(lease.keep(work, run), name="lease")
        told = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait([answer, keeping, told], return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and keeping.done():
                keeping.result()  # raises LostOwnership
            if not answer.done():
                async with asyncio.timeout(hand_back_s):
                    return await _hand_back(work, answering, run, answer)
            return code_of(answer.result())
        except LostOwnership:
            log.info("task.lost", hint="stopped by its user, given to another, or ended")
            return Exit.DONE
        except NeverReady:
            with contextlib.suppress(LostOwnership, StoreUnavailable, StoreFull):
                await work.end(run, PutBack())
                log.error("task.put_back", hint="this process cannot answer; its last words say why")
            raise
        except (TimeoutError, StoreUnavailable, StoreFull):
            log.warning("task.not_handed_back", hint="its lease ends by itself")
            return Exit.TRY_AGAIN
        finally:
            for one in (answer, keeping, told):
                one.cancel()
            await asyncio.gather(answer, keeping, told, return_exceptions=True)


async def _hand_back(work: Work, answering: Answerer, run: Run, answer: "asyncio.Task[Cause | None]") -> Exit:
    """Give the run to another process, unless its answer is being handed over."""
    if answering.ending:
        await asyncio.wait([answer], timeout=ENDING_S)
    if not answer.done():
        answer.cancel()
        await asyncio.wait([answer], timeout=CANCEL_S)
    if answer.done() and not answer.cancelled():
        return code_of(answer.result())
    await lease.persist(lambda: work.end(run, HandedBack()))
    log.info("task.handed_back")
    return Exit.TRY_AGAIN


def code_of(cause: Cause | None) -> Exit:
    """The exit code after a run that ended with *cause*, or with an answer."""
    match cause:
        case Cause.BAD_TASK:
            return Exit.BAD_TASK
        case Cause.MODEL_KEY | Cause.MISCONFIGURED:
            return Exit.MISCONFIGURED
        case _:
            return Exit.DONE  # nothing is left to try
