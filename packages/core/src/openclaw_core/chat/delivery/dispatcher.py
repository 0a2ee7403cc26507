"""Delivery's engine: keeps what chats are to see, and decides which call is made next."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

from openclaw_core import logs
from openclaw_core.chat.delivery import plan
from openclaw_core.chat.delivery.chats import Chat, Chats
from openclaw_core.chat.delivery.displays import Displays, Sign
from openclaw_core.chat.delivery.following import LOOK_EVERY_S, Follower
from openclaw_core.chat.delivery.limits import Limits, Permit, Rank
from openclaw_core.chat.delivery.reading import Reader
from openclaw_core.chat.delivery.recording import Recorder
from openclaw_core.chat.delivery.sending import Sending
from openclaw_core.chat.delivery.signs import Signs
from openclaw_core.chat.delivery.view import View
from openclaw_core.errors import LostOwnership, OpenClawError
from openclaw_core.ports import Messenger

if TYPE_CHECKING:
    from openclaw_core.roles.values import Roles

log = logs.get(__name__)

CALLS_AT_ONCE = 48
FILE_TRIES, FILE_PAUSE_S = 5, 5.0
LEAVING_S = 5.0
"""For the last words to the store when the lead is lost."""


class Dispatcher:
    """All calls that show something, for one bot. At most one call is under way in a chat, and `CALLS_AT_ONCE` in all.

    *drain_s*: how long calls that were begun may take to their end when `run` is cancelled. *beat* is called at least each
    `LOOK_EVERY_S`. *roles* may be None where no notice but failures is told.
    """

    def __init__(
        self,
        *,
        displays: Displays,
        messenger: Messenger,
        roles: "Roles | None" = None,
        drain_s: float = 0.0,
        beat: Callable[[], None] = lambda: None,
        cautious: bool = True,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._displays, self._drain_s, self._beat, self._clock, self._wall = displays, drain_s, beat, clock, wall
        self._limits = Limits(clock, cautious=cautious)
        self._recorder = Recorder(clock=clock)
        self._signs = Signs(
            messenger=messenger, limits=self._limits, clock=clock, wall_ms=self._wall_ms, typed=self._touch
        )
        self._chats = Chats(limits=self._limits, clock=clock, typing=self._type)
        self._sending = Sending(
            displays=displays,
            messenger=messenger,
            limits=self._limits,
            recorder=self._recorder,
            reader=Reader(displays=displays, recorder=self._recorder, roles=roles, clock=clock),
            clock=clock,
            wall_ms=self._wall_ms,
            chat_gone=self._chats.give_up,
        )
        self._under_way: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None
        self._wake = asyncio.Event()
        self._blocked = Rank.SIGN
        """The rank that waits for the bot's room; `SIGN` if none does."""
        self._follower = Follower(
            displays=displays,
            recorder=self._recorder,
            chats=self._chats,
            signs=self._signs,
            clock=clock,
            wall_ms=self._wall_ms,
            touch=self._touch,
            wake=self._wake.set,
        )

    # ---- from outside

    def nudge(self) -> None:
        """Something has changed in `Displays.changed`."""
        self._follower.look()

    def changed(self, versions: Mapping[str, int]) -> None:
        """These displays have changed, and have those versions now."""
        self._follower.hear(versions)

    def signed(self) -> None:
        """There is something in `Displays.signs`."""
        self._follower.signed = True
        self._follower.nudged.set()

    def grew(self, display_id: str) -> None:
        """A running task has new text."""
        if view := self._chats.grew(display_id):
            self._touch(view.display.chat_id)

    def open_displays(self) -> int:
        """How many displays have something left to show."""
        return len(self._chats)

    async def run(self) -> None:
        """Deliver until cancelled. Raises LostOwnership once another process leads."""
        loops = [
            asyncio.create_task(self._follower.run(), name="follow displays"),
            asyncio.create_task(self._dispatch(), name="dispatch calls"),
        ]
        try:
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for loop in ended:
                loop.result()
        except (asyncio.CancelledError, LostOwnership) as exc:
            await self._leave(loops, lost=isinstance(exc, LostOwnership))
            raise
        finally:
            await _stop(loops)

    async def _leave(self, loops: "list[asyncio.Task[None]]", *, lost: bool) -> None:
        """Begin nothing more, let what was begun come to its end, and tell who leads now what may have come too late."""
        await _stop(loops)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._drain_s)
        with suppress(TimeoutError, OpenClawError):
            async with asyncio.timeout(LEAVING_S):
                if lost or not await self._follower.still_leads():
                    await self._recorder.doubt_unproved(self._displays, self._wall_ms())

    def _wall_ms(self) -> int:
        return round(self._wall() * 1000)

    # ---- what is done next

    def _touch(self, chat_id: int) -> None:
        """Something has changed in the chat."""
        rank = self._chats.look(chat_id)
        if self._chats.done or (rank is not None and rank < self._blocked):
            self._wake.set()

    def _type(self, view: View) -> None:
        self._signs.typing(view)
        self._wake.set()

    async def _dispatch(self) -> None:
        """Start each call when it may go."""
        while True:
            self._beat()
            self._wake.clear()
            for chat_id in self._chats.turns.over(self._clock()):
                self._chats.look(chat_id)
            self._record_done()
            wait_s = min(self._start_calls(), self._chats.turns.next_at() - self._clock(), LOOK_EVERY_S)
            if self._chats.done:
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait_s)):
                    await self._wake.wait()
            if self._fault is not None:
                raise self._fault

    def _record_done(self) -> None:
        while self._chats.done:
            chat = self._chats.done.popleft()
            view, step = chat.turn
            if not chat.busy and view is not None and isinstance(step, plan.Done):
                chat.busy = True
                self._start(self._finish(chat, view, step))

    def _start_calls(self) -> float:
        """Start what may go now. Gives the seconds until there may be more, unless something happens before."""
        self._blocked = Rank.SIGN
        if not self._recorder.may_begin():
            return inf
        signs_s = self._signs.start(self._start, CALLS_AT_ONCE - len(self._under_way))
        while len(self._under_way) < CALLS_AT_ONCE and (first := self._chats.turns.first()):
            rank, chat_id = first
            if wait_s := self._limits.bot_wait_s(rank):
                self._blocked = rank
                return min(signs_s, wait_s)
            self._chats.look(chat_id)  # time has passed since
            if self._chats.turns.first() == first:
                self._begin(chat_id)
        return signs_s

    def _begin(self, chat_id: int) -> None:
        chat = self._chats.chat(chat_id)
        view, step = chat.turn
        self._chats.turns.drop(chat_id)
        chat.busy, chat.served = True, self._clock()
        permit = self._limits.take(chat_id)
        if isinstance(step, plan.SendAgain):
            self._start(self._send_again(chat, step.sign, permit))
        elif view is not None and isinstance(step, plan.Reserve | plan.Edit | plan.SendFile | plan.Read):
            self._start(self._serve(chat, view, step, permit))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work* as a task that nobody cancels: a send cut short leaves a message that nobody knows of."""
        task = asyncio.create_task(work, name="to the chat")
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._fault = self._fault or exc
        self._wake.set()

    async def _serve(self, chat: Chat, view: View, step: plan.Call, permit: Permit) -> None:
        try:
            await self._sending.serve(view, step, permit)
        finally:
            self._free(chat)

    async def _finish(self, chat: Chat, view: View, step: plan.Done) -> None:
        try:
            if await self._sending.finish(view, step.delivery):
                self._chats.close(view)
            else:
                self._follower.look()
        finally:
            self._free(chat)

    async def _send_again(self, chat: Chat, sign: Sign, permit: Permit) -> None:
        try:
            chat.file_tries += 1
            if await self._sending.send_again(sign, permit) or chat.file_tries >= FILE_TRIES:
                chat.files.popleft()
                chat.file_tries = 0
            else:
                chat.files_at = self._clock() + FILE_PAUSE_S
        finally:
            self._free(chat)

    def _free(self, chat: Chat) -> None:
        chat.busy = False
        self._touch(chat.id)


async def _stop(loops: "list[asyncio.Task[None]]") -> None:
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
