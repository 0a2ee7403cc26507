"""Telling people: notices into messages reserved for them, the first visible sign, the end of a button's spinner."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from openclaw_brain.telling import told
from openclaw_core import logs, wording
from openclaw_core.errors import (
    ChatGone,
    FateUnknown,
    FloodWait,
    LostOwnership,
    MarkupRefused,
    MessageGone,
    MessengerRefused,
    MessengerUnauthorized,
    MessengerUnavailable,
    NoticeGone,
    OpenClawError,
    StoreFault,
    StoreFull,
    StoreUnavailable,
)  # fmt: skip
from openclaw_core.outcome import Delivery
from openclaw_core.ports import Attachment, Messenger, Page
from openclaw_core.records import UNREADABLE, parsed, read
from openclaw_core.roles import Roles
from openclaw_core.store import Flood, Lanes, Notice, Notices
from openclaw_core.store.flood import Priority

log = logs.get(__name__)
SIGN = "👀"
SIGNS_PER_S = 30
SIGN_SLACK_S = 0.2
CHATS_AT_ONCE = 16


@dataclass(kw_only=True)
class Reporter:
    """Every loop raises LostOwnership."""

    notices: Notices
    lanes: Lanes
    messenger: Messenger
    flood: Flood
    roles: Roles
    epoch: int
    drain_s: float = 0.0
    """How long a loop that is cancelled lets what it has begun come to its end: between a send and the note of it lies a stray message."""
    _busy: set[int] = field(default_factory=set)
    _leaving: bool = False

    async def tell_forever(self, *, nudge: asyncio.Event, turned: Callable[[], None]) -> None:
        """Bring each notice into its chat, in order within a chat, chats side by side."""
        async with self._finishing() as start:
            while True:
                turned()
                nudge.clear()
                try:
                    by_chat: dict[int, list[Notice]] = defaultdict(list)
                    for notice in await self.notices.waiting(epoch=self.epoch):
                        by_chat[notice.chat_id].append(notice)
                    for chat_id, waiting in by_chat.items():
                        if chat_id not in self._busy and len(self._busy) < CHATS_AT_ONCE:
                            self._busy.add(chat_id)
                            start(self._tell_chat(chat_id, waiting))
                except (StoreUnavailable, StoreFull):
                    await asyncio.sleep(1)
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await nudge.wait()

    async def _tell_chat(self, chat_id: int, waiting: Sequence[Notice]) -> None:
        try:
            for notice in waiting:
                if self._leaving:
                    return
                await self._tell(notice)
        except (StoreFault, *UNREADABLE) as exc:
            log.fault("notice.waits", exc)
            await asyncio.sleep(1)
        except (
            StoreUnavailable,
            StoreFull,
            MessengerUnavailable,
            MessengerUnauthorized,
            FateUnknown,
            FloodWait,
        ) as exc:
            log.warning("notice.waits", error=type(exc).__name__)
            await asyncio.sleep(1)  # it stays in the list: the next round goes on where this one stopped
        finally:
            self._busy.discard(chat_id)

    async def _tell(self, notice: Notice) -> None:
        try:
            page, buttons = told(notice, self.roles)
        except UNREADABLE as exc:  # its arguments do not fit its kind: there is no sentence for them
            log.fault("notice.unreadable", exc, kind=notice.kind)
            await self.notices.done(notice.key, Delivery.UNDELIVERABLE, epoch=self.epoch)
            return
        kind = "group" if notice.chat_id < 0 else "private"
        delivery = Delivery.DELIVERED
        message_id: int | None = None
        for _ in range(3):
            try:
                message_id = await self.notices.intent(notice.key, epoch=self.epoch)
                if message_id is None:
                    # Room for both calls first: in a group the second one waits for 3 s, and the placeholder would stand alone meanwhile.
                    await self._room(notice.chat_id, kind, Priority.RESERVE)
                    await self._room(notice.chat_id, kind, Priority.FINAL)
                    message_id = await self.messenger.send(
                        notice.chat_id,
                        Page(text=wording.PLACEHOLDER),
                        thread_id=notice.thread_id,
                        reply_to=notice.reply_to,
                    )
                    await self.notices.reserved(notice.key, message_id, epoch=self.epoch)
                else:
                    await self._room(notice.chat_id, kind, Priority.FINAL)
                await self.messenger.edit(notice.chat_id, message_id, page, buttons=buttons)
                break
            except NoticeGone:
                return
            except MessageGone:
                gone, message_id = (
                    message_id,
                    await self.messenger.send(
                        notice.chat_id, Page(text=wording.PLACEHOLDER), thread_id=notice.thread_id
                    ),
                )
                await self.notices.reserved(notice.key, message_id, gone=gone, epoch=self.epoch)
            except FloodWait as exc:
                await self.flood.refused(notice.chat_id, retry_after_s=exc.retry_after_s)
                raise
            except (ChatGone, MessengerRefused, MarkupRefused) as exc:
                log.warning("notice.refused", error=type(exc).__name__, kind=notice.kind)
                delivery = Delivery.UNDELIVERABLE
                break
        await self.notices.done(notice.key, delivery, epoch=self.epoch)

    async def _room(self, chat_id: int, kind: str, priority: Priority) -> None:
        while wait_s := await self.flood.take(chat_id, "group" if kind == "group" else "private", priority):
            await asyncio.sleep(wait_s)

    async def signs_forever(self, *, nudge: asyncio.Event, turned: Callable[[], None]) -> None:
        """Reactions, ends of spinners and files that were asked for again: small, quick, and no message is lost with them."""
        pace = asyncio.Semaphore(10)
        next_at = 0.0
        async with self._finishing() as start:
            while True:
                turned()
                nudge.clear()
                try:
                    for button in await self.notices.pop("buttons"):
                        start(self._quiet(self._answer_button(button)))
                    for wish in await self.notices.pop("files"):
                        start(self._quiet(self._send_file(wish)))
                    signs = await self.notices.pop("signs", count=10)
                    for sign in signs:
                        await pace.acquire()
                        start(self._sign(sign, pace))
                except (StoreUnavailable, StoreFull):
                    await asyncio.sleep(1)
                    continue
                if signs:
                    # Reactions have a limit of 30 a second of their own. The pace counts from the last sign, not from the end of its call.
                    now = asyncio.get_running_loop().time()
                    next_at = max(next_at, now - SIGN_SLACK_S) + len(signs) / SIGNS_PER_S
                    await asyncio.sleep(max(0.0, next_at - now))
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await nudge.wait()

    async def _sign(self, sign: Mapping[str, Any], pace: asyncio.Semaphore) -> None:
        try:
            await self._quiet(self._react(int(sign["chat"]), int(sign["message_id"])))
        except UNREADABLE as exc:
            log.fault("row.unreadable", exc, of="signs")
        finally:
            pace.release()

    async def _react(self, chat_id: int, message_id: int) -> None:
        try:
            await self.messenger.react(chat_id, message_id, SIGN)
        except (MessengerRefused, MessengerUnavailable):
            await self.messenger.action(chat_id)  # groups may forbid reactions

    async def _answer_button(self, button: Mapping[str, Any]) -> None:
        await self.messenger.answer_button(str(button["id"]), str(button.get("text", "")))

    @asynccontextmanager
    async def _finishing(self) -> "AsyncIterator[Callable[[Coroutine[Any, Any, None]], None]]":
        """Starts what a loop begins, and when that loop is cancelled lets it finish within `drain_s`."""
        async with asyncio.TaskGroup() as group:
            begun: set[asyncio.Task[None]] = set()

            def start(work: Coroutine[Any, Any, None]) -> None:
                task = group.create_task(work)
                begun.add(task)
                task.add_done_callback(begun.discard)

            try:
                yield start
            except asyncio.CancelledError:
                self._leaving = True
                if begun:
                    await asyncio.wait(begun, timeout=self.drain_s)
                raise

    @staticmethod
    async def _quiet(call: Awaitable[None]) -> None:
        try:
            await call
        except LostOwnership:
            raise
        except OpenClawError as exc:
            log.info("sign.dropped", error=type(exc).__name__)
        except UNREADABLE as exc:  # a press carries what somebody's program wrote into it
            log.fault("row.unreadable", exc, of="presses")

    async def _send_file(self, wish: Mapping[str, Any]) -> None:
        part = int(wish["part"])
        row = (await self.lanes.fields([str(wish["task"])], "outbox", "chat", "chat_kind", "thread", "message_id"))[0]
        if not row["outbox"] or not row["chat"]:
            return
        outbox = parsed(row["outbox"])
        files = outbox["files"]
        n = part - len(outbox["pages"])
        if 0 <= n < len(files):
            await self._room(int(row["chat"]), "group" if int(row["chat"]) < 0 else "private", Priority.FINAL)
            await self.messenger.send_file(
                int(row["chat"]),
                read(Attachment, files[n]),
                thread_id=int(row["thread"]) if row["thread"] else None,
                reply_to=int(row["message_id"]) if row["message_id"] and row["chat_kind"] == "group" else None,
            )
