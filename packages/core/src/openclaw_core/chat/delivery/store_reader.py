"""Reads from the store: changed displays, displays whose text is due again, and indicators."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from openclaw_core import logs
from openclaw_core.chat.delivery.chats import OpenChats
from openclaw_core.chat.delivery.displays import Change, Displays, Stage
from openclaw_core.chat.delivery.indicators import IndicatorQueue
from openclaw_core.chat.delivery.recorder import APPLIED_WITHIN_MS, Recorder
from openclaw_core.errors import LostOwnership, StoreError, StoreFault

log = logs.get(__name__)

READ_EVERY_S = 1.0
"""Between two reads of the changes, if nobody wakes the reader."""
INDICATORS_MAX = 100


@dataclass(kw_only=True)
class StoreReader:
    """Keeps `OpenChats` up to date with the store. *touch* is called with each chat that has changed."""

    displays: Displays
    recorder: Recorder
    chats: OpenChats
    indicators: IndicatorQueue
    clock: Callable[[], float]
    wall_ms: Callable[[], int]
    touch: Callable[[int], None]
    wake: Callable[[], None]
    wake_event: asyncio.Event = field(default_factory=asyncio.Event)
    indicators_waiting: bool = True
    since: int = 0
    """All changes up to this version were read."""
    _changes_unread: bool = True
    _announced: dict[str, Change] = field(default_factory=dict)

    def read_soon(self) -> None:
        """Something has changed; the store knows what."""
        self._changes_unread = True
        self.wake_event.set()

    def announce(self, changes: Mapping[str, Change]) -> None:
        """These displays have changed."""
        self._announced.update(changes)
        self.wake_event.set()

    async def run(self) -> None:
        """Read until cancelled. Waits while the store is away. Raises LostOwnership."""
        due_at = 0.0
        while True:
            self.wake_event.clear()
            try:
                due = self.clock() >= due_at
                if self._changes_unread or due:
                    await self._read_changed()
                if self._announced:
                    await self._read_heard()
                if due:
                    await self._read_due()
                    due_at = self.clock() + READ_EVERY_S
                    self.indicators_waiting = True
                if self.indicators_waiting and len(self.indicators) < INDICATORS_MAX:
                    await self._read_indicators()
            except StoreFault as exc:
                self._changes_unread = True
                log.fault("displays.fault", exc)
                await asyncio.sleep(READ_EVERY_S)
            except StoreError as exc:
                self._changes_unread = True
                log.warning("store.unavailable", during="delivery", error=type(exc).__name__)
                await asyncio.sleep(READ_EVERY_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due_at - self.clock())):
                    await self.wake_event.wait()

    async def _read_changed(self) -> None:
        self._changes_unread = False  # before the question: what changes meanwhile is read again
        asked_at, asked_ms = self.clock(), self.wall_ms()
        first = self.recorder.lead_proved_at == -inf
        for display in await self.displays.changed(self.since):
            state = self.chats.open(display)
            if first:
                state.stale = True
                if state.slots:  # the leader before may have an edit under way
                    state.doubt_ms = asked_ms + APPLIED_WITHIN_MS
            self.since = max(self.since, display.version)
            self.touch(display.chat_id)
        could_call = self.recorder.may_call()
        self.recorder.note_lead(asked_at)
        if not could_call:
            self.wake()

    async def _read_heard(self) -> None:
        """Read the announced displays. After a gap in the versions, `_read_changed` reads them again."""
        announced, self._announced = self._announced, {}
        changes = {name: change for name, change in announced.items() if change.version > self.since}
        for display in await self.displays.announced(changes):
            self.chats.open(display)
            self.touch(display.chat_id)
        for version in sorted(change.version for change in changes.values()):
            if version == self.since + 1:
                self.since = version

    async def _read_due(self) -> None:
        """Read the displays whose text is written again. Telegram can no longer apply an earlier edit."""
        now_ms = self.wall_ms()
        for display in await self.displays.due(now_ms):
            state = self.chats.open(display)
            if state.display.stage is Stage.GROWING:
                state.rewrite_before_ms = now_ms  # the next preview is written in any case
                with suppress(StoreFault):
                    await self.displays.settled(display.id, now_ms)
            elif not state.rewrite_before_ms:
                state.rewrite_before_ms = now_ms
            self.touch(display.chat_id)

    async def _read_indicators(self) -> None:
        self.indicators_waiting = False
        for indicator in await self.displays.take_indicators(INDICATORS_MAX):
            if not indicator.task_id or indicator.button_id:
                self.indicators.add(indicator)
                self.wake()
            elif indicator not in (chat := self.chats.chat(indicator.chat_id)).files:
                chat.files.append(indicator)
                self.touch(indicator.chat_id)

    async def still_leads(self) -> bool:
        """Whether this process leads. Raises StoreUnavailable."""
        try:
            await self.displays.changed(self.since)
        except LostOwnership:
            return False
        return True
