"""Reads the text of a display from the store when a call for it may be made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.chat.delivery import actions, content
from openclaw_core.chat.delivery.display_state import DisplayState
from openclaw_core.chat.delivery.displays import Displays, Stage
from openclaw_core.chat.delivery.notices import feedback_buttons
from openclaw_core.chat.delivery.recorder import Recorder
from openclaw_core.tasks.outcome import Delivery

if TYPE_CHECKING:
    from openclaw_core.roles.values import Roles

log = logs.get(__name__)


@dataclass(kw_only=True)
class TextLoader:
    """Fills `DisplayState.content`. Raises LostOwnership, StoreFault, and one of `records.UNREADABLE` for what has no sentence."""

    displays: Displays
    recorder: Recorder
    roles: "Roles | None"
    clock: Callable[[], float]
    feedback_buttons: bool = False
    """Whether 👍 and 👎 stand under an answer."""

    async def load(self, state: DisplayState) -> None:
        display = state.display
        match display.stage:
            case Stage.GROWING:
                await self._load_preview(state)
            case Stage.ANSWERED | Stage.STOPPED:
                await self._load_answer(state)
            case _:
                state.content = content.of_failure_or_notice(display, self.roles)

    async def _load_answer(self, state: DisplayState) -> None:
        display = state.display
        markdown = await self.recorder.persist(lambda: self.displays.answer(display.id))
        if state.display is not display:
            return  # it has changed meanwhile
        if display.stage is Stage.STOPPED:
            state.content = content.of_stopped(markdown, state)
            return
        buttons = feedback_buttons(display.task_id) if self.feedback_buttons else ()
        state.content = content.of_answer(markdown, state, buttons)
        if not state.content.pages:
            log.error("display.empty", display=display.id)
            state.ends_as = Delivery.UNDELIVERABLE

    async def _load_preview(self, state: DisplayState) -> None:
        display = state.display
        state.stale = False  # before the read: text that is added meanwhile is read next time
        growing = await self.recorder.persist(lambda: self.displays.growing(display.id))
        if state.display.stage is not Stage.GROWING:
            return
        if growing.status is not None:
            state.content = content.of_status(growing.status, state)
            return
        if not growing.began or is_blank(growing.text):
            return
        now = self.clock()
        state.first_text_at = min(state.first_text_at, now)
        if (until := actions.hold_until(growing.text, state)) > now:
            state.preview_after, state.stale = until, True
            return
        state.content = content.of_preview(growing.text, state)
