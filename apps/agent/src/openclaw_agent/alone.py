"""One task by itself: the environment holds it, this process answers it and shows the answer, and Redis keeps its record and the history."""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack
from functools import partial

from openclaw_agent.alone_work import AloneDisplays, AloneWork, Deliverer, MessengerFiles
from openclaw_agent.opening import Answerer, Opening, open_answering
from openclaw_agent.owning import own
from openclaw_agent.settings import Alone, Settings
from openclaw_core import logs
from openclaw_core.chat.delivery.dispatcher import Dispatcher
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.errors import LostOwnership, MessengerUnauthorized, Permanent, SettingsError, Transient
from openclaw_core.ports import Messenger
from openclaw_core.roles.orders import order_of
from openclaw_core.roles.values import Roles, load
from openclaw_core.store import AloneTasks, RedisDisplays, move_chat, open_script
from openclaw_core.tasks.outcome import ENDED, Exit
from openclaw_core.tasks.task import Order, Task
from openclaw_core.tasks.work import Run
from openclaw_core.texts.language import lang_of

log = logs.get(__name__)
DELIVER_S = 180.0
"""For an answer to reach its chat; the waits of a flood limit count."""


async def run_alone(settings: Settings, alone: Alone, stop: asyncio.Event) -> Exit:
    """Open what the task of the environment needs, and do it; gives the exit code."""
    task, order = task_of(alone, load(alone.roles_dir))
    async with AsyncExitStack() as stack:
        script = await stack.enter_async_context(open_script(settings.redis, bot_id=settings.bot_id))
        messenger = await stack.enter_async_context(
            TelegramMessenger.open(alone.telegram_token, alone.telegram_base_url)
        )
        messenger.on_moved = partial(move_chat, script)
        start = secrets.token_hex(8)
        displays = AloneDisplays(
            kept=RedisDisplays(script, alone=start), task_id=task.id, deadline_ms=task.admitted_ms + round(settings.task_deadline_s * 1000)
        )  # fmt: skip
        work = AloneWork(records=AloneTasks(script, start=start), displays=displays)
        files_of = partial(_files_of, messenger)
        answering = Opening(lambda: open_answering(settings, work, stack, files_of=files_of))
        stack.push_async_callback(answering.close)
        displays.deliverer = deliverer = Dispatcher(
            displays=displays, messenger=messenger, drain_s=messenger.timeout_s, cautious=False
        )
        await check_token(messenger)
        return await do_alone(task, order, work, answering, deliverer, stop)


async def check_token(messenger: TelegramMessenger) -> None:
    """Raises SettingsError for a token that Telegram refuses. Telegram may be away: an answer takes time, and it is asked again then."""
    try:
        await messenger.get_me()
    except MessengerUnauthorized:
        raise SettingsError("TELEGRAM_TOKEN is refused by Telegram: copy it again from @BotFather") from None
    except (Transient, Permanent) as exc:
        log.warning("telegram.unavailable", during="start", error=type(exc).__name__)


def _files_of(messenger: Messenger, run: Run) -> MessengerFiles:
    return MessengerFiles(messenger=messenger, materials=run.task.materials)


def task_of(alone: Alone, roles: Roles) -> tuple[Task, Order]:
    """The task of the environment and how it is to be done. Raises SettingsError for a role that there is not."""
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
    return task, order_of(role)


async def do_alone(
    task: Task, order: Order, work: AloneWork, answering: Answerer, deliverer: Deliverer, stop: asyncio.Event
) -> Exit:
    """Answer *task* unless an earlier start has, and show its end unless that stands; gives the exit code. The newest start of a task owns it: others
    end as soon as they hear of it."""
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
            run = Run(name=task.id, task=task, order=order, history=begun.history, attempt=1, last=True)
            code = await own(work, answering, run, stop)
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
    """Whether the end of the task stands in its chat, once it does or *stop* is set. Raises what ended the delivery."""
    done = asyncio.create_task(displays.done.wait(), name="shown")
    told = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait([done, told, delivering], timeout=DELIVER_S, return_when=asyncio.FIRST_COMPLETED)
        if not done.done() and delivering.done():
            delivering.result()
        return done.done()
    finally:
        done.cancel()
        told.cancel()
