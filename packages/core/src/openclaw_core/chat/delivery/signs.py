"""Reactions, 'typing' and buttons' spinners: small, quick, and no message is lost with them. They have a limit of their own."""

import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from math import inf
from typing import Any

from openclaw_core import logs
from openclaw_core.chat.delivery.displays import Sign
from openclaw_core.chat.delivery.limits import Limits, Permit
from openclaw_core.chat.delivery.plan import TYPING_EVERY_S, may_type
from openclaw_core.chat.delivery.view import View
from openclaw_core.errors import LostOwnership, OpenClawError
from openclaw_core.ports import Messenger
from openclaw_core.records import UNREADABLE

log = logs.get(__name__)

SEEN = "👀"
OLD_AFTER_MS = 60_000
AT_ONCE = 10


@dataclass(kw_only=True)
class Signs:
    """A queue in memory: reactions and spinners in order, then 'typing'."""

    messenger: Messenger
    limits: Limits
    clock: Callable[[], float]
    wall_ms: Callable[[], int]
    typed: Callable[[int], None]
    """Told of a chat whose 'typing' was shown or left out."""
    _waiting: deque[Sign] = field(default_factory=deque)
    _resting: list[tuple[float, int, Sign]] = field(default_factory=list)
    _typing: deque[View] = field(default_factory=deque)
    _under_way: int = 0
    _number: int = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, sign: Sign) -> None:
        self._waiting.append(sign)

    def typing(self, view: View) -> None:
        """Show 'typing' for *view* when there is room, once."""
        view.typing_at = inf
        self._typing.append(view)

    def start(self, start: Callable[[Coroutine[Any, Any, None]], None], places: int) -> float:
        """Start what may go now, at most *places* calls. Gives the seconds until there may be more."""
        now = self.clock()
        while self._resting and self._resting[0][0] <= now:
            self._waiting.append(heapq.heappop(self._resting)[2])
        for _ in range(min(places, AT_ONCE - self._under_way)):
            self._leave_out()
            if not self._waiting and not self._typing:
                break
            if wait_s := self.limits.sign_wait_s():
                return wait_s
            self._under_way += 1
            if self._waiting:
                sign = self._waiting.popleft()
                start(self._show(sign, self.limits.take_sign(sign.chat_id)))
            else:
                view = self._typing.popleft()
                start(self._type(view, self.limits.take_sign(view.display.chat_id)))
        return self._resting[0][0] - now if self._resting else inf

    def _leave_out(self) -> None:
        """Drop what nobody could see any more from the front, and set aside what rests with its chat."""
        now_ms = self.wall_ms()
        while self._waiting:
            sign = self._waiting[0]
            rests_s = self.limits.rests_s(sign.chat_id)
            if now_ms + rests_s * 1000 > sign.at_ms + OLD_AFTER_MS:
                log.info("sign.dropped", error="old")
            elif rests_s:
                self._number += 1
                heapq.heappush(self._resting, (self.clock() + rests_s, self._number, sign))
            else:
                break
            self._waiting.popleft()
        while self._typing:
            view = self._typing[0]
            rests_s = self.limits.rests_s(view.display.chat_id)
            if may_type(view) and not rests_s:
                break
            self._typing.popleft()
            self._typed(view, max(TYPING_EVERY_S, rests_s))

    async def _show(self, sign: Sign, permit: Permit) -> None:
        try:
            if sign.button_id:
                await self._make(permit, self.messenger.answer_button(sign.button_id, sign.toast))
            elif await self._make(permit, self.messenger.react(sign.chat_id, sign.message_id, SEEN)):
                return
            elif not self.limits.rests_s(sign.chat_id) and not self.limits.sign_wait_s():  # groups may forbid reactions
                permit = self.limits.take_sign(sign.chat_id)
                await self._make(permit, self.messenger.action(sign.chat_id, thread_id=sign.thread_id))
        finally:
            self._under_way -= 1

    async def _type(self, view: View, permit: Permit) -> None:
        display = view.display
        try:
            await self._make(permit, self.messenger.action(display.chat_id, thread_id=display.thread_id))
        finally:
            self._under_way -= 1
            self._typed(view, TYPING_EVERY_S)

    def _typed(self, view: View, pause_s: float) -> None:
        view.typing_at = self.clock() + pause_s
        self.typed(view.display.chat_id)

    async def _make(self, permit: Permit, call: Awaitable[None]) -> bool:
        """Whether the call was made. Raises LostOwnership alone."""
        try:
            await call
        except LostOwnership:
            raise
        except OpenClawError as exc:
            self.limits.ended(permit, exc)
            log.info("sign.dropped", error=type(exc).__name__)
        except UNREADABLE as exc:  # a press carries what somebody's program wrote into it
            log.fault("row.unreadable", exc, of="signs")
        else:
            return True
        return False
