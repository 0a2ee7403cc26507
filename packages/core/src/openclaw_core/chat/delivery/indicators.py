"""Indicators: reactions, 'typing' and the end of a button's spinner. They have a flood limit of their own; losing one loses no message."""

import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from math import inf
from typing import Any

from openclaw_core import logs
from openclaw_core.chat.delivery.actions import TYPING_EVERY_S, may_type
from openclaw_core.chat.delivery.display_state import DisplayState
from openclaw_core.chat.delivery.displays import Indicator
from openclaw_core.chat.delivery.flood_limits import FloodLimits, Permit
from openclaw_core.errors import LostOwnership, OpenClawError
from openclaw_core.ports import Messenger
from openclaw_core.records import UNREADABLE

log = logs.get(__name__)

SEEN = "👀"
OLD_AFTER_MS = 60_000
AT_ONCE = 10


@dataclass(kw_only=True)
class IndicatorQueue:
    """A queue in memory: reactions and spinners in order, then 'typing'. *typed* is called with a chat after its 'typing'."""

    messenger: Messenger
    limits: FloodLimits
    clock: Callable[[], float]
    wall_ms: Callable[[], int]
    typed: Callable[[int], None]
    _waiting: deque[Indicator] = field(default_factory=deque)
    _resting: list[tuple[float, int, Indicator]] = field(default_factory=list)
    _typing: deque[DisplayState] = field(default_factory=deque)
    _under_way: int = 0
    _number: int = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, indicator: Indicator) -> None:
        self._waiting.append(indicator)

    def typing(self, state: DisplayState) -> None:
        """Show 'typing' for *state* when there is room, once."""
        state.typing_after = inf
        self._typing.append(state)

    def start(self, start: Callable[[Coroutine[Any, Any, None]], None], places: int) -> float:
        """Start the calls that are due, at most *places*. Returns the seconds until the next may be due."""
        now = self.clock()
        while self._resting and self._resting[0][0] <= now:
            self._waiting.append(heapq.heappop(self._resting)[2])
        for _ in range(min(places, AT_ONCE - self._under_way)):
            self._skip()
            if not self._waiting and not self._typing:
                break
            if wait_s := self.limits.indicator_wait_s():
                return wait_s
            self._under_way += 1
            if self._waiting:
                indicator = self._waiting.popleft()
                start(self._show(indicator, self.limits.take_indicator(indicator.chat_id)))
            else:
                state = self._typing.popleft()
                start(self._type(state, self.limits.take_indicator(state.display.chat_id)))
        return self._resting[0][0] - now if self._resting else inf

    def _skip(self) -> None:
        """Drop indicators that are too old, and set aside those whose chat rests."""
        now_ms = self.wall_ms()
        while self._waiting:
            indicator = self._waiting[0]
            rests_s = self.limits.rests_s(indicator.chat_id)
            if now_ms + rests_s * 1000 > indicator.at_ms + OLD_AFTER_MS:
                log.info("indicator.dropped", error="old")
            elif rests_s:
                self._number += 1
                heapq.heappush(self._resting, (self.clock() + rests_s, self._number, indicator))
            else:
                break
            self._waiting.popleft()
        while self._typing:
            state = self._typing[0]
            rests_s = self.limits.rests_s(state.display.chat_id)
            if may_type(state) and not rests_s:
                break
            self._typing.popleft()
            self._typed(state, max(TYPING_EVERY_S, rests_s))

    async def _show(self, indicator: Indicator, permit: Permit) -> None:
        try:
            if indicator.button_id:
                await self._make(permit, self.messenger.answer_button(indicator.button_id, indicator.toast))
            elif await self._make(permit, self.messenger.react(indicator.chat_id, indicator.message_id, SEEN)):
                return
            elif (
                not self.limits.rests_s(indicator.chat_id) and not self.limits.indicator_wait_s()
            ):  # groups may forbid reactions
                permit = self.limits.take_indicator(indicator.chat_id)
                await self._make(permit, self.messenger.show_typing(indicator.chat_id, thread_id=indicator.thread_id))
        finally:
            self._under_way -= 1

    async def _type(self, state: DisplayState, permit: Permit) -> None:
        display = state.display
        try:
            await self._make(permit, self.messenger.show_typing(display.chat_id, thread_id=display.thread_id))
        finally:
            self._under_way -= 1
            self._typed(state, TYPING_EVERY_S)

    def _typed(self, state: DisplayState, pause_s: float) -> None:
        state.typing_after = self.clock() + pause_s
        self.typed(state.display.chat_id)

    async def _make(self, permit: Permit, call: Awaitable[None]) -> bool:
        """Make the call; False if it failed. Raises LostOwnership."""
        try:
            await call
        except LostOwnership:
            raise
        except OpenClawError as exc:
            self.limits.failed(permit, exc)
            log.info("indicator.dropped", error=type(exc).__name__)
        except UNREADABLE as exc:  # a press carries what somebody's program wrote into it
            log.fault("row.unreadable", exc, of="signs")
        else:
            return True
        return False
