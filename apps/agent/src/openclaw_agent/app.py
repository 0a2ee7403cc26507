"""The agent's composition root: wait for a task, do it, hand it back when told to go; and the one map from errors to `Exit`.

It imports what a claim needs; `opening` brings the rest.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from openclaw_agent.lease import Lease
from openclaw_agent.opening import Answerer, NeverReady, Opening, open_answering
from openclaw_agent.settings import Alone, Settings
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
from openclaw_core.outcome import Cause, Exit, TaskState
from openclaw_core.store import Answers, Claimed, open_script
from openclaw_core.task import Task, order_of

if TYPE_CHECKING:
    from openclaw_agent.answering import Result

log = logs.get(__name__)
WAIT_S = 4.0
HAND_BACK_S = 4.0
"""Of the 5 s in which a task is given back after SIGTERM."""


async def run(settings: Settings, stop: asyncio.Event) -> Exit:
    """Do what this process is for, until done or *stop* is set; gives the exit code."""
    async with AsyncExitStack() as stack:
        script = await stack.enter_async_context(open_script(settings.redis, bot_id=settings.bot_id))
        answers = Answers(script, pool=settings.pool or None, job=settings.job or None)
        answering = Opening(lambda: open_answering(settings, script, answers, stack))
        stack.push_async_callback(answering.close)
        try:
            if settings.alone is not None:
                return await _alone(settings, settings.alone, answers, answering, stop)
            return await _in_pool(settings, answers, answering, stop)
        except StoreMisconfigured as exc:
            log.error("store.misconfigured", hint=str(exc))
            return Exit.MISCONFIGURED
        except NeverReady as exc:
            raise exc.fault from None


async def _in_pool(settings: Settings, answers: Answers, answering: Opening, stop: asyncio.Event) -> Exit:
    async for claimed, since in _claims(settings, answers, answering, stop):
        code = await own(answers, answering, claimed, since, stop)
        if code is not Exit.DONE or stop.is_set() or claimed.last:
            return code
    return Exit.DONE


async def _claims(
    settings: Settings, answers: Answers, answering: Opening, stop: asyncio.Event
) -> AsyncIterator[tuple[Claimed, float]]:
    """Tasks as they come, each with the time before its claim; ends after the last, when retired, too old, or told to stop."""
    born = time.monotonic()
    left = settings.tasks_per_job
    stopping = asyncio.create_task(stop.wait(), name="stop")
    # Where agents take several tasks in a row, one that is up already would have taken it sooner.
    just_born = settings.tasks_per_job == 1
    try:
        while not stop.is_set():
            first, just_born = just_born, False
            try:
                if time.monotonic() - born > settings.warm_max_age_s:
                    with contextlib.suppress(StoreUnavailable, StoreFull):
                        await answers.retire()
                    return  # looked at before Redis has answered: an agent whose Redis has gone for good ends too
                if not first:  # a Job made for a task takes it at once; one that waits says so when it could begin
                    await answering.ready()
                    if not await answers.check_in():
                        return
                since = time.monotonic()
                claimed = await answers.claim(last=left == 1)
            except (StoreUnavailable, StoreFull):
                log.warning("store.unavailable", during="claim")
                await asyncio.wait([stopping], timeout=1)
                continue
            except BadTask:
                log.error("task.unreadable")
                with contextlib.suppress(LostOwnership):
                    await answers.give_up_unreadable()
                continue
            except LostOwnership:
                return  # retired
            if claimed is not None:
                left -= 1
                yield claimed, since
            if first or claimed is not None:
                continue
            waiting = asyncio.create_task(_wait(answers), name="wait")
            await asyncio.wait([waiting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
    finally:
        stopping.cancel()


async def _wait(answers: Answers) -> None:
    try:
        await answers.wait(timeout_s=WAIT_S)
    except StoreUnavailable:
        await asyncio.sleep(1)


async def _alone(settings: Settings, alone: Alone, answers: Answers, answering: Opening, stop: asyncio.Event) -> Exit:
    from openclaw_core.language import lang_of
    from openclaw_core.roles import load

    await answering.ready()
    roles = load(settings.roles_dir)
    role = roles.roles.get(alone.role or roles.default)
    if role is None:
        raise SettingsError(f"ROLE must be one of {', '.join(sorted(roles.roles))}")
    task = Task(
        id=alone.task_id,
        chat_id=alone.chat_id,
        chat_kind="group" if alone.chat_id < 0 else "private",
        user_id=0,
        message_id=0,
        update_id=0,
        lang=lang_of(alone.text, stored=None, language_code=""),
        text=alone.text,
        admitted_ms=round(time.time() * 1000),
        order=order_of(role),
        role=role.name,
    )
    since = time.monotonic()
    claimed = await answers.claim_alone(task)
    if claimed is None:
        log.info("task.ended_before", task_id=task.id)
        return Exit.DONE
    return await own(answers, answering, claimed, since, stop)


async def own(answers: Answers, answering: Answerer, claimed: Claimed, since: float, stop: asyncio.Event) -> Exit:
    """One claimed task from here to its end: answered, stopped by its user, taken by another, or handed back."""
    with logs.bound(task_id=claimed.task.id, role=claimed.task.role, attempt=claimed.attempt):
        log.info(
            "task.claimed",
            waited_ms=round(time.time() * 1000) - claimed.task.admitted_ms,
            delivers_only=claimed.outbox is not None,
        )
        lease = Lease(answers=answers, claimed=claimed, since=since)
        work = asyncio.create_task(answering.answer(claimed, lease), name="answer")
        keep = asyncio.create_task(lease.keep(), name="lease")
        told = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait([work, keep, told], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return _code(await _result(work))
            work.cancel()
            await asyncio.wait([work], timeout=1)
            if keep.done() and keep.result() is TaskState.CANCELLED:
                await answering.mark_stopped(claimed)
                log.info("task.stopped")
                return Exit.DONE
            if keep.done():
                log.warning("task.taken", state=keep.result().value)
                return Exit.DONE
            async with asyncio.timeout(HAND_BACK_S):
                given = await answers.hand_back(claimed)
            log.info("task.handed_back", given=given)
            return Exit.TRY_AGAIN
        except NeverReady:
            await answers.put_back(claimed)
            log.error("task.put_back", hint="this process cannot answer; its last words say why")
            raise
        except (TimeoutError, StoreUnavailable, StoreFull):
            log.warning("task.not_handed_back", hint="its lease ends by itself")
            return Exit.TRY_AGAIN
        finally:
            for task in (work, keep, told):
                task.cancel()
            await asyncio.gather(work, keep, told, return_exceptions=True)


async def _result(work: "asyncio.Task[Result]") -> "Result | None":
    try:
        return await work
    except LostOwnership:
        return None  # another's now


def _code(result: "Result | None") -> Exit:
    match result.cause if result is not None else None:
        case None:
            return Exit.DONE
        case Cause.BAD_TASK:
            return Exit.BAD_TASK
        case Cause.MODEL_KEY | Cause.MISCONFIGURED:
            return Exit.MISCONFIGURED
        case _:
            return Exit.DONE  # the user is told; nothing is left to try


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
