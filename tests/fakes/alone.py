"""What a task alone meets: its record in memory, and a delivery that shows what it reads."""

import asyncio
import itertools
from dataclasses import dataclass, field, replace

from openclaw_core.chat.delivery.displays import Display, Displays, Stage
from openclaw_core.errors import LostOwnership
from openclaw_core.store.alone import Begun
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause, Delivery, TaskState
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Answered, GaveUp, Result

_starts = itertools.count(1)
STAGES = {
    TaskState.RUNNING: Stage.GROWING, TaskState.ANSWERED: Stage.ANSWERED, TaskState.CLOSED: Stage.ANSWERED, TaskState.FAILED: Stage.FAILED,
    TaskState.CANCELLED: Stage.STOPPED,
}  # fmt: skip


@dataclass
class FakeRecords:
    """`Records` and `StoredDisplay` of one start: one Redis for all starts of tasks in one chat."""

    me: int = 0
    owners: dict[str, int] = field(default_factory=dict)

    turns: list[Turn] = field(default_factory=list)
    states: dict[str, TaskState] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)
    slots: dict[str, dict[int, int]] = field(default_factory=dict)
    parts: dict[str, dict[int, str]] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)

    def start(self) -> "FakeRecords":
        """The same, for another start."""
        return replace(self, me=next(_starts))

    def _mine(self, task_id: str) -> None:
        if self.owners[task_id] != self.me:
            raise LostOwnership("another start has the task")

    def stop(self, task_id: str) -> None:
        """Its user pressed Stop."""
        if self.states[task_id] is TaskState.RUNNING:
            self.states[task_id] = TaskState.CANCELLED

    # ---- Records

    async def begin(self, task: Task) -> Begun:
        if task.id not in self.states:
            self.states[task.id], self.tasks[task.id] = TaskState.RUNNING, task
            newest = self.turns[-1] if self.turns else None
            if newest is None or (newest.speaker, newest.text) != ("user", task.text):
                self.turns.append(Turn(task_id=task.id, speaker="user", text=task.text))
        state = self.states[task.id]
        unshown = state not in (TaskState.RUNNING, TaskState.CLOSED) and task.id not in self.deliveries
        if state is TaskState.RUNNING or unshown:
            self.owners[task.id] = self.me
        return Begun(state=state, unshown=unshown, history=tuple(self.turns[:-1]))

    async def check(self, task_id: str) -> None:
        self._mine(task_id)

    async def end(self, task_id: str, result: Result) -> str:
        self._mine(task_id)
        if self.states[task_id] is TaskState.RUNNING:
            if isinstance(result, Answered):
                self.states[task_id], self.answers[task_id] = TaskState.ANSWERED, result.markdown
                self.turns.append(Turn(task_id=task_id, speaker="assistant", text=result.markdown))
            if isinstance(result, GaveUp):
                self.states[task_id], self.causes[task_id] = TaskState.FAILED, result.cause
        return self.states[task_id]

    # ---- StoredDisplay

    async def read(self, display_id: str) -> Display | None:
        task = self.tasks.get(display_id[2:])
        if task is None:
            return None
        return Display(
            id=display_id, version=0, order=0, stage=STAGES[self.states[task.id]], chat_id=task.chat_id, cause=self.causes.get(task.id),
            slots=dict(self.slots.get(task.id, {})), parts=dict(self.parts.get(task.id, {})), delivered=True,
        )  # fmt: skip

    async def answer(self, display_id: str) -> str:
        return self.answers.get(display_id[2:], "")

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None:
        self._mine(display_id[2:])
        self.slots.setdefault(display_id[2:], {})[slot] = message_id

    async def part(self, display_id: str, part: int, status: str) -> None:
        self._mine(display_id[2:])
        self.parts.setdefault(display_id[2:], {})[part] = status

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool:
        task_id = display_id[2:]
        self._mine(task_id)
        self.deliveries[task_id] = delivery
        if self.states[task_id] is TaskState.ANSWERED:
            self.states[task_id] = TaskState.CLOSED
        return True


@dataclass
class FakeDeliverer:
    """Shows each display that has changed: its text is appended to *said* if it is new. *goes_on* holds it; *fault* ends it."""

    displays: Displays | None = None
    said: list[str] = field(default_factory=list)
    fault: Exception | None = None
    doubts_ms: list[int] = field(default_factory=list)
    """Due times of edits of unknown fate, for the next that are made."""
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _open: Display | None = None

    def __post_init__(self) -> None:
        self.goes_on.set()

    def wake(self) -> None:
        self._news.set()

    def grew(self, display_id: str) -> None:
        self._news.set()

    async def run(self) -> None:
        assert self.displays is not None
        since = 0
        while True:
            await self.goes_on.wait()
            if self.fault is not None:
                raise self.fault
            for display in await self.displays.changed(since):
                since, self._open = display.version, display
            if self._open is not None:
                await self._show(self.displays, self._open)
            await self._news.wait()
            self._news.clear()

    async def _show(self, displays: Displays, display: Display) -> None:
        if not display.slots:
            await displays.reserved(display.id, 0, 1001)
        text = (
            (await displays.growing(display.id)).text
            if display.stage is Stage.GROWING
            else await displays.answer(display.id)
        )
        text = {Stage.FAILED: f"failed: {display.cause}", Stage.STOPPED: f"{text} stopped"}.get(display.stage, text)
        if text and text not in self.said[-1:]:
            self.said.append(text)
            if self.doubts_ms:
                await displays.doubt(display.id, due_ms=self.doubts_ms.pop())
        if display.stage is not Stage.GROWING:
            await displays.shown(display.id, display.version, Delivery.DELIVERED)
            self._open = None
