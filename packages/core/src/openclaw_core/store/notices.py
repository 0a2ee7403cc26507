"""The brain's own texts: kept until they stand in the chat, each in a message reserved for it. And the small signs beside them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openclaw_core.outcome import Delivery
from openclaw_core.ports import Lang
from openclaw_core.store.client import Script, fenced


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

    async def waiting(self, *, count: int = 200) -> list[Notice]:
        """The oldest that are not told yet."""
        names = await self._script.read("LRANGE", self._script.keys("notices"), 0, count - 1)
        rows = await self._script.reads(
            [
                ("HMGET", self._script.keys("notice", key), "chat", "kind", "args", "lang", "thread", "reply_to")
                for key in names
            ]
        )
        return [_notice(key, row) for key, row in zip(names, rows, strict=True) if row[0]]

    async def intent(self, key: str, *, epoch: int) -> int | None:
        """The message that the text belongs into; None after writing down that one is about to be reserved."""
        return fenced(await self._script.step("notice_intent", key=key, epoch=epoch)) or None

    async def reserved(self, key: str, message_id: int, *, epoch: int) -> None:
        fenced(await self._script.step("notice_reserved", key=key, message_id=str(message_id), epoch=epoch))

    async def done(self, key: str, delivery: Delivery, *, epoch: int) -> None:
        fenced(await self._script.step("notice_done", key=key, delivery=delivery.value, epoch=epoch))

    async def pop(self, queue: str, *, count: int = 100) -> list[dict[str, Any]]:
        """Take small signs (`signs`, `buttons`, `files`); they are lost with this process, which loses no message."""
        rows = await self._script.read("LPOP", self._script.keys(queue), count)
        return [json.loads(row) for row in rows or ()]


def _notice(key: str, row: list[str]) -> Notice:
    chat, kind, args, lang, thread, reply_to = row
    parsed = json.loads(args)
    return Notice(
        key=key,
        chat_id=int(chat),
        kind=kind,
        args=parsed if isinstance(parsed, dict) else {},  # cjson writes an empty table as a list or an object
        lang="he" if lang == "he" else "en",
        thread_id=int(thread) if thread else None,
        reply_to=int(reply_to) if reply_to else None,
    )
