"""Runs the task of the environment: opens what it needs, answers it, and waits until its end is shown in the chat."""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack
from functools import partial

from openclaw_agent.alone.work import AloneDisplays, AloneWork, Deliverer, MessengerFiles
from openclaw_agent.loading import Answerer, LoadingAnswerer, open_answerer
from openclaw_agent.runner import do_run
from openclaw_agent.settings import Alone, Settings
from openclaw_core import logs
from openclaw_core.chat.delivery.dispatcher import Dispatcher
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.errors import LostOwnership, MessengerUnauthorized, Permanent, SettingsError, Transient
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.snapshot import snapshot_of
from openclaw_core.roles.values import Roles
from openclaw_core.store import AloneTasks, RedisDisplays, move_chat, open_script
from openclaw_core.tasks.outcome import ENDED, Exit
from openclaw_core.tasks.task import RoleSnapshot, Task
from openclaw_core.tasks.work import Run
from openclaw_core.texts.language import lang_of

log = logs.get(__name__)
DELIVER_S = 180.0
"""For an answer to reach its chat, with the waits of a flood limit."""


async def run_alone(settings: Settings, alone: Alone, stop: asyncio.Event) -> Exit:
    """Open the store and the clients, and do the task. Returns the exit code."""
    task, snapshot = task_of(alone, load_roles(alone.roles_dir))
    async with AsyncExitStack() as stack:
        script = await stack.enter_async_context(open_script(settings.redis, bot_id=settings.bot_id))
        messenger = await stack.enter_async_context(
            TelegramMessenger.open(alone.telegram_token, alone.telegram_base_url)
        )
        messenger.on_moved = partial(move_chat, script)
        start = secrets.token_hex(8)
        displays = AloneDisplays(
            stored=RedisDisplays(script, alone=start), task_id=task.id,
            deadline_ms=task.admitted_ms + round(settings.task_deadline_s * 1000)
        )  # fmt: skip
        work = AloneWork(records=AloneTasks(script, start=start), displays=displays)

        def files_of(run: Run) -> MessengerFiles:
            return MessengerFiles(messenger=messenger, attachments=run.task.attachments)

        answerer = LoadingAnswerer(lambda: open_answerer(settings, work, stack, files_of=files_of))
        stack.push_async_callback(answerer.close)
        displays.deliverer = deliverer = Dispatcher(
            displays=displays, messenger=messenger, drain_s=messenger.timeout_s, cautious=False
        )
        await check_token(messenger)
        return await do_alone(task, snapshot, work, answerer, deliverer, stop)


async def check_token(messenger: TelegramMessenger) -> None:
    """Raises SettingsError for a token that Telegram refuses. If Telegram is away, the delivery finds out later."""
    try:
        await messenger.get_me()
    except MessengerUnauthorized:
        raise SettingsError("TELEGRAM_TOKEN is refused by Telegram: copy it again from @BotFather") from None
    except (Transient, Permanent) as exc:
        log.warning("telegram.unavailable", during="start", error=type(exc).__name__)


def task_of(alone: Alone, roles: Roles) -> tuple[Task, RoleSnapshot]:
    """The task of the environment, and the settings of its role. Raises SettingsError for an unknown role."""
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
        role=role.name,
    )
    return task, snapshot_of(role)


async def do_alone(
    task: Task, snapshot: RoleSnapshot, work: AloneWork, answerer: Answerer, deliverer: Deliverer, stop: asyncio.Event
) -> Exit:
    """Answer *task* and show its end, unless an earlier start has done so. Returns the exit code.

    The newest start of a task owns it. Older starts end as soon as they notice.
    """
    begun = await work.records.begin(task)
    if begun.state in ENDED and not begun.unshown:
        log.info("task.ended_before", task_id=task.id)
        return Exit.DONE
    delivering = asyncio.create_task(deliverer.run(), name="deliver")
    try:
        code = Exit.DONE
        if begun.unshown:
            work.displays.end()
        else:
            run = Run(name=task.id, task=task, snapshot=snapshot, history=begun.history, attempt=1, last=True)
            code = await do_run(work, answerer, run, stop)
        if not work.displays.ended or await _shown(work.displays, delivering, stop):
            return code
        log.warning("delivery.unfinished", task_id=task.id)
        return Exit.TRY_AGAIN
    except LostOwnership:
        log.info("task.lost", task_id=task.id, hint="another start of it shows its end")
        return Exit.DONE
    finally:
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)


async def _shown(displays: AloneDisplays, delivering: "asyncio.Task[None]", stop: asyncio.Event) -> bool:
    """Wait until the end of the task is shown or *stop* is set. Returns whether it is shown. Raises the error that ended the delivery."""
    done = asyncio.create_task(displays.done.wait(), name="shown")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait([done, stopping, delivering], timeout=DELIVER_S, return_when=asyncio.FIRST_COMPLETED)
        if not done.done() and delivering.done():
            delivering.result()
        return done.done()
    finally:
        done.cancel()
        stopping.cancel()
