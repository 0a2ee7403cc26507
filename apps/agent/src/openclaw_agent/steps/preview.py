"""The preview of an answer in steps: a status line while tools work, the growing text once there are words."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from openclaw_agent.preview import PREVIEW_POLL_S, Preview
from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.errors import StoreError
from openclaw_core.tasks.steps import Status
from openclaw_core.tasks.work import FIRST_WORDS_CHARS, FIRST_WORDS_S, GROUP_PREVIEW_EVERY_S, PREVIEW_EVERY_S

log = logs.get(__name__)


@dataclass(kw_only=True)
class StepPreview(Preview):
    """*shown* makes of the text so far what a chat may see of it, maybe nothing yet."""

    shown: Callable[[str], Awaitable[str]]
    _status: Status | None = None

    def tell(self, status: Status) -> None:
        """Show *status* in place of the text, which was what the model said about its calls."""
        self._pieces.clear()
        self._status = status
        self._changed.set()

    async def keep_written(self) -> None:
        """As of `Preview`, and the same for each status."""
        every_s = GROUP_PREVIEW_EVERY_S if self.run.task.chat_kind == "group" else PREVIEW_EVERY_S
        told: Status | None = None
        seen, since_s, has_words = "", self.clock(), False
        while True:
            text, status = self.text, self._status
            try:
                if is_blank(text):
                    seen, since_s, has_words = "", self.clock(), False
                    if status is None or status is told:
                        await self._wait_for_change()
                        since_s = self.clock()
                        continue
                    await self.work.status(self.run, status)
                    told = status
                elif not has_words and len(text) < FIRST_WORDS_CHARS and self.clock() - since_s < FIRST_WORDS_S:
                    await self.sleep(PREVIEW_POLL_S)
                    continue
                elif text == seen:
                    await self._wait_for_change()
                    continue
                else:
                    seen = text
                    shown = await self.shown(text)
                    if is_blank(shown):
                        continue
                    if not await self.work.write(self.run, shown):
                        return
                    has_words = True
            except StoreError as exc:
                seen = ""
                log.info("preview.not_written", error=type(exc).__name__)  # the next write holds this text too
            await self.sleep(every_s)
