"""What a chat is to see, as it is recorded, and the port to where it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from openclaw_core.ports import Lang
from openclaw_core.tasks.outcome import Cause, Delivery


class Stage(StrEnum):
    """How far the thing is that a display shows."""

    GROWING = "growing"  # a task that an agent works on: its newest text is read when an edit may be made
    ANSWERED = "answered"  # the whole answer stands
    FAILED = "failed"
    STOPPED = "stopped"  # its user stopped it: the text that was shown stays, with a mark
    NOTICE = "notice"  # a text of the bot's own


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
    """Of files, numbered after the pages: `sending` or `done`."""
    replaced: int = 0
    """How many of its messages were deleted under us."""
    deadline_ms: int = 0
    """Unix time after which a deleted message is not replaced; 0 for none."""
    cause: Cause | None = None
    kind: str = ""
    """Of a notice, with its *args*."""
    args: Mapping[str, Any] = field(default_factory=dict)
    delivered: bool = False
    """It was recorded as done before, and is here only to be put again."""

    @property
    def task_id(self) -> str:
        return self.id[2:] if self.id.startswith("t:") else ""

    @property
    def is_group(self) -> bool:
        return self.chat_id < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """The newest text of a running task. *began* is False before its first words."""

    text: str = field(default="", repr=False)
    began: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A button's spinner (*button_id*, with a toast), a file that is asked for again (*part* of *task_id*), else a reaction to *message_id*."""

    chat_id: int
    thread_id: int | None = None
    message_id: int = 0
    """What is reacted to; of a file: the message that it answers, in groups."""
    button_id: str = ""
    toast: str = field(default="", repr=False)
    task_id: str = ""
    part: int = 0
    answer_lang: Lang = "en"
    """Of a file: that of its task, since the answer is cut into pages once more."""
    at_ms: int = 0
    """Unix time of the message that it answers."""


class Displays(Protocol):
    """Where displays are kept. `changed` and each write but `doubt` raise LostOwnership once a newer leader has raised the epoch.

    All raise StoreUnavailable and StoreFull; StoreFault if one display alone is at fault. Each write is one step that may be
    repeated, and changes nothing if the display is not there any more. The writes below change no version.
    """

    async def changed(self, since: int) -> Sequence[Display]:
        """Displays whose version is greater than *since*, by version; all open ones for 0. Those that cannot be read are reported and left out.

        An answer is also the proof that this process still leads: delivery begins no call without a fresh one.
        """

    async def heard(self, versions: Mapping[str, int]) -> Sequence[Display]:
        """Displays of which it was heard that they have changed, with those *versions*. No proof of the lead."""

    async def growing(self, display_id: str) -> Growing:
        """The newest text of a running task."""

    async def answer(self, display_id: str) -> str:
        """The Markdown of the whole answer, or the newest text of a task that was stopped; empty if it is not kept any more."""

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None:
        """The part *slot* has a message now, in place of the one that is *gone*, which counts as replaced."""

    async def part(self, display_id: str, part: int, status: str) -> None:
        """What is known of a file: `sending` before it goes out, `done` after."""

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool:
        """All of it stands (or never can). False if it has changed since *version*: `changed` gives what has to be shown too."""

    async def doubt(self, display_id: str, *, due_ms: int) -> None:
        """An edit of unknown fate: the recorded text is put again at *due_ms* (Unix time), the latest of all that were written.

        Also taken from one who leads no more, and for a display that was recorded as done.
        """

    async def due(self, now_ms: int) -> Sequence[Display]:
        """Displays whose text is to be put again by now, also those that were recorded as done; each until it is `settled`."""

    async def settled(self, display_id: str, due_ms: int) -> None:
        """The text was put again after *due_ms*: what was due by then is done, a doubt with a later time stays."""

    async def signs(self, count: int) -> Sequence[Sign]:
        """Take up to *count* signs; they are lost with this process, which loses no message."""
