"""Takes runs from the pool, one after another, and does each under its lease until it has ended, is lost or is handed back."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from openclaw_agent.loading import Answerer, LoadFailed, LoadingAnswerer
from openclaw_agent.settings import InPool
from openclaw_agent.store_retry import RETRY_S, until_stored
from openclaw_core import logs
from openclaw_core.errors import LostOwnership, StoreError, StoreUnavailable
from openclaw_core.tasks.outcome import Cause, Exit
from openclaw_core.tasks.work import HandedBack, PutBack, Run, Work

log = logs.get(__name__)
WAIT_S = 4.0
RENEW_EVERY_S = 3.0
CHECK_EVERY_S = 0.5
"""So Stop ends an answer within 1 s."""
HAND_BACK_S = 4.0
"""Of the 5 s in which a run is handed back after SIGTERM."""
HAND_OVER_S = 2.0
"""Of that, for an answer that is being handed over."""
CANCEL_S = 1.0
"""For the calls of a cancelled answer to close."""


# ---- wait and claim


async def do_runs(place: InPool, work: Work, answerer: LoadingAnswerer, stop: asyncio.Event) -> Exit:
    """Do runs of the pool until the last one has ended or *stop* is set. Returns the exit code."""
    async for run in _claimed_runs(place, work, answerer, stop):
        code = await do_run(work, answerer, run, stop)
        if code is not Exit.DONE or stop.is_set() or run.last:
            return code
    return Exit.DONE


async def _claimed_runs(
    place: InPool, work: Work, answerer: LoadingAnswerer, stop: asyncio.Event
) -> AsyncIterator[Run]:
    """Yield runs as they are claimed. Ends after the last one, at *stop*, or when this agent is retired or too old."""
    started = time.monotonic()
    left = place.tasks_per_job
    stopping = asyncio.create_task(stop.wait(), name="stop")
    # An agent of several tasks leaves the first one to agents that have loaded already.
    first = place.tasks_per_job == 1
    just_ended = False
    try:
        while not stop.is_set():
            claim_at_once, first = first, False
            try:
                # Asked before Redis is: an agent whose Redis is gone for good ends too.
                if time.monotonic() - started > place.warm_max_age_s:
                    with contextlib.suppress(StoreError):
                        await work.retire()
                    return
                if not claim_at_once:  # an agent that waits says so only when it can begin
                    await answerer.ready()
                run = await work.claim(last=left == 1) if await work.any_ready() else None
                # The end of a run has checked this agent in.
                if run is None and not claim_at_once and not just_ended and not await work.check_in():
                    return
                just_ended = False
            except StoreError:
                log.warning("store.unavailable", during="claim")
                await asyncio.wait([stopping], timeout=RETRY_S)
                continue
            except LostOwnership:
                return  # retired
            if run is not None:
                left -= 1
                yield run
                just_ended = True
            elif not claim_at_once:
                await _wait_for_run(work, stopping)
    finally:
        stopping.cancel()


async def _wait_for_run(work: Work, stopping: "asyncio.Task[bool]") -> None:
    """Return when the pool may have a run, or at a stop."""
    waiting = asyncio.create_task(work.wait(timeout_s=WAIT_S), name="wait")
    await asyncio.wait([waiting, stopping], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        await waiting
    except StoreUnavailable:
        await asyncio.wait([stopping], timeout=RETRY_S)
    except asyncio.CancelledError:
        pass


# ---- one run


async def do_run(
    work: Work, answerer: Answerer, run: Run, stop: asyncio.Event, *, hand_back_s: float = HAND_BACK_S
) -> Exit:
    """Answer *run*, or hand it back within *hand_back_s* once *stop* is set. Returns the exit code.

    Raises LoadFailed after the run was put back.
    """
    with logs.bound(task_id=run.task.id, role=run.task.role, attempt=run.attempt):
        log.info("task.claimed", waited_ms=round(time.time() * 1000) - run.task.admitted_ms)
        answering = asyncio.create_task(answerer.answer(run), name="answer")
        renewing = asyncio.create_task(renew_lease(work, run), name="lease")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait([answering, renewing, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() and renewing.done():
                renewing.result()  # raises LostOwnership
            if not answering.done():
                async with asyncio.timeout(hand_back_s):
                    return await _hand_back(work, answerer, run, answering)
            return exit_code(answering.result())
        except LostOwnership:
            log.info("task.lost", hint="stopped by its user, given to another, or ended")
            return Exit.DONE
        except LoadFailed:
            with contextlib.suppress(LostOwnership, StoreError):
                await work.end(run, PutBack())
                log.error("task.put_back", hint="this process cannot answer; the error at its end says why")
            raise
        except (TimeoutError, StoreError):
            log.warning("task.not_handed_back", hint="its lease ends by itself")
            return Exit.TRY_AGAIN
        finally:
            for one in (answering, renewing, stopping):
                one.cancel()
            await asyncio.gather(answering, renewing, stopping, return_exceptions=True)


async def _hand_back(work: Work, answerer: Answerer, run: Run, answering: "asyncio.Task[Cause | None]") -> Exit:
    """Give the run to another process, unless its answer is being handed over."""
    if answerer.handing_over:
        await asyncio.wait([answering], timeout=HAND_OVER_S)
    if not answering.done():
        answering.cancel()
        await asyncio.wait([answering], timeout=CANCEL_S)
    if answering.done() and not answering.cancelled():
        return exit_code(answering.result())
    await until_stored(lambda: work.end(run, HandedBack()))
    log.info("task.handed_back")
    return Exit.TRY_AGAIN


async def renew_lease(
    work: Work,
    run: Run,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Renew the lease of *run* until it is lost, which raises LostOwnership: stopped by its user, given to another, or ended."""
    renewed_s, writes = clock(), work.writes
    while True:
        await sleep(CHECK_EVERY_S)
        now_s = clock()
        try:
            if now_s - renewed_s >= RENEW_EVERY_S:
                await work.renew(run)
                renewed_s = now_s
            elif work.writes == writes:  # else a write has checked already
                await work.check(run)
            writes = work.writes
        except StoreError:
            continue  # the brain ends no lease while Redis is away


def exit_code(cause: Cause | None) -> Exit:
    """The exit code after a run that failed with *cause*, or was answered (None)."""
    match cause:
        case Cause.BAD_TASK:
            return Exit.BAD_TASK
        case Cause.MODEL_KEY | Cause.MISCONFIGURED:
            return Exit.MISCONFIGURED
        case _:
            return Exit.DONE  # another try would not help
