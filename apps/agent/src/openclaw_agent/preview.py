"""The preview of an answer: collects its pieces, and writes the text so far into the run as often as the chat can show it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.errors import StoreError
from openclaw_core.tasks.work import FIRST_WORDS_CHARS, FIRST_WORDS_S, GROUP_PREVIEW_EVERY_S, PREVIEW_EVERY_S, Run, Work

log = logs.get(__name__)
PREVIEW_POLL_S = 0.05
"""While the first text waits."""


@dataclass(kw_only=True)
class Preview:
    work: Work
    run: Run
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _pieces: list[str] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def add(self, piece: str) -> None:
        self._pieces.append(piece)
        self._changed.set()

    def clear(self) -> None:
        """Begin again: another model is asked."""
        self._pieces.clear()
        self._changed.set()

    async def keep_written(self) -> None:
        """Write the text each time it has changed. Returns if the user sent more for this task: the model must be asked again.

        Raises LostOwnership.
        """
        await self._wait_for_first_words()
        every_s = GROUP_PREVIEW_EVERY_S if self.run.task.chat_kind == "group" else PREVIEW_EVERY_S
        written = ""
        while True:
            text = self.text
            if text == written or is_blank(text):
                await self._wait_for_change()
                continue
            try:
                if not await self.work.write(self.run, text):
                    return
                written = text
            except StoreError as exc:
                log.info("preview.not_written", error=type(exc).__name__)  # the next write holds this text too
            await self.sleep(every_s)

    async def _wait_for_first_words(self) -> None:
        """Return when the first text is long or old enough."""
        since_s = self.clock()
        while is_blank(self.text) or not (
            len(self.text) >= FIRST_WORDS_CHARS or self.clock() - since_s >= FIRST_WORDS_S
        ):
            if is_blank(self.text):
                await self._wait_for_change()
                since_s = self.clock()
            else:
                await self.sleep(PREVIEW_POLL_S)

    async def _wait_for_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
