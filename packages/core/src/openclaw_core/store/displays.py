"""What chats are to see, as Redis holds it: the port `Displays`."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from openclaw_core import logs
from openclaw_core.chat.delivery.displays import Change, Display, Growing, Indicator, Stage
from openclaw_core.records import UNREADABLE, parsed, readable, whole
from openclaw_core.store.client import Script
from openclaw_core.store.run_steps import status_from
from openclaw_core.store.step_values import fenced, fenced_list
from openclaw_core.tasks.outcome import Cause, Delivery

log = logs.get(__name__)
SLOTS = 32
"""More than the pages and files of the longest answer."""
PICTURES_MAX = 3
"""That an answer may have."""
FEW = 2
"""Slots and parts are used in order: where the last of these is free, so are those after it."""
_STAGES = {
    "running": Stage.GROWING,
    "preview": Stage.GROWING,
    "ready": Stage.GROWING,  # its agent was lost, or handed it back: what was shown stays until the next one writes
    "queued": Stage.GROWING,
    "answered": Stage.ANSWERED,
    "closed": Stage.ANSWERED,
    "failed": Stage.FAILED,
    "cancelled": Stage.STOPPED,
}
_FEW_FIELDS = tuple(f"{name}{n}" for name in ("slot", "part") for n in range(FEW))
_OTHER_FIELDS = tuple(f"{name}{n}" for name in ("slot", "part") for n in range(FEW, SLOTS))
TASK_FIELDS = (
    "state", "chat", "chat_kind", "thread", "message_id", "lang", "answer_lang", "cause", "replaced", "order_n",
    "attempt_ms", "pictures", "budget",
    *_FEW_FIELDS,
)  # fmt: skip
"""What `adopt` in `lua/leader/3_pool.lua` gives too, in this order."""
_NOTICE_FIELDS = ("chat", "kind", "args", "lang", "thread", "reply_to", "order", "replaced", *_FEW_FIELDS)
DisplayRow = Mapping[str, str | None]


class RedisDisplays:
    """The leader's, with its *epoch*; or those of a process that does one task *alone*, by the name of its start.

    *task_deadline_s* is how long an attempt may take.
    """

    def __init__(self, script: Script, *, epoch: int = 0, alone: str = "", task_deadline_s: float = 180.0) -> None:
        self._script = script
        self._fence: Mapping[str, Any] = {"alone": alone} if alone else {"epoch": epoch}
        self._deadline_ms = round(task_deadline_s * 1000)
        self._runs: dict[str, str] = {}
        """Names of runs by the displays that show them, from what the leader learned of them. Another run may have the task by now."""

    async def changed(self, since: int) -> Sequence[Display]:
        rows = fenced_list(await self._script.step("changed", since=since, **self._fence))
        versions = {str(name): whole(score) for name, score in _pairs(rows)}
        return await self._displays(versions)

    async def announced(self, changes: Mapping[str, Change]) -> Sequence[Display]:
        known = {name: change.row for name, change in changes.items() if change.row is not None}
        self._runs |= {name: change.run for name, change in changes.items() if change.run}
        return await self._displays({name: change.version for name, change in changes.items()}, known)

    async def read(self, display_id: str) -> Display | None:
        version = await self._script.read("ZSCORE", self._script.keys("open"), display_id)
        found = await self._displays({display_id: whole(version)}, delivered=version is None)
        return found[0] if found else None

    async def growing(self, display_id: str) -> Growing:
        known = self._runs.get(display_id)
        if known and (found := await self._written(known)):
            return found
        run = await self._script.read("HGET", self._script.keys("task", display_id[2:]), "run_id")
        return (run and run != known and await self._written(run)) or Growing()

    async def _written(self, run: str) -> Growing | None:
        """What its agent has written; None where there is nothing: also of a run that has gone."""
        text, status = await self._script.read("HMGET", self._script.keys("agent", "run", run), "text", "status")
        if not text and status is None:
            return None
        return Growing(text=str(text or ""), began=bool(text), status=None if text else status_from(status))

    async def answer(self, display_id: str) -> str:
        return str(await self._script.read("GET", self._script.keys("answer", display_id[2:])) or "")

    async def picture(self, display_id: str, n: int) -> bytes | None:
        found = await self._script.read("HGET", self._script.keys("pictures", display_id[2:]), n)
        return base64.b64decode(found) if found else None

    async def reserved(self, display_id: str, slot: int, message_id: int, *, gone: int | None = None) -> None:
        gone_id = None if gone is None else str(gone)
        fenced(
            await self._script.step(
                "reserved", display=display_id, slot=slot, message_id=str(message_id), gone=gone_id, **self._fence
            )
        )

    async def part(self, display_id: str, part: int, status: str) -> None:
        fenced(await self._script.step("part", display=display_id, part=part, status=status, **self._fence))

    async def shown(self, display_id: str, version: int, delivery: Delivery) -> bool:
        self._runs.pop(display_id, None)
        return bool(
            fenced(
                await self._script.step(
                    "shown", display=display_id, version=version, delivery=delivery.value, **self._fence
                )
            )
        )

    async def doubt(self, display_id: str, *, due_ms: int) -> None:
        await self._script.step("doubt", display=display_id, due_ms=due_ms)

    async def due(self, now_ms: int) -> Sequence[Display]:
        names = await self._script.read("ZRANGE", self._script.keys("again"), "-inf", str(now_ms), "BYSCORE")
        if not names:
            return ()
        scores = await self._script.reads([("ZSCORE", self._script.keys("open"), name) for name in names])
        still_open = {str(name): whole(score) for name, score in zip(names, scores, strict=True) if score is not None}
        done = {str(name): 0 for name in names if str(name) not in still_open}
        return [*await self._displays(still_open), *await self._displays(done, delivered=True)]

    async def settled(self, display_id: str, due_ms: int) -> None:
        fenced(await self._script.step("settled", display=display_id, due_ms=due_ms, **self._fence))

    async def take_indicators(self, count: int) -> Sequence[Indicator]:
        rows = await self._script.read("LPOP", self._script.keys("signs"), count)
        return readable(rows or (), _indicator, of="signs")

    async def _displays(
        self, versions: Mapping[str, int], known: Mapping[str, DisplayRow] | None = None, *, delivered: bool = False
    ) -> list[Display]:
        """Those that can be read; others are reported, and taken out of the open ones, where they would be met again and again."""
        if not versions:
            return []
        found = []
        for name, row in (await self._rows(list(versions), known or {})).items():
            try:
                read = self._task if name.startswith("t:") else _notice
                found.append(read(name, versions[name], row, delivered))
            except UNREADABLE as exc:
                log.fault("row.unreadable", exc, of="displays")
                await self.shown(name, versions[name], Delivery.UNDELIVERABLE)
                await self.settled(name, 2**52)
        return found

    async def _rows(self, names: Sequence[str], known: Mapping[str, DisplayRow]) -> dict[str, DisplayRow]:
        unknown = [name for name in names if name not in known]
        rows = await self._fields({name: TASK_FIELDS if name.startswith("t:") else _NOTICE_FIELDS for name in unknown})
        rows.update(known)
        long = [name for name, row in rows.items() if row[f"slot{FEW - 1}"] or row[f"part{FEW - 1}"]]
        wanted = dict.fromkeys(long, _OTHER_FIELDS)
        # One that ended before it was handed over, or was shown already, says its languages only in its record.
        wanted |= {
            name: (*wanted.get(name, ()), "record") for name, row in rows.items() if not row.get("answer_lang", "-")
        }
        others = await self._fields(wanted)
        return {name: {**row, **others.get(name, {})} for name, row in rows.items()}

    async def _fields(self, wanted: Mapping[str, tuple[str, ...]]) -> dict[str, DisplayRow]:
        replies = await self._script.reads([("HMGET", self._key(name), *fields) for name, fields in wanted.items()])
        return {
            name: dict(zip(fields, values or [None] * len(fields), strict=True))
            for (name, fields), values in zip(wanted.items(), replies, strict=True)
        }

    def _key(self, name: str) -> str:
        return self._script.keys("task" if name.startswith("t:") else "notice", name[2:])

    def _task(self, name: str, version: int, row: DisplayRow, delivered: bool) -> Display:
        chat = int(row["chat"] or "")
        record = {"lang": row["answer_lang"]} if row["answer_lang"] else _record(row["record"] or "")
        cause = row["cause"] or ""
        began_ms = whole(row["attempt_ms"])
        return Display(
            id=name,
            version=version,
            order=whole(row["order_n"]),
            stage=_STAGES[row["state"] or ""],
            chat_id=chat,
            thread_id=int(row["thread"]) if row["thread"] else None,
            reply_to=int(row["message_id"]) if row["message_id"] and row["chat_kind"] == "group" else None,
            lang="he" if (row["lang"] or record.get("notice_lang") or record.get("lang")) == "he" else "en",
            answer_lang="he" if record.get("lang") == "he" else "en",
            slots=_numbered(row, "slot", int),
            parts=_numbered(row, "part", str),
            pictures=min(PICTURES_MAX, whole(row["pictures"])),
            replaced=whole(row["replaced"]),
            deadline_ms=began_ms + self._deadline_ms if began_ms else 0,
            cause=(Cause(cause) if cause in Cause._value2member_map_ else Cause.INTERNAL) if cause else None,
            budget=str(row["budget"] or ""),
            delivered=delivered,
        )


def _notice(name: str, version: int, row: DisplayRow, delivered: bool) -> Display:
    args = parsed(row["args"] or "{}")
    return Display(
        id=name,
        version=version,
        order=whole(row["order"]),
        stage=Stage.NOTICE,
        chat_id=int(row["chat"] or ""),
        thread_id=int(row["thread"]) if row["thread"] else None,
        reply_to=int(row["reply_to"]) if row["reply_to"] else None,
        lang="he" if row["lang"] == "he" else "en",
        slots=_numbered(row, "slot", int),
        replaced=whole(row["replaced"]),
        kind=str(row["kind"] or ""),
        args=args if isinstance(args, dict) else {},  # cjson writes an empty table as a list or an object
        delivered=delivered,
    )


def _numbered(row: DisplayRow, name: str, kind: Any) -> dict[int, Any]:
    return {n: kind(value) for n in range(SLOTS) if (value := row.get(f"{name}{n}"))}


def _record(raw: str) -> Mapping[str, Any]:
    """The record of a task, empty if it cannot be read: its user is to be told of just that."""
    try:
        record = parsed(raw)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _indicator(raw: str) -> Indicator:
    row = parsed(raw)
    return Indicator(
        chat_id=int(row["chat"]),
        thread_id=int(row["thread"]) if row.get("thread") else None,
        message_id=whole(row.get("message_id")),
        button_id=str(row.get("button") or ""),
        toast=str(row.get("text") or ""),
        task_id=str(row.get("task") or ""),
        part=whole(row.get("part")),
        answer_lang="he" if row.get("lang") == "he" else "en",
        at_ms=whole(row.get("at")),
    )


def _pairs(rows: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Members with their scores, whichever shape the protocol's version gives them."""
    if rows and isinstance(rows[0], list | tuple):
        return [(name, score) for name, score in rows]
    return list(zip(rows[::2], rows[1::2], strict=True))
