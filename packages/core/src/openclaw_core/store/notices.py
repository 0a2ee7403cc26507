"""The brain's own texts: kept until they stand in the chat, each in a message reserved for it. And the small signs beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openclaw_core import logs
from openclaw_core.errors import NoticeGone
from openclaw_core.outcome import Delivery
from openclaw_core.ports import Lang
from openclaw_core.records import UNREADABLE, parsed, readable
from openclaw_core.store.client import Script, fenced

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Which sentence, with what numbers, for which chat; never a text of the user's."""

    key: str
    chat_id: int
    kind: str
    args: Mapping[str, Any]
    lang: Lang
    thread_id: int | None
    reply_to: int | None


class Notices:
    """Every write raises LostOwnership once a newer leader has raised the epoch."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def waiting(self, *, count: int = 200, epoch: int | None = None) -> list[Notice]:
        """The oldest that are not told yet. With an *epoch*, those that cannot be read, or of which nothing is kept, are taken out of the
        list, where they would stand before all others."""
        names = await self._script.read("LRANGE", self._script.keys("notices"), 0, count - 1)
        fields = ("chat", "kind", "args", "lang", "thread", "reply_to")
        commands = [("HMGET", self._script.keys("notice", key), *fields) for key in names]
        rows = await self._script.reads(commands)
        found, lost = [], []
        for key, row in zip(names, rows, strict=True):
            try:
                found.append(_notice(key, row or []))
            except UNREADABLE as exc:
                log.fault("row.unreadable", exc, of="notices")
                lost.append(key)
        for key in lost if epoch is not None else ():
            await self.done(key, Delivery.UNDELIVERABLE, epoch=epoch or 0)
        return found

    async def intent(self, key: str, *, epoch: int) -> int | None:
        """The message that the text belongs into; None after writing down that one is about to be reserved. Raises NoticeGone."""
        result = int(await self._script.step("notice_intent", key=key, epoch=epoch))
        if result == -2:
            raise NoticeGone(key)
        return fenced(result) or None

    async def reserved(self, key: str, message_id: int, *, epoch: int, gone: int | None = None) -> None:
        """A message is reserved for the text, in place of the one that is *gone*."""
        fenced(
            await self._script.step(
                "notice_reserved",
                key=key,
                message_id=str(message_id),
                gone=None if gone is None else str(gone),
                epoch=epoch,
            )
        )

    async def done(self, key: str, delivery: Delivery, *, epoch: int) -> None:
        fenced(await self._script.step("notice_done", key=key, delivery=delivery.value, epoch=epoch))

    async def pop(self, queue: str, *, count: int = 100) -> list[dict[str, Any]]:
        """Take small signs (`signs`, `buttons`, `files`); they are lost with this process, which loses no message."""
        rows = await self._script.read("LPOP", self._script.keys(queue), count)
        return [row for row in readable(rows or (), parsed, of=queue) if isinstance(row, dict)]


def _notice(key: str, row: list[str]) -> Notice:
    chat, kind, args, lang, thread, reply_to = row
    values = parsed(args)
    return Notice(
        key=key,
        chat_id=int(chat),
        kind=kind,
        args=values if isinstance(values, dict) else {},  # cjson writes an empty table as a list or an object
        lang="he" if lang == "he" else "en",
        thread_id=int(thread) if thread else None,
        reply_to=int(reply_to) if reply_to else None,
    )
