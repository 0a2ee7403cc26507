"""An answer while it grows: its pieces come as the model says them, and are written as often as its chat can be shown them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.errors import StoreFull, StoreUnavailable
from openclaw_core.tasks.work import Run, Work

log = logs.get(__name__)
WRITE_EVERY_S, GROUP_WRITE_EVERY_S = 1.2, 3.0
"""Delivery edits no preview more often (`openclaw_core.chat.delivery.plan`, which an agent does not import)."""
FIRST_WORDS_CHARS = 80
FIRST_WORDS_S = 0.4
"""Fewer and younger first words wait: a model whose thoughts no mark began may say with the next ones that they were thoughts."""
LOOK_S = 0.05
"""Between two looks at first words that wait."""


@dataclass(kw_only=True)
class Draft:
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
        """What came so far counts no more."""
        self._pieces.clear()
        self._changed.set()

    async def keep_written(self) -> None:
        """Write the text as it grows. Returns only if the task has grown: its model is to be asked again. Raises LostOwnership."""
        await self._first_words()
        every_s = GROUP_WRITE_EVERY_S if self.run.task.chat_kind == "group" else WRITE_EVERY_S
        written = ""
        while True:
            text = self.text
            if text == written or is_blank(text):
                await self._change()
                continue
            try:
                if not await self.work.write(self.run, text):
                    return
                written = text
            except (StoreUnavailable, StoreFull) as exc:
                log.info("draft.not_written", error=type(exc).__name__)  # the next one holds it too
            await self.sleep(every_s)

    async def _first_words(self) -> None:
        """Return once the first words have waited for long enough, or are enough of them."""
        since = self.clock()
        while is_blank(self.text) or not (len(self.text) >= FIRST_WORDS_CHARS or self.clock() - since >= FIRST_WORDS_S):
            if is_blank(self.text):
                await self._change()
                since = self.clock()
            else:
                await self.sleep(LOOK_S)

    async def _change(self) -> None:
        """Wait for the next piece; called when all others have been looked at."""
        self._changed.clear()
        await self._changed.wait()
