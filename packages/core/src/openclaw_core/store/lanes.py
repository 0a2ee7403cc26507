"""Lanes and the chat's memory, as the leader sees them."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from openclaw_core import logs
from openclaw_core.errors import StoreError
from openclaw_core.records import whole
from openclaw_core.store.client import Script
from openclaw_core.store.packing import packed
from openclaw_core.store.parts import read_parts
from openclaw_core.store.step_values import fenced, fenced_list
from openclaw_core.store.turns import turns_from
from openclaw_core.tasks.conversation import Turn, conversation_key
from openclaw_core.tasks.merging import merge_tasks
from openclaw_core.tasks.outcome import Cause, Decision
from openclaw_core.tasks.task import Task, from_json, snapshot_digest, snapshot_json, to_json
from openclaw_core.tasks.user_turn import user_turn_text

log = logs.get(__name__)
NO_ORDER = 4
MAX_FRESH = 1000
UNUSED_ORDER_S = 600
"""Until the step that follows keeps an order for as long as its tasks."""


class Dispatched(IntEnum):
    """What became of a hand-over to a pool."""

    GONE = 0  # not queued any more: stopped, or handed over before
    READY = 1
    GROWN = 2  # more was sent since it was read: nothing has happened
    HELD = 3  # more may be coming: nothing has happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A task that waits to be routed.

    *parts* is how many messages besides its first are in it, *next_role* the role that was chosen for it by a button,
    *record* the first message as it is.
    """

    task: Task
    parts: int
    next_role: str | None
    record: str = field(default="", repr=False)


class Lanes:
    """Who may run now. Every write raises LostOwnership once a newer leader has raised the epoch."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._turn = 0
        self.held_s: float | None = None
        """Seconds after which the next task may go that the last `release` held back for what may follow it; None if there is none."""
        self._fresh: dict[str, str] = {}
        """Records of tasks that were released and not read yet. `dispatch` notices if another one is there by then."""

    async def release(self, *, cap: int, at_most: int, epoch: int) -> list[str]:
        """Let tasks go while fewer than *cap* are out; gives their ids. Each stays `queued` until dispatched."""
        asked = self.release_arguments(cap=cap, at_most=at_most)
        return self.read_release(fenced_list(await self._script.step("release", epoch=epoch, **asked)))

    def release_arguments(self, *, cap: int, at_most: int) -> dict[str, int]:
        """The arguments of a release, for another step that makes one at its end."""
        # Grows with each call of this process, which leads alone: a call that comes late is known by it.
        self._turn = max(self._turn + 1, time.monotonic_ns() // 1000)
        return {"cap": cap, "max": at_most, "turn": self._turn}

    def read_release(self, reply: Sequence[Any], records: Mapping[str, str] | None = None) -> list[str]:
        """Ids of the tasks that a release has taken out of their lanes, from its reply.

        *records* are those that the same step has written, by the task's id.
        """
        self.held_s, ids = None, []
        for name, _, number in (str(one).partition(" ") for one in reply):
            if name == "held":
                self.held_s = whole(number) / 1000
                continue
            ids.append(name)
            record = (records or {}).get(name, "")
            if number and len(record.encode()) == whole(number):
                self._fresh[name] = record
        while len(self._fresh) > MAX_FRESH:
            del self._fresh[next(iter(self._fresh))]
        return ids

    async def reconcile(self, *, epoch: int) -> None:
        """Repair what nothing else would: a released task without an owner, a chat that waits and has no turn."""
        fenced(await self._script.step("reconcile", secret=secrets.token_hex(16), epoch=epoch))

    async def released(self) -> list[str]:
        """Ids of all tasks that are out: released and not ended."""
        return sorted(await self._script.read("SMEMBERS", self._script.keys("released")))

    async def waiting(self) -> int:
        """How many tasks are in lanes, over all chats."""
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

    async def history(self, chat_id: int, thread_id: int | None = None, *, last: int = 0) -> tuple[Turn, ...]:
        """The *last* turns of a chat, or of one topic of it, oldest first; 0 for all that are kept."""
        key = self._script.keys("turns", conversation_key(chat_id, thread_id))
        [rows] = await self._script.reads([("LRANGE", key, -last, -1)])
        return turns_from(rows or ())

    async def canary_of(self, chat_id: int, thread_id: int | None, role: str) -> str:
        """What is remembered of the choice of a prompt for *role* in a chat or a topic; empty where there is nothing."""
        key = self._script.keys("chat", conversation_key(chat_id, thread_id))
        [found] = await self._script.reads([("HGET", key, f"canary:{role}")])
        return str(found or "")

    async def queued(self, task_id: str) -> Queued:
        """A task with all that was sent with it so far. Raises BadTask."""
        if fresh := self._fresh.pop(task_id, None):
            return Queued(task=merge_tasks([from_json(fresh)]), parts=0, next_role=None, record=fresh)
        row, (first, *others) = await read_parts(self._script, task_id, "next_role", "decision")
        record = row["record"] or ""
        if row["decision"] and row["decision"] != Decision.EXPLICIT:  # it was ready before: its role is looked for anew
            first = replace(first, role=None)
        return Queued(task=merge_tasks([first, *others]), parts=len(others), next_role=row["next_role"], record=record)

    async def asked(self, task_id: str) -> Task:
        """A task as it was asked, or as an agent was to do it. Raises BadTask if there is none."""
        return merge_tasks((await read_parts(self._script, task_id))[1])

    async def dispatch(
        self,
        task: Task,
        *,
        pool: str,
        decision: str,
        route_ms: int,
        route_tokens: int,
        epoch: int,
        parts: int = 0,
        known: str = "",
        spend: Mapping[str, Any] | None = None,
        canary: str | None = None,
    ) -> Dispatched:
        """Hand a routed task, joined from its first message and *parts* others, to its pool, and remember what its user said.

        *canary* is what is remembered of the conversation's choice of a prompt (`roles.canary`), None for a role without one.
        *spend* (`budgets.spend_fields`) says which day and month pay for it; without it, nothing is counted. Its order
        is sent only where it is not there yet, and of its record what differs from the *known* one.
        """
        order = snapshot_json(task.snapshot) if task.snapshot is not None else ""
        digest = snapshot_digest(order)
        record = to_json(task)
        same = _common_start(known, record)
        step = {
            "task": task.id,
            "parts": parts or None,
            "record": record[len(same) :] or None,
            "keep": len(same.encode()),
            "of": len(known.encode()) if known else None,
            "said": None if user_turn_text(task) == task.text else user_turn_text(task),
            "answer_lang": task.lang,
            "order": digest,
            "pool": pool,
            "role": task.role,
            "decision": decision,
            "route_ms": route_ms or None,
            "route_tokens": route_tokens or None,
            "secret": secrets.token_hex(16),
            "spend": spend,
            "canary": canary,
            "epoch": epoch,
        }
        result = await self._script.step("dispatch", **step)
        if result == NO_ORDER:
            # No step can take bytes that are no text. What is written here alone goes by itself.
            key = self._script.keys("agent", "order", digest, "z")
            await self._script.read("SET", key, packed(order), "EX", UNUSED_ORDER_S)
            result = await self._script.step("dispatch", **step)
        return Dispatched(fenced(result))

    async def fail(
        self, task_id: str, cause: Cause, *, epoch: int, state: str | None = None, since: str | None = None
    ) -> bool:
        """End a task that has no answer yet; its user is told. False if it is too late for that, or if it is not in *state* any more,
        or in another attempt than the one that began at *since* (`attempt_ms`)."""
        failed = await self._script.step("fail_task", task=task_id, cause=cause, state=state, since=since, epoch=epoch)
        return bool(fenced(failed))

    async def waiting_since(self, before_ms: int, *, at_most: int = 1000) -> list[str]:
        """Ids of tasks in lanes that were admitted before a time, the oldest first."""
        key = self._script.keys("waiting.since")
        return list(await self._script.read("ZRANGE", key, "-inf", str(before_ms), "BYSCORE", "LIMIT", 0, at_most))

    async def tell_waiting(self, task_ids: Sequence[str], cause: Cause, *, epoch: int) -> int:
        """Tell the chats of these tasks that they wait, and why: each chat once for an episode. Gives how many were told now."""
        return fenced(await self._script.step("tell_waiting", tasks=list(task_ids), cause=cause, epoch=epoch))


async def move_chat(script: Script, old: int, new: int) -> None:
    """A group became a supergroup: what is kept of it goes on under its new id.

    Each caller that sees the move may call this; only the first call moves anything.

    A store that is away is no reason to give up the call that found it: the next one finds it again.
    """
    try:
        if await script.step("move_chat", **{"from": str(old), "to": str(new)}):
            log.info("chat.moved")
    except StoreError as exc:
        log.warning("chat.not_moved", error=type(exc).__name__)


def _common_start(one: str, other: str) -> str:
    for n, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return one[:n]
    return min(one, other, key=len)
