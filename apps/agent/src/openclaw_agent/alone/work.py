"""The ports `Work`, `Displays` and `Files` of an agent alone: its answering half writes here, its delivering half reads."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from openclaw_agent.attachments.files import MAX_BYTES, NoFile
from openclaw_core.chat.delivery.displays import Change, Display, Growing, Indicator, Stage
from openclaw_core.errors import FloodWait, LostOwnership, MessengerRefused, MessengerUnavailable
from openclaw_core.ports import Messenger
from openclaw_core.store.alone import Begun
from openclaw_core.tasks.outcome import Delivery, TaskState
from openclaw_core.tasks.steps import Status, Step
from openclaw_core.tasks.task import Attachment, Task
from openclaw_core.tasks.work import HandedBack, PutBack, Result, Run


class Deliverer(Protocol):
    """Shows displays in chats: `Dispatcher` of `openclaw_core.chat.delivery`."""

    async def run(self) -> None:
        """Deliver until cancelled."""

    def wake(self) -> None:
        """Something has changed in `Displays.changed`."""

    def grew(self, display_id: str) -> None:
        """A running task has new text."""


class Records(Protocol):
    """The stored record of the task, as one start of it sees it.

    All methods raise StoreUnavailable and StoreFull. All but `begin` raise LostOwnership if another start owns the task.
    """

    async def begin(self, task: Task) -> Begun:
        """Record *task*, once for its id, and take it from older starts. Its text becomes a turn, unless the newest turn is the same."""

    async def check(self, task_id: str) -> None:
        """Ask whether this start owns the task."""

    async def end(self, task_id: str, result: Result) -> str:
        """Record the result, unless the task has ended. Returns its state."""


class StoredDisplay(Protocol):
    """The part of a display that is stored. Writes raise LostOwnership if another start owns the task."""

    async def read(self, display_id: str) -> Display | None:
        """The display as it is now; None if there is none."""

    async def answer(self, display_id: str) -> str: ...

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None: ...

    async def part(self, display_id: str, part: int, status: str) -> None: ...

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool: ...


@dataclass(kw_only=True)
class AloneDisplays:
    """`Displays` of the one task. Its growing text and its unconfirmed edits are kept in memory, the rest in *stored*.

    No other process repeats an edit of ours, so unconfirmed edits need no record: this process waits until they are settled.
    """

    stored: StoredDisplay
    task_id: str
    deadline_ms: int = 0
    deliverer: Deliverer | None = None
    """Is told of each change."""
    ended: bool = False
    """Whether its answer, failure or stop is recorded."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the end is shown and no earlier edit can still arrive."""
    _text: str = field(default="", repr=False)
    _status: Status | None = None
    _version: int = 1
    _shown: bool = False
    _doubt_ms: int = 0

    # ---- the answering half

    def grow(self, text: str, status: Status | None = None) -> None:
        self._text, self._status = text, status
        if self.deliverer is not None:
            self.deliverer.grew(self.display_id)

    def end(self) -> None:
        self.ended = True
        self._version += 1
        if self.deliverer is not None:
            self.deliverer.wake()

    async def check(self) -> None:
        """Raises LostOwnership if the task was stopped or is gone."""
        display = await self.stored.read(self.display_id)
        if display is None:
            raise LostOwnership("the task is gone")
        if display.stage is Stage.STOPPED:
            self.end()
            raise LostOwnership("its user stopped the task")

    # ---- the delivering half

    @property
    def display_id(self) -> str:
        return f"t:{self.task_id}"

    async def announced(self, changes: Mapping[str, Change]) -> Sequence[Display]:
        return await self.changed(0) if changes else ()

    async def changed(self, since: int) -> Sequence[Display]:
        display = await self.read(self.display_id) if self._version > since and not self._shown else None
        return [display] if display is not None else []

    async def read(self, display_id: str) -> Display | None:
        version = self._version  # read first: a task that ends meanwhile gets a new version, and is read again
        display = await self.stored.read(display_id)
        if display is None:
            return None
        return replace(display, version=version, deadline_ms=self.deadline_ms, delivered=self._shown)

    async def growing(self, display_id: str) -> Growing:
        return Growing(text=self._text, began=bool(self._text), status=self._status)

    async def answer(self, display_id: str) -> str:
        # The text of a stopped task is in memory only.
        return await self.stored.answer(display_id) or self._text

    async def picture(self, display_id: str, n: int) -> bytes | None:
        return None

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None:
        await self.stored.reserved(display_id, slot, message_id, gone=gone)

    async def part(self, display_id: str, part: int, status: str) -> None:
        await self.stored.part(display_id, part, status)

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool:
        if version != self._version:
            return False
        if self.ended and not self._shown:
            await self.stored.shown(display_id, version, delivery)
            self._shown = True
            self._update_done()
        return True

    async def doubt(self, display_id: str, *, due_ms: int) -> None:
        self._doubt_ms = max(self._doubt_ms, due_ms)
        self._update_done()

    async def due(self, now_ms: int) -> Sequence[Display]:
        display = await self.read(self.display_id) if 0 < self._doubt_ms <= now_ms else None
        return [display] if display is not None else []

    async def settled(self, display_id: str, due_ms: int) -> None:
        if self._doubt_ms <= due_ms:
            self._doubt_ms = 0
        self._update_done()

    async def take_indicators(self, count: int) -> Sequence[Indicator]:
        return ()

    def _update_done(self) -> None:
        if self._shown and not self._doubt_ms:
            self.done.set()
        else:
            self.done.clear()


@dataclass(kw_only=True)
class AloneWork:
    """`Work` of the one run."""

    records: Records
    displays: AloneDisplays
    lease_s: float = 15.0
    writes: int = 0

    async def any_ready(self) -> bool:
        return True

    async def check_in(self) -> bool:
        return True

    async def retire(self) -> None: ...

    async def claim(self, *, last: bool = False) -> Run | None:
        return None

    async def wait(self, *, timeout_s: float) -> None:
        await asyncio.sleep(timeout_s)

    async def renew(self, run: Run) -> None:
        await self.check(run)

    async def check(self, run: Run) -> None:
        await self.records.check(run.task.id)
        await self.displays.check()

    async def files_at(self, run: Run) -> str:
        return ""

    async def write(self, run: Run, text: str) -> bool:
        self.displays.grow(text)
        return True

    async def status(self, run: Run, status: Status) -> None:
        self.displays.grow("", status)

    async def step(self, run: Run, n: int, step: Step) -> bool:
        return True  # the next start of the task begins it again

    async def pictures(self, run: Run, pictures: Sequence[bytes]) -> bool:
        return False  # its answer names the files

    async def grown(self, run: Run) -> Run | None:
        return run

    async def amend(self, run: Run, text: str) -> None: ...

    async def end(self, run: Run, result: Result) -> bool:
        if isinstance(result, HandedBack | PutBack):
            return True  # the next start of the task begins it again
        state = await self.records.end(run.task.id, result)
        self.displays.end()
        if state == TaskState.CANCELLED:
            raise LostOwnership("its user stopped the task")
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class MessengerFiles:
    """`Files` from Telegram itself: this process has the bot's token."""

    messenger: Messenger
    attachments: Sequence[Attachment]
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)
    tries: int = 3

    async def content(self, attachment_index: int) -> bytes:
        for attempt in range(self.tries):
            try:
                return await self.messenger.get_file_bytes(self.attachments[attachment_index].file_id, MAX_BYTES)
            except FloodWait as exc:
                await self.sleep(exc.retry_after_s)
            except MessengerUnavailable:
                await self.sleep(1.0 + attempt)
            except MessengerRefused:
                break
        raise NoFile("gone, too large, or Telegram is away")
