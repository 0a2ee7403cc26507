"""Lanes and the chat's memory, as the leader sees them."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from typing import Any

from openclaw_core import logs
from openclaw_core.conversation import Turn, place
from openclaw_core.errors import LostOwnership, StoreFull, StoreUnavailable
from openclaw_core.gathering import joined
from openclaw_core.outcome import Cause, Decision
from openclaw_core.records import parsed, read, readable
from openclaw_core.store.client import Script
from openclaw_core.store.parts import read_parts
from openclaw_core.task import Material, Task, to_json

log = logs.get(__name__)
HISTORY_TURNS = 10
HISTORY_TTL_S = 24 * 3600
KEPT_OF_MATERIAL_CHARS = 1500
"""Of files and forwarded messages, in the conversation's memory; the answer to them stands there too."""


class Dispatched(IntEnum):
    """What became of a hand-over to a pool."""

    GONE = 0  # not queued any more: stopped, or handed over before
    READY = 1
    GROWN = 2  # more was sent since it was read: nothing has happened
    HELD = 3  # more may be coming: nothing has happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A task that waits to be routed. *parts* is how many messages besides its first are in it, *wish* a role chosen by a button."""

    task: Task
    parts: int
    wish: str | None


class Lanes:
    """Who may run now. Every write raises LostOwnership once a newer leader has raised the epoch."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._turn = 0

    async def release(self, *, cap: int, at_most: int, epoch: int) -> list[str]:
        """Let tasks go while fewer than *cap* are out; gives their ids. Each stays `queued` until dispatched."""
        # Grows with each call of this process, which leads alone: a call that comes late is known by it.
        self._turn = max(self._turn + 1, time.monotonic_ns() // 1000)
        ids = await self._script.step("release", cap=cap, max=at_most, epoch=epoch, turn=self._turn)
        _check(ids)
        return list(ids)

    async def reconcile(self, *, epoch: int) -> None:
        """Repair what nothing else would: a released task without an owner, a chat that waits and has no turn."""
        _check([await self._script.step("reconcile", epoch=epoch)])

    async def released(self) -> list[str]:
        """Ids of all tasks that are out: released and not ended."""
        return sorted(await self._script.read("SMEMBERS", self._script.keys("released")))

    async def waiting(self) -> int:
        """How many tasks stand in lanes, over all chats."""
        return int(await self._script.read("ZCARD", self._script.keys("waiting.since")))

    async def waiting_in(self, chat_id: int) -> list[str]:
        """Ids of the tasks that wait in a chat, oldest first."""
        [ids] = await self._script.reads([("LRANGE", self._script.keys("lane", chat_id), 0, -1)])
        return list(ids or ())

    async def running_in(self, chat_id: int) -> str | None:
        [value] = await self._script.reads([("GET", self._script.keys("busy", chat_id))])
        return None if value is None else str(value)

    async def fields(self, task_ids: Sequence[str], *names: str) -> list[dict[str, str | None]]:
        """Fields of task records, None where there is none."""
        replies = await self._script.reads(
            [("HMGET", self._script.keys("task", task_id), *names) for task_id in task_ids]
        )
        return [dict(zip(names, values or [None] * len(names), strict=True)) for values in replies]

    async def save_context(self, task: Task, *, epoch: int) -> tuple[Turn, ...]:
        """Append the user's turn under its task id (a repeat is a no-op) and give the turns before it."""
        turn = Turn(task_id=task.id, speaker="user", text=said(task))
        raw = await self._script.step(
            "remember",
            place=place(task.chat_id, task.thread_id),
            task=task.id,
            turn=turn_json(turn),
            keep=HISTORY_TURNS,
            ttl_s=HISTORY_TTL_S,
            epoch=epoch,
        )
        _check(raw)
        return tuple(turn for turn in turns_from(raw) if turn.task_id != task.id)

    async def history(self, chat_id: int, thread_id: int | None = None) -> tuple[Turn, ...]:
        """The last turns of a chat, or of one topic of it, oldest first."""
        key = self._script.keys("turns", place(chat_id, thread_id))
        [rows] = await self._script.reads([("LRANGE", key, 0, -1)])
        return turns_from(rows or ())

    async def queued(self, task_id: str) -> Queued:
        """A task with all that was sent with it so far. Raises BadTask."""
        row, (first, *others) = await read_parts(self._script, task_id, "wish", "decision")
        if (
            first.order is not None
        ):  # it was ready before, and more was sent: its role is looked for anew unless it was named
            named = row["decision"] == Decision.EXPLICIT
            first = replace(first, order=None, role=first.role if named else None)
        return Queued(task=joined([first, *others]), parts=len(others), wish=row["wish"])

    async def asked(self, task_id: str) -> Task:
        """A task as it was asked, or as an agent was to do it. Raises BadTask if there is none."""
        return joined((await read_parts(self._script, task_id))[1])

    async def dispatch(
        self, task: Task, *, pool: str, decision: str, route_ms: int, route_tokens: int, epoch: int, parts: int = 0
    ) -> Dispatched:
        """Hand a routed task, joined from its first message and *parts* others, to its pool."""
        result = await self._script.step(
            "dispatch",
            task=task.id,
            parts=parts,
            record=to_json(task),
            pool=pool,
            role=task.role,
            decision=decision,
            route_ms=route_ms,
            route_tokens=route_tokens,
            epoch=epoch,
        )
        _check([result])
        return Dispatched(result)

    async def fail(
        self, task_id: str, cause: Cause, *, epoch: int, state: str | None = None, since: str | None = None
    ) -> bool:
        """End a task that has no answer yet; its user is told. False if it is too late for that, or if it is not in *state* any more,
        or in another attempt than the one that began at *since* (`attempt_ms`)."""
        result = await self._script.step(
            "fail_task", task=task_id, cause=cause.value, state=state, since=since, epoch=epoch
        )
        _check([result])
        return bool(result)

    async def tell_waiting(self, task_id: str, cause: Cause, *, epoch: int) -> None:
        """Tell why a ready task still waits, once for each cause."""
        _check([await self._script.step("task_notice", task=task_id, cause=cause.value, epoch=epoch)])


async def move_chat(script: Script, old: int, new: int) -> None:
    """A group became a supergroup: what is kept of it goes on under its new id. Whoever hears of it says so; only the first moves anything.

    A store that is away is no reason to give up the call that found it: the next one finds it again.
    """
    try:
        if await script.step("move_chat", **{"from": str(old), "to": str(new)}):
            log.info("chat.moved")
    except (StoreUnavailable, StoreFull) as exc:
        log.warning("chat.not_moved", error=type(exc).__name__)


def shown(material: Material) -> str:
    """How material stands in the history until an agent has read it."""
    return f"[{'a recording' if material.kind == 'voice' else f'the file {material.name}'}]"


def said(task: Task) -> str:
    """What the user's turn says of *task*: the words, else what was sent; and the beginning of what was forwarded with them."""
    text = task.text or "\n".join(map(shown, task.materials))
    if not (task.forwarded == "some" and task.quoted):
        return text
    return f"{text}\n\n[forwarded]\n{beginning(task.quoted)}"


def beginning(text: str, *, share: int = 1) -> str:
    """What the history keeps of one of *share* long texts."""
    keep = KEPT_OF_MATERIAL_CHARS // share
    return text if len(text) <= keep else f"{text[:keep]}…"


def turn_json(turn: Turn) -> str:
    """A turn as stored."""
    return json.dumps(asdict(turn))


def turn_from(raw: str) -> Turn:
    """Read a stored turn, dropping what a newer writer added."""
    turn = read(Turn, parsed(raw))
    if not all(isinstance(part, str) for part in (turn.task_id, turn.text, turn.role, turn.note)):
        raise TypeError("not a turn")
    if turn.speaker not in ("user", "assistant"):
        raise ValueError("not a turn")
    return turn


def turns_from(rows: Sequence[str]) -> tuple[Turn, ...]:
    """Stored turns, without those that cannot be read."""
    return tuple(readable(rows, turn_from, of="turns"))


def _check(result: Sequence[Any]) -> None:
    if len(result) == 1 and result[0] == -1:
        raise LostOwnership("a newer leader has raised the epoch")
