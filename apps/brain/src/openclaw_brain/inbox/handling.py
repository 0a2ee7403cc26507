"""Streams of admitted updates → effects in the store, in order, many in one round trip."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openclaw_brain.inbox.gathering import Part, Windows, linked, part_of, unasked
from openclaw_brain.inbox.intake import Intake, Known
from openclaw_brain.telegram.incoming import Bot, Incoming, read_update
from openclaw_core import logs
from openclaw_core.errors import BadTask, StoreFull, StoreUnavailable
from openclaw_core.records import UNREADABLE, whole
from openclaw_core.store import Admitted, Inbox, Lanes
from openclaw_core.store.inbox import Stream
from openclaw_core.tasks.task import Task

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Reads a stream from its oldest entry; an entry leaves it together with its effects."""

    inbox: Inbox
    lanes: Lanes
    intake: Intake
    bot: Bot
    windows: Windows
    epoch: int
    chat_cap: int
    total_cap: int
    shows: Callable[[], None] = lambda: None
    """Called where an effect is something to be shown."""
    room: Callable[[], Mapping[str, int] | None] = lambda: None
    """What to ask of the step that handles the last entry, for it to let tasks go as well; *let_go* is told which."""
    let_go: Callable[[Sequence[str]], None] = lambda _: None

    async def forever(
        self, stream: Stream, *, nudge: asyncio.Event, handled: Callable[[int], None], turned: Callable[[], None]
    ) -> None:
        """Handle until cancelled. Raises LostOwnership."""
        while True:
            turned()
            nudge.clear()
            try:
                count = await self.batch(stream)
            except (StoreUnavailable, StoreFull):
                log.warning("store.unavailable", during="handle")
                await asyncio.sleep(1)
                continue
            if count:
                handled(count)
                continue
            try:
                async with asyncio.timeout(2):  # a bound, should a nudge of another kind be missed
                    await nudge.wait()
            except TimeoutError:
                pass

    async def batch(self, stream: Stream) -> int:
        """Handle the oldest entries; gives how many."""
        entries = await self.inbox.waiting(stream)
        if not entries:
            return 0
        # Entries that ask the store something first are handled alone, after those before them have had their effects. All are read once: a chat
        # that asks a lot would have the others read anew each time.
        plain: list[tuple[Admitted, Incoming]] = []
        for entry, incoming in zip(entries, await self._read(entries), strict=True):
            if not _asks(incoming):
                plain.append((entry, incoming))
                continue
            await self._handle_plain(stream, plain)
            plain = []
            [asking] = await self._in_present_chats([incoming])
            await self._commit(stream, [self._part(entry, asking, await self._known(asking))])
        await self._handle_plain(stream, plain)
        return len(entries)

    async def _handle_plain(self, stream: Stream, plain: Sequence[tuple[Admitted, Incoming]]) -> None:
        if not plain:
            return
        chats = await self.inbox.chats([incoming.chat_id for _, incoming in plain])
        await self._commit(
            stream,
            [
                self._part(entry, incoming, Known(chat=chat))
                for (entry, incoming), chat in zip(plain, chats, strict=True)
            ],
        )

    async def _read(self, entries: Sequence[Admitted]) -> list[Incoming]:
        """What each update is, in its chat's present id."""
        return await self._in_present_chats([self._incoming(entry) for entry in entries])

    async def _in_present_chats(self, read: Sequence[Incoming]) -> list[Incoming]:
        moved = await self.inbox.moved([incoming.chat_id for incoming in read])
        return [
            incoming
            if incoming.kind == "migrated"
            else replace(incoming, chat_id=moved.get(incoming.chat_id, incoming.chat_id))
            for incoming in read
        ]

    def _incoming(self, entry: Admitted) -> Incoming:
        try:
            return read_update(entry.update, self.bot)
        except UNREADABLE as exc:
            log.fault("update.unreadable", exc)
            return Incoming(update_id=0, kind="ignored")

    def _part(self, entry: Admitted, incoming: Incoming, known: Known) -> Part:
        """What handling an update changes: nothing, if what it or its chat holds cannot be made sense of, for the next ones wait behind it."""
        try:
            asked = unasked(entry.update, incoming)
            effects = self.intake.effects(asked or incoming, known, admitted_ms=entry.admitted_ms)
            if asked is not None:
                effects = [effect for effect in effects if "record" in effect]
            return part_of(
                entry.entry_id, entry.update, asked or incoming, effects, self.windows, only_joins=asked is not None
            )
        except UNREADABLE as exc:
            log.fault("update.unreadable", exc)
            return part_of(entry.entry_id, {}, Incoming(update_id=0, kind="ignored"), (), self.windows)

    async def _commit(self, stream: Stream, parts: Sequence[Part]) -> None:
        handled = [(part.entry_id, effects) for part, effects in zip(parts, linked(parts, self.windows), strict=True)]
        release = self.room()
        shows, ids = await self.inbox.handle(
            stream, handled, epoch=self.epoch, chat_cap=self.chat_cap, total_cap=self.total_cap, release=release
        )
        if shows:
            self.shows()
        if release:
            self.let_go(ids)

    async def _known(self, incoming: Incoming) -> Known:
        chat = (await self.inbox.chats([incoming.chat_id]))[0]
        if incoming.command == "status":
            return Known(chat=chat, status=await self._status(incoming.chat_id))
        if incoming.wants == "command":
            wanted = await self.inbox.last_task(incoming.chat_id, incoming.thread_id)
        else:
            wanted = incoming.button_data.partition(":")[2]
        return Known(chat=chat, old_task=await self._task(wanted))

    async def _task(self, task_id: str) -> Task | None:
        try:
            task = await self.lanes.asked(task_id) if task_id else None
        except BadTask:
            return None
        if task is None:
            return None
        moved = await self.inbox.moved([task.chat_id])
        return replace(task, chat_id=moved.get(task.chat_id, task.chat_id))

    async def _status(self, chat_id: int) -> dict[str, Any]:
        running = await self.lanes.running_in(chat_id)
        waiting = await self.lanes.waiting_in(chat_id)
        oldest = await self.lanes.fields(
            [task for task in (running, *waiting[:1]) if task], "admitted_ms", "role", "state"
        )
        now_ms = time.time() * 1000
        status: dict[str, Any] = {"waiting": len(waiting), "running": 1 if running else 0}
        if running:
            status.update(
                running_s=_seconds(oldest[0]["admitted_ms"], now_ms),
                role=oldest[0]["role"] or "",
                state=oldest[0]["state"] or "",
            )
        if waiting:
            status["waiting_s"] = _seconds(oldest[-1]["admitted_ms"], now_ms)
        return status


def _asks(incoming: Incoming) -> bool:
    return (incoming.wants == "command" and incoming.command in ("status", "retry")) or (
        incoming.kind == "button" and incoming.button_data.startswith("retry:")
    )


def _seconds(admitted_ms: str | None, now_ms: float) -> int:
    return max(0, round((now_ms - whole(admitted_ms, round(now_ms))) / 1000))
