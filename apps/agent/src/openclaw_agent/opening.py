"""What answering needs and a claim does not: the libraries of Telegram and of the model, which are half of a start.

They load in a thread, beside the first claim. A fault in that is no fault of the task: it goes back untouched.
"""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Protocol

from openclaw_agent.lease import Lease
from openclaw_agent.settings import Settings
from openclaw_core.store import Answers, Claimed, Flood, Script, move_chat

if TYPE_CHECKING:
    from openclaw_agent.answering import Answering, Result


class Answerer(Protocol):
    """Who does a claimed task: `Answering`, or one that is still being opened."""

    async def answer(self, claimed: Claimed, lease: Lease) -> "Result": ...

    async def mark_stopped(self, claimed: Claimed) -> None: ...


class NeverReady(Exception):
    """What answering needs cannot be loaded or opened; *fault* says why."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(type(fault).__name__)
        self.fault = fault


class Opening:
    """An `Answering` on its way: whoever needs it waits for it. Raises NeverReady where there will be none."""

    def __init__(self, opened: "Callable[[], Awaitable[Answering]]") -> None:
        self._opened = asyncio.ensure_future(opened())

    async def ready(self) -> "Answering":
        try:
            return await asyncio.shield(self._opened)
        except Exception as exc:
            raise NeverReady(exc) from exc

    async def answer(self, claimed: Claimed, lease: Lease) -> "Result":
        return await (await self.ready()).answer(claimed, lease)

    async def mark_stopped(self, claimed: Claimed) -> None:
        await (await self.ready()).mark_stopped(claimed)

    async def close(self) -> None:
        self._opened.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):  # whoever waited for it has heard
            await self._opened


def load_libraries() -> None:
    """The imports that a claim does not need."""
    import openclaw_agent.answering  # noqa: F401
    import openclaw_core.chat
    import openclaw_core.messenger  # noqa: F401


async def open_answering(settings: Settings, script: Script, answers: Answers, stack: AsyncExitStack) -> "Answering":
    """Load, and open the clients, which *stack* closes."""
    await asyncio.to_thread(load_libraries)
    from openclaw_agent.answering import Answering
    from openclaw_core.chat import ModelServer
    from openclaw_core.messenger import TelegramMessenger

    gc.freeze()
    gc.enable()  # put off by __main__ until all is loaded
    messenger = await stack.enter_async_context(
        TelegramMessenger.open(settings.telegram_token, settings.telegram_base_url)
    )
    messenger.on_moved = partial(move_chat, script)
    chat = await stack.enter_async_context(ModelServer.open(settings.groq_api_key, base_url=settings.groq_base_url))
    return Answering(
        answers=answers,
        messenger=messenger,
        chat=chat,
        ears=chat,
        flood=Flood(script),
        task_deadline_s=settings.task_deadline_s,
        voice_models=settings.voice_models,
    )
