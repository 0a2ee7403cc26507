"""Reads the text of a display from the store at the moment when a call for it may be made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openclaw_core import logs
from openclaw_core.characters import is_blank
from openclaw_core.chat.delivery import plan, texts
from openclaw_core.chat.delivery.displays import Displays, Stage
from openclaw_core.chat.delivery.recording import Recorder
from openclaw_core.chat.delivery.view import View
from openclaw_core.tasks.outcome import Delivery

if TYPE_CHECKING:
    from openclaw_core.roles.values import Roles

log = logs.get(__name__)


@dataclass(kw_only=True)
class Reader:
    """Fills `View.texts`. Raises LostOwnership, StoreFault, and one of `records.UNREADABLE` for what has no sentence."""

    displays: Displays
    recorder: Recorder
    roles: "Roles | None"
    clock: Callable[[], float]

    async def read(self, view: View) -> None:
        display = view.display
        match display.stage:
            case Stage.GROWING:
                await self._growing(view)
            case Stage.ANSWERED | Stage.STOPPED:
                await self._kept(view)
            case _:
                view.texts = texts.own(display, self.roles)

    async def _kept(self, view: View) -> None:
        display = view.display
        markdown = await self.recorder.persist(lambda: self.displays.answer(display.id))
        if view.display is not display:
            return  # it has changed meanwhile
        if display.stage is Stage.STOPPED:
            view.texts = texts.stopped(markdown, view)
            return
        view.texts = texts.answer(markdown, view)
        if not view.texts.pages:
            log.error("display.empty", display=display.id)
            view.ends_as = Delivery.UNDELIVERABLE

    async def _growing(self, view: View) -> None:
        display = view.display
        view.grew = False  # before the question: what grows meanwhile is read again
        growing = await self.recorder.persist(lambda: self.displays.growing(display.id))
        if view.display.stage is not Stage.GROWING or not growing.began or is_blank(growing.text):
            return
        now = self.clock()
        view.words_since = min(view.words_since, now)
        if (until := plan.held_until(growing.text, view)) > now:
            view.look_at, view.grew = until, True
            return
        view.texts = texts.growing(growing.text, view)
