"""Displays, a Telegram and the leaders between them, and what has to hold in the end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from openclaw_core.chat import paging
from openclaw_core.chat.delivery import notices
from openclaw_core.chat.delivery.content import page_with_stopped_mark
from openclaw_core.chat.delivery.dispatcher import Dispatcher
from openclaw_core.chat.delivery.displays import Display, Displays, Stage
from openclaw_core.ports import Messenger, Page
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.texts import wording
from tests.core.delivery.virtual import now, wall
from tests.fakes.displays import FakeDisplays, Shelf
from tests.fakes.messenger import FakeTelegram
from tests.shipped import ROLES

STANDS = frozenset({Delivery.DELIVERED, Delivery.PARTIAL})


@dataclass
class Room:
    shelf: Shelf = field(default_factory=Shelf)
    telegram: FakeTelegram = field(default_factory=FakeTelegram)
    feedback_buttons: bool = False
    displays: FakeDisplays = field(init=False)
    engine: Dispatcher = field(init=False)

    def dispatcher(self, displays: Displays, messenger: Messenger | None = None) -> Dispatcher:
        return Dispatcher(
            displays=displays,
            messenger=messenger or self.telegram,
            roles=ROLES,
            feedback_buttons=self.feedback_buttons,
            drain_s=10,
            clock=now,
            wall=wall,
        )

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[Dispatcher]:
        """An engine that runs until the end of the block."""
        self.displays = self.shelf.lead()
        self.engine = self.dispatcher(self.displays)
        running = asyncio.create_task(self.engine.run())
        try:
            yield self.engine
        finally:
            if not running.done():
                running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            if not running.cancelled() and (exc := running.exception()):
                raise exc

    def change(self, display_id: str, stage: Stage, text: str = "", **fields: object) -> None:
        self.shelf.change(display_id, stage, text, **fields)
        self.engine.wake()

    def notice(self, key: str, **fields: object) -> None:
        self.shelf.notice(key, **fields)  # type: ignore[arg-type]
        self.engine.wake()

    def grow(self, display_id: str, text: str) -> None:
        self.shelf.texts[display_id] = text
        self.engine.grew(display_id)

    async def over(self, *, within_s: float = 300) -> None:
        """Return once nothing is left to show, to be put again, or to be applied late."""
        shelf, telegram = self.shelf, self.telegram
        await until(lambda: not shelf.open and not shelf.due and telegram.is_quiet(), within_s=within_s, every_s=0.1)

    def text(self, display_id: str, slot: int = 0) -> str:
        return self.telegram.messages[self.shelf.rows[display_id].slots[slot]].page.text

    # ---- what has to hold

    def check(self, *, limits: bool = True) -> None:
        """Every display has ended, what is shown is what was recorded, and nothing stands twice."""
        assert self.shelf.open == set()
        assert self.telegram.overlaps == 0
        assert not limits or self.telegram.broken == 0
        stands: Counter[str] = Counter()
        for said in self.telegram.messages.values():
            if not said.deleted and said.page.text != wording.PLACEHOLDER:
                stands[said.page.text] += 1
        expected: Counter[str] = Counter()
        for display_id, delivery in self.shelf.ended.items():
            if delivery in STANDS:
                expected.update(self._check(self.shelf.rows[display_id], delivery))
        assert stands == expected

    def _check(self, display: Display, delivery: Delivery) -> list[str]:
        """The texts of one display, each in its message."""
        texts = expected_texts(display, self.shelf.texts[display.id])
        if delivery is Delivery.PARTIAL:
            texts[-1] += f"\n\n{wording.sentence(wording.Sentence.FILE_FATE_UNKNOWN, display.lang)}"
        texts += ["…"] * (len(display.slots) - len(texts))
        shown = [self.telegram.messages[display.slots[slot]] for slot in sorted(display.slots)]
        assert [said.page.text for said in shown] == texts, display
        stop = wording.label(wording.Label.STOP, display.lang)
        assert not any(button.label == stop for said in shown for button in said.buttons)
        return texts


def expected_texts(display: Display, text: str) -> list[str]:
    match display.stage:
        case Stage.ANSWERED:
            texts = [page.text for page in paging.pages(text, lang=display.answer_lang)[0]]
        case Stage.FAILED:
            texts = [wording.failure(display.cause or Cause.INTERNAL, display.lang)]
        case Stage.STOPPED:
            drafts = [*paging.preview(text, lang=display.answer_lang), *[Page(text="💭")] * len(display.slots)]
            texts = [page.text for page in drafts[: len(display.slots)]]
            if texts:
                texts[-1] = page_with_stopped_mark(drafts[len(texts) - 1], display.lang).text
        case _:
            texts = [notices.notice_page(display, ROLES)[0].text]
    return texts


async def until(found: Callable[[], object], *, within_s: float = 300, every_s: float = 0.01) -> None:
    async with asyncio.timeout(within_s):
        while not found():
            await asyncio.sleep(every_s)
