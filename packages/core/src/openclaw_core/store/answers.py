"""An agent's own steps: claim, lease, slots, outbox, the end. Each names its attempt, and is refused if another has come."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from openclaw_core.conversation import Turn, place
from openclaw_core.errors import BadTask, LostOwnership
from openclaw_core.gathering import joined
from openclaw_core.outcome import Cause, Delivery, TaskState
from openclaw_core.records import UNREADABLE, parsed
from openclaw_core.store.client import Script
from openclaw_core.store.lanes import HISTORY_TTL_S, HISTORY_TURNS, said, turn_json, turns_from
from openclaw_core.store.parts import read_parts
from openclaw_core.task import Task, from_json, to_json

LEASE_S = 15.0
MAX_HANDBACKS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A task that this process owns as attempt number *attempt*. *outbox* is there if the answer already stands.

    *last* says that the process takes no other task after it: its Job is retired in the step that ends the task.
    """

    task: Task
    attempt: int
    outbox: Mapping[str, Any] | None = field(default=None, repr=False)
    pool: str | None = None
    job: str | None = None
    last: bool = False


class Slots(Protocol):
    """Reserved messages of a task, by number."""

    async def intent(self, slot: int) -> int | None: ...
    async def reserved(self, slot: int, message_id: int) -> None: ...
    async def unreserve(self, slot: int) -> None: ...


class Answers:
    """Steps of one agent process in one pool (or alone). Writes raise LostOwnership after a stop, an end or another claim."""

    def __init__(
        self, script: Script, *, pool: str | None = None, job: str | None = None, lease_s: float = LEASE_S
    ) -> None:
        self._script = script
        self.pool = pool
        self.job = job
        self.lease_s = lease_s
        self._claim = ""
        """Names a claim until its answer is heard: Redis may have given a task whose answer was lost on the way."""
        self._alone = secrets.token_hex(8)

    # ---- owning

    async def check_in(self) -> bool:
        """Say that this process lives and waits; False if its Job was retired."""
        return bool(await self._script.step("check_in", pool=self.pool, job=self.job))

    async def retire(self) -> None:
        """Say that this process claims nothing more, so that another is started in its place now and not when its end is heard."""
        await self._script.step("retire", pool=self.pool, job=self.job)

    async def claim(self, *, last: bool = False) -> Claimed | None:
        """The next ready task, if any, as the *last* that this process takes or not. Raises LostOwnership for a retired Job, BadTask for a record that cannot be read."""
        self._claim = self._claim or secrets.token_hex(8)
        reply = await self._script.step(
            "claim", pool=self.pool, job=self.job, call=self._claim, lease_ms=int(self.lease_s * 1000)
        )
        self._claim = ""
        if reply and reply[0] == "retired":
            raise LostOwnership("this Job was retired")
        return self._claimed(reply, last=last)

    async def claim_alone(self, task: Task) -> Claimed | None:
        """Own the given task by itself; None if that id has ended before."""
        turn = Turn(task_id=task.id, speaker="user", text=task.text)
        reply = await self._script.step(
            "claim_alone",
            task=task.id,
            call=self._alone,
            record=to_json(task),
            chat=str(task.chat_id),
            chat_kind=task.chat_kind,
            lang=task.lang,
            role=task.role,
            text=task.text,
            turn=turn_json(turn),
            keep=HISTORY_TURNS,
            ttl_s=HISTORY_TTL_S,
            lease_ms=int(self.lease_s * 1000),
        )
        return self._claimed(reply)

    def _claimed(self, reply: list[str], *, last: bool = False) -> Claimed | None:
        if not reply:
            return None
        task_id, record, attempt, outbox, _ = reply
        try:
            task, answer = _record(task_id, record), outbox_from(outbox) if outbox else None
        except BadTask:
            self.unreadable = (task_id, int(attempt))
            raise
        return Claimed(
            task=task,
            attempt=int(attempt),
            outbox=answer,
            pool=self.pool,
            job=self.job,
            last=last,
        )

    unreadable: tuple[str, int] | None = None

    async def wait(self, *, timeout_s: float) -> None:
        """Block until the pool has something, at most *timeout_s* (≤ 4)."""
        await self._script.wait_for(self._script.keys("wake", self.pool), timeout_s=timeout_s)

    async def renew(self, claimed: Claimed) -> TaskState | None:
        """Prolong the lease; gives None while it is ours, else the state that ended or took it."""
        mine, state = await self._script.step(
            "renew", task=claimed.task.id, attempt=claimed.attempt, lease_ms=int(self.lease_s * 1000)
        )
        if int(mine):
            return None
        return _state(state) or TaskState.CLOSED

    async def state(self, claimed: Claimed) -> TaskState | None:
        """The task's state now; None if the record is gone."""
        value = await self._script.read("HGET", self._script.keys("task", claimed.task.id), "state")
        return _state(value)

    async def hand_back(self, claimed: Claimed) -> bool:
        """Give the task back without using up a try; False if it is not ours any more (or has no pool)."""
        return bool(
            await self._script.step(
                "hand_back", task=claimed.task.id, attempt=claimed.attempt, max_handbacks=MAX_HANDBACKS
            )
        )

    async def put_back(self, claimed: Claimed) -> None:
        """This process cannot answer at all: its task goes back untouched, and its Job counts as one that never came up."""
        await self._script.step("put_back", task=claimed.task.id, attempt=claimed.attempt, job=self.job)

    # ---- answering

    async def history(self, claimed: Claimed) -> tuple[Turn, ...]:
        """The chat's turns before this task's own, oldest first."""
        chat = await self._script.read(
            "HGET", self._script.keys("task", claimed.task.id), "chat"
        )  # it may have moved since
        where = place(int(chat or claimed.task.chat_id), claimed.task.thread_id)
        raw = await self._script.read("LRANGE", self._script.keys("turns", where), 0, -1)
        turns = turns_from(raw)
        mine = next((i for i, turn in enumerate(turns) if turn.task_id == claimed.task.id), None)
        if mine is None and turns and turns[-1].speaker == "user" and turns[-1].text == claimed.task.text:
            mine = len(turns) - 1  # alone: the caller had appended the turn under another id
        return tuple(turns if mine is None else turns[:mine])

    async def amend(self, claimed: Claimed, text: str) -> None:
        """The user's turn says *text*: what a recording or a file turned out to hold."""
        turn = Turn(task_id=claimed.task.id, speaker="user", text=text)
        self._mine(
            await self._script.step("amend", task=claimed.task.id, attempt=claimed.attempt, turn=turn_json(turn))
        )

    async def intent(self, claimed: Claimed, slot: int) -> int | None:
        """The message id that slot has; None after writing down that one is about to be reserved."""
        return (
            self._mine(await self._script.step("intent", task=claimed.task.id, attempt=claimed.attempt, slot=slot))
            or None
        )

    async def reserved(self, claimed: Claimed, slot: int, message_id: int) -> None:
        self._mine(
            await self._script.step(
                "reserved", task=claimed.task.id, attempt=claimed.attempt, slot=slot, message_id=str(message_id)
            )
        )

    async def unreserve(self, claimed: Claimed, slot: int, message_id: int | None = None) -> None:
        """The slot's message is gone: *message_id*, or whichever it has."""
        self._mine(
            await self._script.step(
                "unreserve",
                task=claimed.task.id,
                attempt=claimed.attempt,
                slot=slot,
                message_id=None if message_id is None else str(message_id),
            )
        )

    async def preview(self, claimed: Claimed) -> bool:
        """First text is about to be shown; False if more was sent meanwhile that belongs to the task: see `grown`."""
        return self._mine(await self._script.step("preview", task=claimed.task.id, attempt=claimed.attempt)) == 1

    async def grown(self, claimed: Claimed) -> Claimed | None:
        """*claimed* with all that was sent since its claim; None while more has come, or may still come."""
        _, parts = await read_parts(self._script, claimed.task.id)
        task = joined(parts)
        turn = Turn(task_id=task.id, speaker="user", text=said(task))
        result = await self._script.step(
            "grow",
            task=task.id,
            attempt=claimed.attempt,
            parts=len(parts) - 1,
            record=to_json(task),
            turn=turn_json(turn),
        )
        return replace(claimed, task=task) if self._mine(result) else None

    async def answered(self, claimed: Claimed, outbox: Mapping[str, Any], run: Mapping[str, Any]) -> None:
        """All parts of the answer at once, with what the run has cost."""
        self._mine(
            await self._script.step(
                "answered",
                task=claimed.task.id,
                attempt=claimed.attempt,
                outbox=json.dumps(outbox),
                run=json.dumps(run),
            )
        )

    async def parts(self, claimed: Claimed, count: int) -> list[str]:
        """Each part's status: ``, `sending` or `done`."""
        names = [f"part{n}" for n in range(count)]
        if not names:
            return []
        return [
            value or ""
            for value in await self._script.read("HMGET", self._script.keys("task", claimed.task.id), *names)
        ]

    async def part(self, claimed: Claimed, part: int, status: str) -> None:
        self._mine(
            await self._script.step("part", task=claimed.task.id, attempt=claimed.attempt, part=part, status=status)
        )

    async def close(self, claimed: Claimed, *, answer: str, role: str, delivery: Delivery) -> None:
        """Answer into the context, run record, state, lane: one step."""
        turn = Turn(task_id=claimed.task.id, speaker="assistant", text=answer, role=role)
        self._mine(
            await self._script.step(
                "close",
                task=claimed.task.id,
                attempt=claimed.attempt,
                delivery=delivery.value,
                turn=turn_json(turn),
                keep=HISTORY_TURNS,
                ttl_s=HISTORY_TTL_S,
                pool=self.pool,
                job=self.job,
                last=claimed.last,
            )
        )

    async def give_up(self, claimed: Claimed, cause: Cause, *, chat_gone: bool = False) -> None:
        """End the task: no other try would help. The brain tells the user, unless the chat is gone."""
        self._mine(
            await self._script.step(
                "give_up",
                task=claimed.task.id,
                attempt=claimed.attempt,
                cause=cause.value,
                chat_gone=chat_gone,
                pool=self.pool,
                job=self.job,
                last=claimed.last,
            )
        )

    async def give_up_unreadable(self) -> None:
        """End the task whose record could not be read by the last `claim`."""
        if self.unreadable is None:
            return
        task_id, attempt = self.unreadable
        self._mine(
            await self._script.step(
                "give_up", task=task_id, attempt=attempt, cause=Cause.BAD_TASK.value, pool=self.pool, job=self.job
            )
        )

    async def marked_stopped(self, claimed: Claimed) -> None:
        """The text of a cancelled task carries its mark now."""
        await self._script.step("marked_stopped", task=claimed.task.id)

    @staticmethod
    def _mine(result: Any) -> int:
        if int(result) < 0:
            raise LostOwnership("another attempt, a stop or an end has come in between")
        return int(result)


def _record(task_id: str, record: str) -> Task:
    task = from_json(record)
    if task.id != task_id:
        raise BadTask("the record is another task's")
    return task


def outbox_from(raw: str) -> dict[str, Any]:
    """An answer as stored; its parts are read where they are delivered. Raises BadTask for what is none."""
    try:
        return dict(parsed(raw))
    except UNREADABLE:
        raise BadTask("the outbox is malformed") from None


def _state(value: str | None) -> TaskState | None:
    """A state of the task; one that only a newer release knows is none of ours."""
    if not value:
        return None
    return TaskState(value) if value in TaskState._value2member_map_ else TaskState.CLOSED
