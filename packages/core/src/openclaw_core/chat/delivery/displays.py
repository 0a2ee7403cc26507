"""Displays: what a chat is to see, and the port to their store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from openclaw_core.ports import Lang
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.steps import Status


class Stage(StrEnum):
    """What a display shows now."""

    GROWING = "growing"  # an agent works on the task: its newest text is read when an edit is due
    ANSWERED = "answered"  # the answer is complete
    FAILED = "failed"
    STOPPED = "stopped"  # its user stopped it: the shown text stays, with a mark
    NOTICE = "notice"  # a text by the bot itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """One thing that a chat is to see.

    *id* is `t:<task id>` or `n:<notice key>`. *order* grows with the order of cause within a chat. *version* grows with each
    recorded change, over all displays.
    """

    id: str
    version: int
    order: int
    stage: Stage
    chat_id: int
    thread_id: int | None = None
    reply_to: int | None = None
    """In groups: the message that is answered."""
    lang: Lang = "en"
    """Of notices and buttons."""
    answer_lang: Lang = "en"
    slots: Mapping[int, int] = field(default_factory=dict)
    """Message ids of the parts of the text, from 0."""
    parts: Mapping[int, str] = field(default_factory=dict)
    """Of files and pictures, numbered after the pages: `sending` or `done`."""
    pictures: int = 0
    """That the answer has, numbered after its files."""
    replaced: int = 0
    """How many of its messages users deleted and delivery replaced."""
    deadline_ms: int = 0
    """Unix time after which a deleted message is not replaced; 0 for none."""
    cause: Cause | None = None
    budget: str = ""
    """Of the cause `budget`, which limit was reached: whose, for which period, and when the next one begins."""
    kind: str = ""
    """Of a notice, with its *args*."""
    args: Mapping[str, Any] = field(default_factory=dict)
    delivered: bool = False
    """It was complete before and is here only because its text is written again."""

    @property
    def task_id(self) -> str:
        return self.id[2:] if self.id.startswith("t:") else ""

    @property
    def is_group(self) -> bool:
        return self.chat_id < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A display has a new *version*, and is stored as *row*.

    A row that is None has to be read. *run* is the name of the run that it shows.
    """

    version: int
    row: Mapping[str, str | None] | None = None
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """The newest text of a running task. *began* is False before its first words: *status* says what is done until then."""

    text: str = field(default="", repr=False)
    began: bool = False
    status: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """A small sign in a chat: the end of a button's spinner (*button_id*, with a toast), else a reaction to *message_id*.

    With *task_id* it asks for a file again, which is *part* of that task's answer.
    """

    chat_id: int
    thread_id: int | None = None
    message_id: int = 0
    """The message that gets the reaction; of a file: the message that it replies to, in groups."""
    button_id: str = ""
    toast: str = field(default="", repr=False)
    task_id: str = ""
    part: int = 0
    answer_lang: Lang = "en"
    """Of a file: the language of its answer, which is cut into pages again."""
    at_ms: int = 0
    """Unix time of the message that it answers."""


class Displays(Protocol):
    """The store of displays. `changed` and each write but `doubt` raise LostOwnership once a newer leader has raised the epoch.

    All raise StoreUnavailable and StoreFull, and StoreFault if one display alone is at fault. Each write is one step that may
    be repeated. It changes nothing if the display is gone, and it never changes a version.
    """

    async def changed(self, since: int) -> Sequence[Display]:
        """Displays whose version is greater than *since*, by version; all open ones for 0. Unreadable ones are logged and left out.

        A reply also proves that this process still leads: delivery begins no call without a fresh proof.
        """

    async def announced(self, changes: Mapping[str, Change]) -> Sequence[Display]:
        """The displays in *changes*, which were announced. No proof of the lead."""

    async def growing(self, display_id: str) -> Growing:
        """The newest text of a running task."""

    async def answer(self, display_id: str) -> str:
        """The Markdown of the answer, or the newest text of a stopped task; empty if it has expired."""

    async def picture(self, display_id: str, n: int) -> bytes | None:
        """The picture *n* of an answer, from 0; None if it has expired."""

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None:
        """The page *slot* has a message now. It replaces *gone*, if that is given."""

    async def part(self, display_id: str, part: int, status: str) -> None:
        """The status of a file: `sending` before the call, `done` after it."""

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool:
        """The display is complete, or never can be. False if it has changed since *version*."""

    async def doubt(self, display_id: str, *, due_ms: int) -> None:
        """An edit of unknown fate: the text is written again at *due_ms* (Unix time); the latest time counts.

        Accepted from a former leader too, and for a display that is complete.
        """

    async def due(self, now_ms: int) -> Sequence[Display]:
        """Displays whose text is due to be written again, complete ones too; each until it is `settled`."""

    async def settled(self, display_id: str, due_ms: int) -> None:
        """The text was written again after *due_ms*. A doubt with a later time stays."""

    async def take_indicators(self, count: int) -> Sequence[Indicator]:
        """Take up to *count* indicators off their queue."""
