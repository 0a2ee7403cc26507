"""Displays in memory: what brain and agents have recorded, and what delivery wrote down of it."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_core.chat.delivery.displays import Change, Display, Growing, Indicator, Stage
from openclaw_core.errors import LostOwnership, StoreUnavailable
from openclaw_core.tasks.outcome import Delivery
from openclaw_core.tasks.steps import Status


@dataclass
class Shelf:
    """The store itself, which outlives its leaders."""

    epoch: int = 1
    rows: dict[str, Display] = field(default_factory=dict)
    """All displays that were ever opened."""
    open: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    pictures: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    ended: dict[str, Delivery] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    waiting: deque[Indicator] = field(default_factory=deque)
    _version: int = 0

    def change(self, display_id: str, stage: Stage, text: str = "", **fields: Any) -> None:
        """What brain or agent records: a display is new, or has changed."""
        self._version += 1
        old = self.rows.get(display_id)
        if old is None:
            old = Display(id=display_id, version=0, order=self._version, stage=stage, chat_id=fields.pop("chat_id", 1))
        self.rows[display_id] = replace(old, version=self._version, stage=stage, delivered=False, **fields)
        self.texts[display_id] = text
        self.open.add(display_id)
        self.ended.pop(display_id, None)

    def notice(self, key: str, *, chat_id: int = 1, kind: str = "new", **fields: Any) -> None:
        self.change(f"n:{key}", Stage.NOTICE, chat_id=chat_id, kind=kind, **fields)

    def lead(self) -> "FakeDisplays":
        """A new leader's view of it."""
        self.epoch += 1
        return FakeDisplays(self, epoch=self.epoch)


@dataclass
class FakeDisplays:
    """`Displays` for one leader. *away* is Redis' absence; *full* that it takes no write."""

    shelf: Shelf
    epoch: int
    takes_s: float = 0.001
    away: bool = False
    full: Exception | None = None
    calls: list[str] = field(default_factory=list)

    async def _step(self, name: str, *, fenced: bool = True, writes: bool = True) -> None:
        self.calls.append(name)
        await asyncio.sleep(self.takes_s)
        if self.away:
            await asyncio.sleep(1)
            raise StoreUnavailable("away")
        if self.full and writes:
            raise self.full
        if fenced and self.shelf.epoch != self.epoch:
            raise LostOwnership

    async def changed(self, since: int) -> Sequence[Display]:
        await self._step("changed", writes=False)
        rows = (self.shelf.rows[key] for key in self.shelf.open)
        return sorted((row for row in rows if row.version > since), key=lambda row: row.version)

    async def announced(self, changes: Mapping[str, Change]) -> Sequence[Display]:
        await self._step("announced", fenced=False, writes=False)
        return [
            replace(self.shelf.rows[key], version=change.version)
            for key, change in changes.items()
            if key in self.shelf.rows
        ]

    async def growing(self, display_id: str) -> Growing:
        await self._step("growing", fenced=False, writes=False)
        text = self.shelf.texts.get(display_id, "")
        return Growing(text=text, began=bool(text), status=None if text else self.shelf.statuses.get(display_id))

    async def answer(self, display_id: str) -> str:
        await self._step("answer", fenced=False, writes=False)
        return self.shelf.texts.get(display_id, "")

    async def picture(self, display_id: str, n: int) -> bytes | None:
        await self._step("picture", fenced=False, writes=False)
        pictures = self.shelf.pictures.get(display_id, ())
        return pictures[n] if n < len(pictures) else None

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None:
        await self._step("reserved")
        row = self.shelf.rows[display_id]
        known = row.slots.get(slot)
        if known == message_id:
            return
        assert known == gone, "a message in place of one that was not deleted"
        replaced = row.replaced + (gone is not None)
        self.shelf.rows[display_id] = replace(row, slots={**row.slots, slot: message_id}, replaced=replaced)

    async def part(self, display_id: str, part: int, status: str) -> None:
        await self._step("part")
        row = self.shelf.rows[display_id]
        assert (row.parts.get(part), status) in {(None, "sending"), ("sending", "sending"), ("sending", "done")}
        self.shelf.rows[display_id] = replace(row, parts={**row.parts, part: status})

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool:
        await self._step("shown")
        row = self.shelf.rows[display_id]
        assert row.stage is not Stage.GROWING
        if row.version != version:
            return False
        self.shelf.open.discard(display_id)
        self.shelf.ended[display_id] = delivery
        return True

    async def doubt(self, display_id: str, *, due_ms: int) -> None:
        await self._step("doubt", fenced=False)
        self.shelf.due[display_id] = max(self.shelf.due.get(display_id, 0), due_ms)

    async def due(self, now_ms: int) -> Sequence[Display]:
        await self._step("due", writes=False)
        keys = [key for key, due_ms in self.shelf.due.items() if due_ms <= now_ms]
        return [replace(self.shelf.rows[key], delivered=key not in self.shelf.open) for key in keys]

    async def settled(self, display_id: str, due_ms: int) -> None:
        await self._step("settled")
        if self.shelf.due.get(display_id, due_ms + 1) <= due_ms:
            del self.shelf.due[display_id]

    async def take_indicators(self, count: int) -> Sequence[Indicator]:
        await self._step("take_indicators", fenced=False)
        return [self.shelf.waiting.popleft() for _ in range(min(count, len(self.shelf.waiting)))]
