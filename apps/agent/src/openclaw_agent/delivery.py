"""Text pieces in, messages and edits out: no answer is ever sent, each is edited into a message reserved for it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, TypeVar

from openclaw_agent.lease import Lease
from openclaw_core import logs, wording
from openclaw_core.errors import (
    BadTask,
    FateUnknown,
    FloodWait,
    MarkupRefused,
    MessageGone,
    MessengerRefused,
    MessengerUnavailable,
    StoreFault,
    StoreFull,
    StoreUnavailable,
)
from openclaw_core.notes import with_note
from openclaw_core.outcome import Delivery
from openclaw_core.paging import pages, plain, preview, without
from openclaw_core.ports import Attachment, Button, Entity, Messenger, Page
from openclaw_core.records import UNREADABLE, read
from openclaw_core.store import Answers, Claimed, Flood
from openclaw_core.store.flood import Priority

log = logs.get(__name__)
T = TypeVar("T")

EDIT_INTERVAL_S = {"private": 1.2, "group": 3.0}
"""Between two edits of a message that is still being written."""
PAGE_MAX_UNITS = 4096
REFUSALS = 6
"""Of formatting in one answer; after that the rest of it is plain."""
TRIES = 8
"""Of one call that did not land; the waits between them add up to about a minute."""


@dataclass(kw_only=True)
class Courier:
    """Carries one task's texts into its chat, within the flood limits and while the lease holds."""

    claimed: Claimed
    answers: Answers
    messenger: Messenger
    flood: Flood
    lease: Lease
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Between tries of a call that did not land."""
    shown: dict[int, Page] = field(default_factory=dict)
    """What each slot's message says now, as far as this attempt knows."""
    _refused: list[MarkupRefused] = field(default_factory=list)
    """What the chat said of formatting that it does not take: kept for the previews and pages that follow."""
    _slots: dict[int, int] = field(default_factory=dict)
    _reserving: asyncio.Lock = field(default_factory=asyncio.Lock)
    _on_their_way: "set[asyncio.Task[Any]]" = field(default_factory=set)

    # ---- calls that nobody cuts short

    async def _whole(self, call: Coroutine[Any, Any, T]) -> T:
        """Await *call*, which runs to its end also if the caller is cancelled: a send cut short leaves a message that nobody
        knows of, and an edit cut short may land after the next one."""
        task = asyncio.create_task(call, name="to the chat")
        self._on_their_way.add(task)
        task.add_done_callback(self._landed)
        return await asyncio.shield(task)

    def _landed(self, task: "asyncio.Task[Any]") -> None:
        self._on_their_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen: the caller has it too, unless it was cancelled

    async def settle(self) -> None:
        """Return when no call of a cancelled caller is on its way any more."""
        if self._on_their_way:
            await asyncio.wait(self._on_their_way, timeout=self.messenger.timeout_s)

    # ---- slots

    async def reserve(self, slot: int) -> int:
        """The message id of a slot; sends a short silent placeholder if it has none."""
        async with self._reserving:
            pause_s, unknown = 0.5, 0
            while slot not in self._slots:
                known = await self.answers.intent(self.claimed, slot)
                if known:
                    self._slots[slot] = known
                    break
                try:
                    await self._call(Priority.RESERVE, lambda: self._whole(self._send_placeholder(slot)))
                except FateUnknown:
                    log.warning("reserve.fate_unknown", slot=slot)
                    unknown += 1  # it may stand there: a stray placeholder is the worst that can be seen
                    if unknown == TRIES:
                        raise MessengerUnavailable("the fate of too many messages is unknown") from None
                    await self.sleep(pause_s)
                    pause_s = min(15.0, pause_s * 2)
            return self._slots[slot]

    async def _send_placeholder(self, slot: int) -> None:
        task = self.claimed.task
        self._slots[slot] = message_id = await self.messenger.send(
            task.chat_id,
            Page(text=wording.placeholder()),
            thread_id=task.thread_id,
            reply_to=task.message_id if task.chat_kind == "group" else None,
            buttons=self._stop_button(),
        )
        await persist(lambda: self.answers.reserved(self.claimed, slot, message_id))

    def _stop_button(self) -> tuple[tuple[Button, ...], ...]:
        return (
            (
                Button(
                    label=wording.label(wording.Label.STOP, self.claimed.task.notices_in),
                    data=f"stop:{self.claimed.task.id}",
                ),
            ),
        )

    async def show(
        self, slot: int, page: Page, priority: Priority, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        """Make the slot's message say *page*, without formatting that is refused; a new message if it is gone."""
        page = self._accepted(page)
        while True:
            message_id = await self.reserve(slot)
            try:
                await self._call(
                    priority, partial(self.messenger.edit, self.claimed.task.chat_id, message_id, page, buttons=buttons)
                )
                self.shown[slot] = page
                return
            except MarkupRefused as exc:
                log.warning("delivery.markup_refused", slot=slot)
                if not page.entities:
                    raise
                page = self._without(page, exc)
            except MessageGone:
                del self._slots[slot]
                await self.answers.unreserve(self.claimed, slot, message_id)

    def _without(self, page: Page, refusal: MarkupRefused) -> Page:
        """*page* without what was refused, and the refusal remembered: one bad entity costs no page its other formatting."""
        self._refused.append(refusal)
        if len(self._refused) > REFUSALS:
            return plain(page)
        return without(page, url=refusal.url, offset=refusal.offset)

    def _accepted(self, page: Page) -> Page:
        """*page* as the chat takes it, after what it refused before."""
        if not self._refused or not page.entities:
            return page
        if len(self._refused) > REFUSALS:
            return plain(page)
        for refusal in self._refused:
            if refusal.url is None and refusal.offset is None:
                page = without(page)
            elif any(entity.url is not None and entity.url == refusal.url for entity in page.entities):
                page = without(page, url=refusal.url)
        return page

    async def _call(self, priority: Priority, call: Callable[[], Awaitable[T]]) -> T:
        pause_s = 0.5
        for attempt in range(TRIES):
            while wait_s := await self.flood.take(self.claimed.task.chat_id, self.claimed.task.chat_kind, priority):
                await asyncio.sleep(wait_s)
            await self.lease.hold(self.messenger.timeout_s)
            try:
                return await call()
            except FloodWait as exc:
                await self.flood.refused(self.claimed.task.chat_id, retry_after_s=exc.retry_after_s)
            except MessengerUnavailable:
                if attempt == TRIES - 1:
                    raise
                await self.sleep(pause_s)
                pause_s = min(15.0, pause_s * 2)
        raise MessengerUnavailable("the flood limit refused too often")

    # ---- while the model writes

    async def preview(self, markdown: str) -> bool:
        """Show an unfinished answer if no limit makes it wait; False if it was dropped."""
        drafts = preview(markdown, lang=self.claimed.task.lang)
        if not drafts:
            return False
        slot = len(drafts) - 1
        draft = self._accepted(drafts[slot])
        first = not self.shown
        if slot not in self._slots and slot > 0:
            await self.reserve(slot)
        if self.shown.get(slot) == draft:
            return True
        if await self.flood.take(
            self.claimed.task.chat_id, self.claimed.task.chat_kind, Priority.FIRST_TEXT if first else Priority.PREVIEW
        ):
            return False
        message_id = await self.reserve(slot)
        await self.lease.hold(self.messenger.timeout_s)
        try:
            await self._whole(
                self.messenger.edit(self.claimed.task.chat_id, message_id, draft, buttons=self._stop_button())
            )
        except FloodWait as exc:
            await self.flood.refused(self.claimed.task.chat_id, retry_after_s=exc.retry_after_s)
            return False
        except MarkupRefused as exc:
            self._without(draft, exc)  # the next preview does without
            return False
        except (MessengerUnavailable, MessageGone):
            return False  # the final text sees to it
        self.shown[slot] = draft
        return True

    async def mark_stopped(self, markdown: str) -> None:
        """The text that was shown, marked as stopped; nothing if no message was reserved."""
        await self.settle()
        if not self._slots:
            return
        task = self.claimed.task
        drafts = preview(markdown, lang=task.lang)
        slot = max(self._slots)
        shown = self._accepted(drafts[slot]) if slot < len(drafts) else Page(text=wording.PLACEHOLDER)
        marked = wording.with_stopped_mark(shown.text, task.notices_in)
        fits = len(marked.encode("utf-16-le")) // 2 <= PAGE_MAX_UNITS
        page = (
            Page(text=marked, entities=shown.entities)
            if fits
            else Page(text=wording.with_stopped_mark("", task.notices_in))
        )
        edit = partial(self.messenger.edit, task.chat_id, self._slots[slot])
        try:
            await self._call(Priority.FINAL, partial(edit, page))
        except MarkupRefused:
            await self._call(Priority.FINAL, partial(edit, plain(page)))

    # ---- when it has ended

    def outbox(self, markdown: str, *, truncated: bool) -> dict[str, Any]:
        """All parts of an answer as stored."""
        if truncated:
            markdown = with_note(markdown, f"_{wording.say(wording.Say.TRUNCATED, self.claimed.task.lang)}_")
        texts, files = pages(markdown, lang=self.claimed.task.lang)
        return {
            "pages": [asdict(page) for page in texts],
            "files": [asdict(file) for file in files],
            "answer": markdown,
        }

    async def deliver(self, outbox: Mapping[str, Any]) -> Delivery:
        """Bring every part that is missing into the chat: texts first, then files. Raises BadTask for an outbox that cannot be read."""
        try:
            texts = [page_from(row) for row in outbox["pages"]]
            files = [read(Attachment, row) for row in outbox["files"]]
        except UNREADABLE:
            raise BadTask("the outbox is malformed") from None
        if not texts:
            raise MessengerRefused("an answer without a page")
        status = await self.answers.parts(self.claimed, len(texts) + len(files))
        for slot, page in enumerate(texts):
            if status[slot] != "done":
                await self.show(slot, page, Priority.FINAL)
                await self.answers.part(self.claimed, slot, "done")
        unknown: list[int] = []
        for n, file in enumerate(files, start=len(texts)):
            if status[n] == "done":
                continue
            if status[n] == "sending" or not await self._send_file(n, file):
                unknown.append(n)
        if unknown:
            lang = self.claimed.task.notices_in
            row = tuple(
                Button(
                    label=wording.label(wording.Label.SEND_FILE_AGAIN, lang), data=f"file:{self.claimed.task.id}:{n}"
                )
                for n in unknown[:4]
            )
            note = f"\n\n{wording.say(wording.Say.FILE_FATE_UNKNOWN, lang)}"
            last = texts[-1]
            if len((last.text + note).encode("utf-16-le")) // 2 <= PAGE_MAX_UNITS:
                last = Page(text=last.text + note, entities=last.entities)
            await self.show(len(texts) - 1, last, Priority.FINAL, buttons=(row,))
            return Delivery.PARTIAL
        return Delivery.DELIVERED

    async def _send_file(self, part: int, file: Attachment) -> bool:
        """False if the file's fate is unknown: it is not repeated."""
        task = self.claimed.task
        await self.answers.part(self.claimed, part, "sending")
        try:
            await self._call(
                Priority.FINAL,
                lambda: self.messenger.send_file(
                    task.chat_id,
                    file,
                    thread_id=task.thread_id,
                    reply_to=task.message_id if task.chat_kind == "group" else None,
                ),
            )
        except FateUnknown:
            return False
        await self.answers.part(self.claimed, part, "done")
        return True


async def persist(step: Callable[[], Awaitable[T]]) -> T:
    """What a step gives that must not be given up because Redis is away for a while: the lease decides whether it still counts."""
    while True:
        try:
            return await step()
        except StoreFault:
            raise  # Redis answers, and refuses: another attempt may find it mended
        except (StoreUnavailable, StoreFull):
            log.warning("store.unavailable", during="answer")
            await asyncio.sleep(1)


def page_from(row: Mapping[str, Any]) -> Page:
    """A page as stored in the outbox."""
    return Page(text=row["text"], entities=tuple(read(Entity, entity) for entity in row["entities"]))
