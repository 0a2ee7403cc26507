"""Loads what an answer needs and a claim does not: the libraries that call the model, which take half of a start.

They load in a thread during the first claim. If they cannot be loaded, the task is not at fault: its run is put back.
"""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

from openclaw_agent.settings import Settings
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import Run, Work

if TYPE_CHECKING:
    from openclaw_agent.answering import RunAnswerer
    from openclaw_agent.attachments.files import Files
    from openclaw_agent.tools.documents.opened_documents import OpenedDocuments
    from openclaw_agent.tools.tool import Tool


ToolsOf = Callable[[Sequence[str], Settings], "Mapping[str, Tool]"]
"""The tools of these names that an agent with these settings can use."""


class Answerer(Protocol):
    """Answers a run: `RunAnswerer`, or `LoadingAnswerer` before that is loaded."""

    @property
    def handing_over(self) -> bool:
        """Whether a whole answer is being written to the store."""

    async def answer(self, run: Run) -> Cause | None: ...


class LoadFailed(Exception):
    """What an answer needs cannot be loaded or opened; *fault* is the reason."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(type(fault).__name__)
        self.fault = fault


class LoadingAnswerer:
    """An `Answerer` that waits for a `RunAnswerer` to be loaded. Raises LoadFailed if that fails."""

    def __init__(self, load: "Callable[[], Awaitable[RunAnswerer]]") -> None:
        self._loading = asyncio.ensure_future(load())
        self._loaded: RunAnswerer | None = None

    @property
    def handing_over(self) -> bool:
        return self._loaded is not None and self._loaded.handing_over

    async def ready(self) -> "RunAnswerer":
        try:
            self._loaded = await asyncio.shield(self._loading)
        except Exception as exc:
            raise LoadFailed(exc) from exc
        return self._loaded

    async def answer(self, run: Run) -> Cause | None:
        return await (await self.ready()).answer(run)

    async def close(self) -> None:
        self._loading.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):  # `ready` has raised it
            await self._loading


def load_libraries(*, tools: bool = False) -> None:
    """Import what a claim does not need; with *tools* what an answer in steps needs too, which takes a fifth of a second."""
    import openclaw_agent.answering
    import openclaw_core.models.clients  # noqa: F401

    if tools:
        import openclaw_agent.steps.loop
        import openclaw_agent.tools.code.shown
        import openclaw_agent.tools.toolbox  # noqa: F401


async def open_answerer(
    settings: Settings,
    work: Work,
    stack: AsyncExitStack,
    *,
    files_of: "Callable[[Run], Files] | None" = None,
    tools_of: ToolsOf | None = None,
) -> "RunAnswerer":
    """Load the libraries and open the model client, which *stack* closes.

    *files_of* None takes files from the brain, *tools_of* None takes the tools of `tools.toolbox`.
    """
    await asyncio.to_thread(load_libraries, tools=settings.runner_socket is not None)
    from openclaw_agent.answering import RunAnswerer
    from openclaw_agent.attachments.files import BrainFiles
    from openclaw_core.models.clients import open_clients

    gc.freeze()
    gc.enable()  # __main__ switched it off until all is loaded
    chat = await stack.enter_async_context(open_clients(settings.servers))
    return RunAnswerer(
        work=work,
        chat=chat,
        transcriber=chat,
        files_of=files_of or (lambda run: BrainFiles(work=work, run=run)),
        task_deadline_s=settings.task_deadline_s,
        voice_models=settings.voice_models,
        revision=settings.revision,
        tools_of=lambda names: (tools_of or _tools_of)(names, settings),
        open_documents=lambda: _open_documents(settings),
    )


def _tools_of(names: Sequence[str], settings: Settings) -> "Mapping[str, Tool]":
    from openclaw_agent.tools.toolbox import tools_of  # a role without tools does not pay for them

    return tools_of(names, settings.search, settings.runner_socket)


def _open_documents(settings: Settings) -> "OpenedDocuments":
    from openclaw_agent.tools.documents.opened_documents import OpenedDocuments
    from openclaw_agent.tools.documents.sealed_reader import SealedReader

    return OpenedDocuments(reader=SealedReader(socket=settings.runner_socket))
