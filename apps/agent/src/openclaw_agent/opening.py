"""What answering needs and a claim does not: the libraries that speak to the model, which are half of a start.

They load in a thread, beside the first claim. A fault in that is no fault of the task: it goes back untouched.
"""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

from openclaw_agent.settings import Settings
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import Run, Work

if TYPE_CHECKING:
    from openclaw_agent.answering import Answering
    from openclaw_agent.files import Files


class Answerer(Protocol):
    """Who does a run: `Answering`, or one that is still being opened."""

    @property
    def ending(self) -> bool:
        """Whether a whole answer is being handed over."""

    async def answer(self, run: Run) -> Cause | None: ...


class NeverReady(Exception):
    """What answering needs cannot be loaded or opened; *fault* says why."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(type(fault).__name__)
        self.fault = fault


class Opening:
    """An `Answering` on its way: whoever needs it waits for it. Raises NeverReady where there will be none."""

    def __init__(self, opened: "Callable[[], Awaitable[Answering]]") -> None:
        self._opened = asyncio.ensure_future(opened())
        self._answering: Answering | None = None

    @property
    def ending(self) -> bool:
        return self._answering is not None and self._answering.ending

    async def ready(self) -> "Answering":
        try:
            self._answering = await asyncio.shield(self._opened)
        except Exception as exc:
            raise NeverReady(exc) from exc
        return self._answering

    async def answer(self, run: Run) -> Cause | None:
        return await (await self.ready()).answer(run)

    async def close(self) -> None:
        self._opened.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):  # whoever waited for it has heard
            await self._opened


def load_libraries() -> None:
    """The imports that a claim does not need."""
    import openclaw_agent.answering  # noqa: F401
    import openclaw_core.models.clients  # noqa: F401


async def open_answering(
    settings: Settings, work: Work, stack: AsyncExitStack, *, files_of: "Callable[[Run], Files] | None" = None
) -> "Answering":
    """Load, and open the client of the model's server, which *stack* closes. Files come from the brain, unless *files_of* says from where."""
    await asyncio.to_thread(load_libraries)
    from openclaw_agent.answering import Answering
    from openclaw_agent.files import BrainFiles
    from openclaw_core.models.clients import open_clients

    gc.freeze()
    gc.enable()  # put off by __main__ until all is loaded
    chat = await stack.enter_async_context(open_clients(settings.servers))
    return Answering(
        work=work,
        chat=chat,
        ears=chat,
        files_of=files_of or (lambda run: BrainFiles(work=work, run=run)),
        task_deadline_s=settings.task_deadline_s,
        voice_models=settings.voice_models,
    )
