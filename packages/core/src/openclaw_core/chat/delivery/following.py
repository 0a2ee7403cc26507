"""Follows the store: what has changed, what is to be put again, and signs."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from openclaw_core import logs
from openclaw_core.chat.delivery.chats import Chats
from openclaw_core.chat.delivery.displays import Displays, Stage
from openclaw_core.chat.delivery.recording import APPLIED_WITHIN_MS, Recorder
from openclaw_core.chat.delivery.signs import Signs
from openclaw_core.errors import LostOwnership, StoreFault, StoreFull, StoreUnavailable

log = logs.get(__name__)

LOOK_EVERY_S = 1.0
"""Between two questions for what has changed, if nobody nudges."""
SIGNS_IN_HAND = 100


@dataclass(kw_only=True)
class Follower:
    displays: Displays
    recorder: Recorder
    chats: Chats
    signs: Signs
    clock: Callable[[], float]
    wall_ms: Callable[[], int]
    touch: Callable[[int], None]
    """Told of a chat in which something has changed."""
    wake: Callable[[], None]
    nudged: asyncio.Event = field(default_factory=asyncio.Event)
    signed: bool = True
    """There may be signs."""
    since: int = 0
    """The version up to which all changes were read."""
    _looks: bool = True
    _heard: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Something has changed; what, the store says."""
        self._looks = True
        self.nudged.set()

    def hear(self, versions: Mapping[str, int]) -> None:
        """These displays have changed, and have those versions now."""
        self._heard.update(versions)
        self.nudged.set()

    async def run(self) -> None:
        """Read what has changed, what is to be put again, and signs. Redis' absence is waited out."""
        due_at = 0.0
        while True:
            self.nudged.clear()
            try:
                due = self.clock() >= due_at
                if self._looks or due:
                    await self._read_changed()
                if self._heard:
                    await self._read_heard()
                if due:
                    await self._read_due()
                    due_at = self.clock() + LOOK_EVERY_S
                    self.signed = True
                if self.signed and len(self.signs) < SIGNS_IN_HAND:
                    await self._read_signs()
            except StoreFault as exc:
                self._looks = True
                log.fault("displays.fault", exc)
                await asyncio.sleep(LOOK_EVERY_S)
            except (StoreUnavailable, StoreFull) as exc:
                self._looks = True
                log.warning("store.unavailable", during="delivery", error=type(exc).__name__)
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due_at - self.clock())):
                    await self.nudged.wait()

    async def _read_changed(self) -> None:
        self._looks = False  # before the question: what changes meanwhile is read again
        asked_at, asked_ms = self.clock(), self.wall_ms()
        first = self.recorder.proved_at == -inf
        for display in await self.displays.changed(self.since):
            view = self.chats.open(display)
            if first:
                view.grew = True
                if view.slots:  # the leader before may have an edit under way
                    view.doubt_ms = asked_ms + APPLIED_WITHIN_MS
            self.since = max(self.since, display.version)
            self.touch(display.chat_id)
        could_begin = self.recorder.may_begin()
        self.recorder.proved(asked_at)
        if not could_begin:
            self.wake()

    async def _read_heard(self) -> None:
        """Read those of which was heard. What is read here and lies beyond a change that was not, the next look reads again."""
        heard, self._heard = self._heard, {}
        versions = {display: version for display, version in heard.items() if version > self.since}
        for display in await self.displays.heard(versions):
            self.chats.open(display)
            self.touch(display.chat_id)
        for version in sorted(versions.values()):
            if version == self.since + 1:
                self.since = version

    async def _read_due(self) -> None:
        """Displays whose text is put again, since Telegram can apply no edit of before any more."""
        now_ms = self.wall_ms()
        for display in await self.displays.due(now_ms):
            view = self.chats.open(display)
            if view.display.stage is Stage.GROWING:
                view.again_ms = now_ms  # the next preview is put in any case
                with suppress(StoreFault):
                    await self.displays.settled(display.id, now_ms)
            elif not view.again_ms:
                view.again_ms = now_ms
            self.touch(display.chat_id)

    async def _read_signs(self) -> None:
        self.signed = False
        for sign in await self.displays.signs(SIGNS_IN_HAND):
            if not sign.task_id or sign.button_id:
                self.signs.add(sign)
                self.wake()
            elif sign not in (chat := self.chats.chat(sign.chat_id)).files:
                chat.files.append(sign)
                self.touch(sign.chat_id)

    async def still_leads(self) -> bool:
        """Whether this process leads. Raises StoreUnavailable."""
        try:
            await self.displays.changed(self.since)
        except LostOwnership:
            return False
        return True
