"""Admission and handling of updates: each is taken once, and leaves the stream together with its effects."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from openclaw_core import logs
from openclaw_core.records import UNREADABLE, parsed, whole
from openclaw_core.store.access import READABLE_VERSIONS, AccessEntry, entries_of, entry_of
from openclaw_core.store.client import Script
from openclaw_core.store.effects import Effect, to_lua
from openclaw_core.store.step_values import fenced, pairs
from openclaw_core.tasks.conversation import conversation_key

log = logs.get(__name__)

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

    async def offset(self) -> int | None:
        """The next update id to ask for."""
        raw = await self._script.read("GET", self._script.keys("offset"))
        return whole(raw) if raw else None

    async def admit(
        self, updates: Sequence[tuple[Stream, Mapping[str, Any]]], *, offset: int | None, epoch: int
    ) -> int:
        """As `admitted`; gives how many were new."""
        return len(await self.admitted(updates, offset=offset, epoch=epoch))

    async def admitted(
        self, updates: Sequence[tuple[Stream, Mapping[str, Any]]], *, offset: int | None, epoch: int
    ) -> list[tuple[Stream, Admitted]]:
        """Write a batch in one step and move the stored offset; gives those that were new. An update that no JSON can hold is left out."""
        rows, written = [], []
        for stream, update in updates:
            try:
                rows.append(
                    {
                        "id": str(update["update_id"]),
                        "stream": stream,
                        "json": json.dumps(update, separators=(",", ":")),
                    }
                )
                written.append((stream, update))
            except UNREADABLE as exc:
                log.fault("update.unwritable", exc)
        at, *entries = await self._script.step(
            "admit", updates=rows, offset=None if offset is None else str(offset), dedupe_s=DEDUPE_S, epoch=epoch
        )
        admitted_ms = fenced(at)
        return [
            (stream, Admitted(entry_id=str(entry), update=update, admitted_ms=admitted_ms))
            for (stream, update), entry in zip(written, entries, strict=True)
            if entry
        ]

    async def waiting(self, stream: Stream, *, count: int = 200) -> list[Admitted]:
        """The oldest entries, in order. One that cannot be read reads as an update without anything in it, which is handled and gone."""
        key = self._script.keys(stream)
        entries = await self._script.read("XRANGE", key, "-", "+", "COUNT", count)
        return [_entry(entry_id, fields) for entry_id, fields in entries or ()]

    async def length(self, stream: Stream) -> int:
        return int(await self._script.read("XLEN", self._script.keys(stream)))

    async def handle(
        self,
        stream: Stream,
        handled: Sequence[tuple[str, Sequence[Effect]]],
        *,
        epoch: int,
        chat_cap: int,
        total_cap: int,
        release: Mapping[str, Any] | None = None,
    ) -> tuple[bool, list[str]]:
        """For each entry id: its effects and its removal in one step; a repeat does nothing.

        Gives whether there is something to be shown, and with *release* (`Lanes.release_arguments`) what the last of
        these steps has released, for `Lanes.read_release`.

        An entry whose effects Redis refuses is gone all the same: it would be refused again, before all that follow it.
        """
        caps = {"epoch": epoch, "chat_cap": chat_cap, "total_cap": total_cap}
        calls = [
            ("handle", {"stream": stream, "entry": entry, "effects": [to_lua(effect) for effect in effects], **caps})
            for entry, effects in handled
        ]
        if release and calls:
            calls[-1][1].update(release)
        replies = await self._script.steps(calls)
        results = [fenced(reply[0] if isinstance(reply, list) else reply) for reply in replies]
        for _ in range(results.count(2)):
            log.error("update.dropped", stream=stream)
        released = replies[-1][1:] if release and replies else []
        return any(result in (2, 3) for result in results), [str(one) for one in released]

    async def set_files_at(self, address: str, *, epoch: int) -> None:
        """Say where agents find the files of their runs; those that are claimed from now on know it."""
        fenced(await self._script.step("set_files_at", address=address, epoch=epoch))

    async def make_room(self, *, at_most: int, epoch: int) -> int:
        """Let the oldest finished records go, where Redis is full; gives how many."""
        return fenced(await self._script.step("make_room", at_most=at_most, epoch=epoch))

    async def forget_some(self, *, at_most: int, epoch: int) -> bool:
        """Look at about *at_most* more finished tasks for those who asked to be forgotten; gives whether there are more to look at now."""
        return fenced(await self._script.step("forget_some", at_most=at_most, epoch=epoch)) == 1

    async def chats(self, chat_ids: Sequence[int]) -> list[Mapping[str, str]]:
        """What is kept of each chat: `lang`, and of its conversation outside topics `last_role`, `last_task`, `generation`."""
        replies = await self._script.reads([("HGETALL", self._script.keys("chat", chat_id)) for chat_id in chat_ids])
        return [pairs(reply or {}) for reply in replies]

    async def chats_and_access(
        self, senders: Sequence[tuple[int, int]]
    ) -> list[tuple[Mapping[str, str], Mapping[int, AccessEntry]]]:
        """For each chat and user: what is kept of the chat, as `chats`, and what owners decided about the user and the chat, by id."""
        key = self._script.keys
        commands: list[tuple[Any, ...]] = []
        for chat_id, user_id in senders:
            commands += [("HGETALL", key("chat", chat_id)), ("HMGET", key("access"), user_id, chat_id)]
        replies = await self._script.reads(commands)
        found: list[tuple[Mapping[str, str], Mapping[int, AccessEntry]]] = []
        for sender, chat, rows in zip(senders, replies[::2], replies[1::2], strict=True):
            subjects = (sender[1], sender[0])
            access = {one: entry_of(str(one), row) for one, row in zip(subjects, rows or (), strict=False) if row}
            found.append((pairs(chat or {}), access))
        return found

    async def access_entries(self) -> tuple[dict[str, AccessEntry], dict[str, AccessEntry]]:
        """What owners decided in the chat, and what Git said last, by subject."""
        keys = [self._script.keys("access"), self._script.keys("access.git")]
        bot, git = await self._script.reads([("HGETALL", key) for key in keys])
        return entries_of(pairs(bot or {})), entries_of(pairs(git or {}))

    async def pairing_digest(self, user_id: int) -> str:
        """The digest of the code of a newcomer's request, empty if there is none. Whether it has expired is the script's to say."""
        row = await self._script.read("HGET", self._script.keys("pairing"), user_id)
        version, digest, *_ = [*str(row or "").split(" "), "", ""]
        return digest if version in READABLE_VERSIONS else ""

    async def moved(self, chat_ids: Collection[int]) -> dict[int, int]:
        """The present ids of those chats that have got another one. Only groups do, so others cost no call."""
        groups = sorted({chat_id for chat_id in chat_ids if chat_id < 0})
        if not groups:
            return {}
        [found] = await self._script.reads([("HMGET", self._script.keys("moved"), *groups)])
        return {old: whole(new, old) for old, new in zip(groups, found or (), strict=False) if new}

    async def last_task(self, chat_id: int, thread_id: int | None) -> str:
        """The id of the task that was asked last in a chat or a topic, empty if there is none."""
        key = self._script.keys("chat", conversation_key(chat_id, thread_id))
        return str(await self._script.read("HGET", key, "last_task") or "")


def _entry(entry_id: str, fields: Any) -> Admitted:
    try:
        values = pairs(fields)
        update, admitted_ms = parsed(values["j"]), int(values["at"])
    except UNREADABLE as exc:
        log.fault("row.unreadable", exc, of="stream")
        update, admitted_ms = {}, 0
    return Admitted(entry_id=entry_id, update=update if isinstance(update, dict) else {}, admitted_ms=admitted_ms)
