"""Admission and handling of updates: each is taken once, and leaves the stream together with its effects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from openclaw_core.conversation import place
from openclaw_core.store.client import Script, fenced, pairs

Stream = Literal["control", "inbox"]
DEDUPE_S = 48 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An entry of a stream: a raw update, and the Unix time in milliseconds at which it was admitted."""

    entry_id: str
    update: Mapping[str, Any] = field(repr=False)
    admitted_ms: int


class Inbox:
    """The leader's view of its two streams. Every write raises LostOwnership once a newer leader has raised the epoch."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def take_lead(self, holder: str, *, ttl_s: float) -> int:
        """Take or keep the lead of local runs; gives the epoch, 0 while somebody else holds it."""
        return int(await self._script.step("take_lead", holder=holder, ttl_ms=int(ttl_s * 1000)))

    async def give_up_lead(self, holder: str) -> None:
        await self._script.step("give_up_lead", holder=holder)

    async def raise_epoch(self, holder: str) -> int:
        """The epoch of a leader that holds the lead by other means; the same for the same holder until another one comes."""
        return int(await self._script.step("raise_epoch", holder=holder))

    async def epoch(self) -> int:
        """The newest leader's epoch; 0 before the first."""
        return int(await self._script.read("GET", self._script.keys("epoch")) or 0)

    async def offset(self) -> int | None:
        """The next update id to ask for."""
        raw = await self._script.read("GET", self._script.keys("offset"))
        return int(raw) if raw else None

    async def admit(
        self, updates: Sequence[tuple[Stream, Mapping[str, Any]]], *, offset: int | None, epoch: int
    ) -> int:
        """Write a batch in one step and move the stored offset; gives how many were new."""
        rows = [
            {"id": str(update["update_id"]), "stream": stream, "json": json.dumps(update)} for stream, update in updates
        ]
        fresh = await self._script.step(
            "admit", updates=rows, offset=None if offset is None else str(offset), dedupe_s=DEDUPE_S, epoch=epoch
        )
        return fenced(fresh)

    async def waiting(self, stream: Stream, *, count: int = 200) -> list[Admitted]:
        """The oldest entries, in order."""
        key = self._script.keys(stream)
        entries = await self._script.read("XRANGE", key, "-", "+", "COUNT", count)
        return [_entry(entry_id, fields) for entry_id, fields in entries or ()]

    async def length(self, stream: Stream) -> int:
        return int(await self._script.read("XLEN", self._script.keys(stream)))

    async def handle(
        self,
        stream: Stream,
        handled: Sequence[tuple[str, Sequence[Mapping[str, Any]]]],
        *,
        epoch: int,
        chat_cap: int,
        total_cap: int,
    ) -> None:
        """For each entry id: its effects and its removal in one step; a repeat does nothing."""
        results = await self._script.steps(
            [
                (
                    "handle",
                    {
                        "stream": stream,
                        "entry": entry,
                        "effects": list(effects),
                        "epoch": epoch,
                        "chat_cap": chat_cap,
                        "total_cap": total_cap,
                    },
                )
                for entry, effects in handled
            ]
        )
        for result in results:
            fenced(result)

    async def chats(self, chat_ids: Sequence[int]) -> list[Mapping[str, str]]:
        """What is kept of each chat: `lang`, and of its conversation outside topics `last_role`, `last_task`, `generation`."""
        replies = await self._script.reads([("HGETALL", self._script.keys("chat", chat_id)) for chat_id in chat_ids])
        return [pairs(reply) for reply in replies]

    async def last_task(self, chat_id: int, thread_id: int | None) -> str:
        """The id of the task that was asked last in a chat or a topic, empty if there is none."""
        key = self._script.keys("chat", place(chat_id, thread_id))
        return str(await self._script.read("HGET", key, "last_task") or "")

    async def task_fields(self, task_id: str, *names: str) -> dict[str, str | None]:
        values = await self._script.read("HMGET", self._script.keys("task", task_id), *names)
        return dict(zip(names, values, strict=True))


def _entry(entry_id: str, fields: Any) -> Admitted:
    values = pairs(fields)
    return Admitted(entry_id=entry_id, update=json.loads(values["j"]), admitted_ms=int(values["at"]))
