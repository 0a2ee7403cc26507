"""The ports `Work`, `Displays` and `Files` in one process: what the answering half of an agent alone writes, its delivering half shows."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from openclaw_agent.files import MAX_BYTES, NoFile
from openclaw_core.chat.delivery.displays import Display, Growing, Sign, Stage
from openclaw_core.errors import FloodWait, LostOwnership, MessengerRefused, MessengerUnavailable
from openclaw_core.ports import Messenger
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Delivery, TaskState
from openclaw_core.tasks.task import Material, Task
from openclaw_core.tasks.work import HandedBack, PutBack, Result, Run


class Begun(Protocol):
    """How a task alone stands: its *state*, whether its end is still to be shown, and the turns before it."""

    @property
    def state(self) -> str: ...

    @property
    def unshown(self) -> bool: ...

    @property
    def history(self) -> tuple[Turn, ...]: ...


class Deliverer(Protocol):
    """What shows displays in chats: the engine of `openclaw_core.chat.delivery`."""

    async def run(self) -> None:
        """Deliver until cancelled."""

    def nudge(self) -> None:
        """Something has changed in `Displays.changed`."""

    def grew(self, display_id: str) -> None:
        """A running task has new text."""


class Records(Protocol):
    """Steps of one start of a task alone that outlive its process. All raise StoreUnavailable and StoreFull; all but the first LostOwnership, once
    another start has the task."""

    async def begin(self, task: Task) -> Begun:
        """Write *task* down, once for its id, and take it from any start before; its words go to the history unless the newest turn says them already."""

    async def check(self, task_id: str) -> None:
        """Ask whether the task is still this start's."""

    async def end(self, task_id: str, result: Result) -> str:
        """Record the result, unless the task has ended; gives its state."""


class Kept(Protocol):
    """What of a display outlives its process. Writes raise LostOwnership once another start has the task."""

    async def read(self, display_id: str) -> Display | None:
        """The display as it stands now; None if it is not there."""

    async def answer(self, display_id: str) -> str: ...

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None: ...

    async def part(self, display_id: str, part: int, status: str) -> None: ...

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool: ...


@dataclass(kw_only=True)
class AloneDisplays:
    """`Displays` of the one task: what outlives the process stands in *kept*, the growing text and doubtful edits here.

    No other process may put a text of ours again, so doubts are not written down: this one waits until they are settled.
    """

    kept: Kept
    task_id: str
    deadline_ms: int = 0
    deliverer: Deliverer | None = None
    """Who is told of what is new."""
    ended: bool = False
    """Whether its answer, failure or stop is recorded."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once that stands in the chat, and no edit of before can come any more."""
    _text: str = field(default="", repr=False)
    _version: int = 1
    _shown: bool = False
    _doubt_ms: int = 0

    # ---- the answering half

    def grow(self, text: str) -> None:
        self._text = text
        if self.deliverer is not None:
            self.deliverer.grew(self.display_id)

    def end(self) -> None:
        self.ended = True
        self._version += 1
        if self.deliverer is not None:
            self.deliverer.nudge()

    async def check(self) -> None:
        """Raises LostOwnership once the task was stopped, or is not known any more."""
        display = await self.kept.read(self.display_id)
        if display is None:
            raise LostOwnership("the task is gone")
        if display.stage is Stage.STOPPED:
            self.end()
            raise LostOwnership("its user stopped the task")

    # ---- the delivering half

    @property
    def display_id(self) -> str:
        return f"t:{self.task_id}"

    async def heard(self, versions: Mapping[str, int]) -> Sequence[Display]:
        return await self.changed(0) if versions else ()

    async def changed(self, since: int) -> Sequence[Display]:
        display = await self.read(self.display_id) if self._version > since and not self._shown else None
        return [display] if display is not None else []

    async def read(self, display_id: str) -> Display | None:
        version = self._version  # before the question: what ends meanwhile has another one, and is read again
        display = await self.kept.read(display_id)
        if display is None:
            return None
        return replace(display, version=version, deadline_ms=self.deadline_ms, delivered=self._shown)

    async def growing(self, display_id: str) -> Growing:
        return Growing(text=self._text, began=bool(self._text))

    async def answer(self, display_id: str) -> str:
        return (
            await self.kept.answer(display_id) or self._text
        )  # nobody else knows what was shown of a task that was stopped

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None:
        await self.kept.reserved(display_id, slot, message_id, gone=gone)

    async def part(self, display_id: str, part: int, status: str) -> None:
        await self.kept.part(display_id, part, status)

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool:
        if version != self._version:
            return False
        if self.ended and not self._shown:
            await self.kept.shown(display_id, version, delivery)
            self._shown = True
            self._tell()
        return True

    async def doubt(self, display_id: str, *, due_ms: int) -> None:
        self._doubt_ms = max(self._doubt_ms, due_ms)
        self._tell()

    async def due(self, now_ms: int) -> Sequence[Display]:
        display = await self.read(self.display_id) if 0 < self._doubt_ms <= now_ms else None
        return [display] if display is not None else []

    async def settled(self, display_id: str, due_ms: int) -> None:
        if self._doubt_ms <= due_ms:
            self._doubt_ms = 0
        self._tell()

    async def signs(self, count: int) -> Sequence[Sign]:
        return ()

    def _tell(self) -> None:
        if self._shown and not self._doubt_ms:
            self.done.set()
        else:
            self.done.clear()


@dataclass(kw_only=True)
class AloneWork:
    """`Work` of the one run that there is."""

    records: Records
    displays: AloneDisplays
    lease_s: float = 15.0

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

    async def grown(self, run: Run) -> Run | None:
        return run

    async def amend(self, run: Run, said: str) -> None: ...

    async def end(self, run: Run, result: Result) -> bool:
        if isinstance(result, HandedBack | PutBack):
            return True  # whoever began it begins it again
        state = await self.records.end(run.task.id, result)
        self.displays.end()
        if state == TaskState.CANCELLED:
            raise LostOwnership("its user stopped the task")
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class MessengerFiles:
    """`Files` from the messenger itself, for who has its token."""

    messenger: Messenger
    materials: Sequence[Material]
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)
    tries: int = 3

    async def content(self, material_index: int) -> bytes:
        for attempt in range(self.tries):
            try:
                return await self.messenger.get_file_bytes(self.materials[material_index].file_id, MAX_BYTES)
            except FloodWait as exc:
                await self.sleep(exc.retry_after_s)
            except MessengerUnavailable:
                await self.sleep(1.0 + attempt)
            except MessengerRefused:
                break
        raise NoFile("not there any more, too large, or the messenger is away")
