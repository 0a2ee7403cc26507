"""The dispatcher of delivery: starts each call to the messenger when it is due."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from openclaw_core import logs
from openclaw_core.chat.delivery import actions
from openclaw_core.chat.delivery.chats import ChatState, OpenChats
from openclaw_core.chat.delivery.display_state import DisplayState
from openclaw_core.chat.delivery.displays import Change, Displays, Indicator
from openclaw_core.chat.delivery.flood_limits import FloodLimits, Permit, Rank
from openclaw_core.chat.delivery.indicators import IndicatorQueue
from openclaw_core.chat.delivery.recorder import Recorder
from openclaw_core.chat.delivery.sending import Sender
from openclaw_core.chat.delivery.store_reader import READ_EVERY_S, StoreReader
from openclaw_core.chat.delivery.text_loader import TextLoader
from openclaw_core.errors import LostOwnership, OpenClawError
from openclaw_core.ports import Messenger

if TYPE_CHECKING:
    from openclaw_core.roles.values import Roles

log = logs.get(__name__)

CALLS_AT_ONCE = 48
FILE_TRIES, FILE_PAUSE_S = 5, 5.0
LEAVING_S = 5.0
"""For the last writes to the store after the lead is lost."""


class Dispatcher:
    """Makes all calls that show something, for one bot. At most one call runs in a chat, and `CALLS_AT_ONCE` in all.

    *drain_s*: how long running calls may take when `run` is cancelled. *heartbeat* is called at least once in `READ_EVERY_S`.
    *roles* may be None where failures are the only notices. *feedback_buttons*: whether 👍 and 👎 stand under an answer.
    """

    def __init__(
        self,
        *,
        displays: Displays,
        messenger: Messenger,
        roles: "Roles | None" = None,
        feedback_buttons: bool = False,
        drain_s: float = 0.0,
        heartbeat: Callable[[], None] = lambda: None,
        cautious: bool = True,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._displays = displays
        self._drain_s = drain_s
        self._heartbeat = heartbeat
        self._clock = clock
        self._wall = wall
        self._limits = FloodLimits(clock, cautious=cautious)
        self._recorder = Recorder(clock=clock)
        self._indicators = IndicatorQueue(
            messenger=messenger, limits=self._limits, clock=clock, wall_ms=self._wall_ms, typed=self._touch
        )
        self._chats = OpenChats(limits=self._limits, clock=clock, typing=self._type)
        self._sender = Sender(
            displays=displays,
            messenger=messenger,
            limits=self._limits,
            recorder=self._recorder,
            text_loader=TextLoader(
                displays=displays, recorder=self._recorder, roles=roles, clock=clock, feedback_buttons=feedback_buttons
            ),
            clock=clock,
            wall_ms=self._wall_ms,
            chat_gone=self._chats.give_up,
        )
        self._under_way: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None
        self._wake = asyncio.Event()
        self._blocked = Rank.INDICATOR
        """The rank that waits for the bot's limit; `INDICATOR` if none does."""
        self._store_reader = StoreReader(
            displays=displays,
            recorder=self._recorder,
            chats=self._chats,
            indicators=self._indicators,
            clock=clock,
            wall_ms=self._wall_ms,
            touch=self._touch,
            wake=self._wake.set,
        )

    # ---- from outside

    def wake(self) -> None:
        """Read `Displays.changed` soon."""
        self._store_reader.read_soon()

    def changed(self, changes: Mapping[str, Change]) -> None:
        """Read these displays soon."""
        self._store_reader.announce(changes)

    def indicators_added(self) -> None:
        """Read `Displays.take_indicators` soon."""
        self._store_reader.indicators_waiting = True
        self._store_reader.wake_event.set()

    def grew(self, display_id: str) -> None:
        """A running task has new text."""
        if state := self._chats.grew(display_id):
            self._touch(state.display.chat_id)

    async def run(self) -> None:
        """Deliver until cancelled. Raises LostOwnership once another process leads."""
        loops = [
            asyncio.create_task(self._store_reader.run(), name="read displays"),
            asyncio.create_task(self._dispatch(), name="dispatch calls"),
        ]
        try:
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for loop in ended:
                loop.result()
        except (asyncio.CancelledError, LostOwnership) as exc:
            await self._drain(loops, lost=isinstance(exc, LostOwnership))
            raise
        finally:
            await _stop(loops)

    async def _drain(self, loops: "list[asyncio.Task[None]]", *, lost: bool) -> None:
        """Start no more calls and wait for the running ones. The new leader has to repeat edits that may come too late: record them."""
        await _stop(loops)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._drain_s)
        with suppress(TimeoutError, OpenClawError):
            async with asyncio.timeout(LEAVING_S):
                if lost or not await self._store_reader.still_leads():
                    await self._recorder.doubt_unproved(self._displays, self._wall_ms())

    def _wall_ms(self) -> int:
        return round(self._wall() * 1000)

    # ---- what is done next

    def _touch(self, chat_id: int) -> None:
        """Find the chat's next action again, after a change in it."""
        rank = self._chats.refresh(chat_id)
        if self._chats.done or (rank is not None and rank < self._blocked):
            self._wake.set()

    def _type(self, state: DisplayState) -> None:
        self._indicators.typing(state)
        self._wake.set()

    async def _dispatch(self) -> None:
        """Start each call when it is due."""
        while True:
            self._heartbeat()
            self._wake.clear()
            for chat_id in self._chats.queue.due(self._clock()):
                self._chats.refresh(chat_id)
            self._record_done()
            wait_s = min(self._start_calls(), self._chats.queue.next_at() - self._clock(), READ_EVERY_S)
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
            state, action = chat.next_action
            if not chat.busy and state is not None and isinstance(action, actions.Done):
                chat.busy = True
                self._start_in(chat, partial(self._finish, state, action))

    def _start_calls(self) -> float:
        """Start the calls that are due. Returns the seconds until the next may be due, unless something changes before."""
        self._blocked = Rank.INDICATOR
        if not self._recorder.may_call():
            return inf
        indicators_s = self._indicators.start(self._start, CALLS_AT_ONCE - len(self._under_way))
        while len(self._under_way) < CALLS_AT_ONCE and (first := self._chats.queue.first()):
            rank, chat_id = first
            if wait_s := self._limits.bot_wait_s(rank):
                self._blocked = rank
                return min(indicators_s, wait_s)
            self._chats.refresh(chat_id)  # time has passed since
            if self._chats.queue.first() == first:
                self._begin(chat_id)
        return indicators_s

    def _begin(self, chat_id: int) -> None:
        chat = self._chats.chat(chat_id)
        state, action = chat.next_action
        self._chats.queue.drop(chat_id)
        chat.busy, chat.served_at = True, self._clock()
        permit = self._limits.take(chat_id)
        if isinstance(action, actions.SendAgain):
            self._start_in(chat, partial(self._send_again, chat, action.indicator, permit))
        elif state is not None and isinstance(
            action, actions.Reserve | actions.Edit | actions.SendFile | actions.SendPicture | actions.Read
        ):
            self._start_in(chat, partial(self._sender.serve, state, action, permit))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work* in a task that is never cancelled: a cancelled send may leave a message that is recorded nowhere."""
        task = asyncio.create_task(work, name="to the chat")
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._fault = self._fault or exc
        self._wake.set()

    def _start_in(self, chat: ChatState, work: Callable[[], Awaitable[None]]) -> None:
        """The same for *work* in a busy chat, which is free after it."""

        async def work_then_free() -> None:
            try:
                await work()
            finally:
                chat.busy = False
                self._touch(chat.id)

        self._start(work_then_free())

    async def _finish(self, state: DisplayState, action: actions.Done) -> None:
        if await self._sender.finish(state, action.delivery):
            self._chats.close(state)
        else:
            self._store_reader.read_soon()

    async def _send_again(self, chat: ChatState, indicator: Indicator, permit: Permit) -> None:
        chat.file_tries += 1
        if await self._sender.send_again(indicator, permit) or chat.file_tries >= FILE_TRIES:
            chat.files.popleft()
            chat.file_tries = 0
        else:
            chat.files_at = self._clock() + FILE_PAUSE_S


async def _stop(loops: "list[asyncio.Task[None]]") -> None:
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
