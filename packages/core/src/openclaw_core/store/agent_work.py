"""An agent's own steps, with an agent's rights: the port `Work` in Redis. It touches keys under `agent:` only."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from openclaw_core import logs
from openclaw_core.errors import BadTask, LostOwnership
from openclaw_core.records import UNREADABLE, ResultKind, parsed, whole
from openclaw_core.store.client import Script
from openclaw_core.store.packing import unpacked
from openclaw_core.store.run_steps import status_json, step_json, steps_from
from openclaw_core.store.turns import turns_from
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import usage_fields
from openclaw_core.tasks.steps import Status, Step
from openclaw_core.tasks.task import RoleSnapshot, from_json, read_snapshot
from openclaw_core.tasks.timings import timings_json
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack, Result, Run

log = logs.get(__name__)
LEASE_S = 15.0
KEPT_ORDERS = 16
"""Orders that a process keeps; an agent that takes several tasks need not read each prompt again."""


class AgentWork:
    """Steps of one agent process in one pool."""

    def __init__(self, script: Script, *, pool: str, job: str, lease_s: float = LEASE_S) -> None:
        self._script = script
        self.pool = pool
        self.job = job
        self.lease_s = lease_s
        self.writes = 0
        self._call = ""
        """Names a claim until its reply has come: Redis may have given a run whose answer was lost on the way."""
        self._had: str | None = None
        """The run that was claimed last."""
        self._orders: dict[str, RoleSnapshot] = {}
        self._written: tuple[str, bytes] = ("", b"")
        """The run that is written, and its text so far."""
        self._read: tuple[str, int] = ("", 0)
        """The run that was claimed last, and the size of its record."""

    async def check_in(self) -> bool:
        return bool(await self._script.step("check_in", pool=self.pool, job=self.job, run=self._had))

    async def any_ready(self) -> bool:
        return bool(await self._script.read("LLEN", self._script.keys("agent", "ready", self.pool)))

    async def retire(self) -> None:
        await self._script.step("retire", pool=self.pool, job=self.job)

    async def claim(self, *, last: bool = False) -> Run | None:
        self._call = self._call or secrets.token_hex(8)
        reply = await self._script.step(
            "claim", pool=self.pool, job=self.job, call=self._call, lease_ms=self._lease_ms(), orders=list(self._orders)
        )
        self._call = ""
        if reply and reply[0] == b"retired":
            raise LostOwnership("this Job was retired")
        if not reply:
            return None
        self._had = _decoded(reply[0])
        try:
            return self._run(reply, last=last)
        except BadTask:
            log.error("task.unreadable")
            await self._finish(self._had, {"kind": ResultKind.GAVE_UP, "cause": Cause.BAD_TASK}, last=last)
            return None

    async def wait(self, *, timeout_s: float) -> None:
        await self._script.wait_for(self._script.keys("agent", "wake", self.pool), timeout_s=timeout_s)

    async def renew(self, run: Run) -> None:
        self._mine(await self._script.step("renew", run=run.name, job=self.job, lease_ms=self._lease_ms()))

    async def check(self, run: Run) -> None:
        await self._field(run, "job")

    async def files_at(self, run: Run) -> str:
        return await self._field(run, "files_at")

    async def _field(self, run: Run, name: str) -> str:
        """What is in a field of the run. Raises LostOwnership."""
        wanted = ("job",) if name == "job" else ("job", name)
        owner, *value = await self._script.read("HMGET", self._script.keys("agent", "run", run.name), *wanted)
        if owner != self.job:
            raise LostOwnership("the run is not ours any more")
        return str((value and value[0]) or "")

    async def write(self, run: Run, text: str) -> bool:
        content = text.encode("utf-8", "replace")
        at = self._at(run.name, content)
        while True:
            piece = content[at:].decode("utf-8", "replace")
            result = self._mine(
                await self._script.step("write", run=run.name, job=self.job, of=self._of(run.name), at=at, piece=piece)
            )
            if result == 2:
                return False
            if result == 1:
                self._written = (run.name, content)
                self.writes += 1
                return True
            at = 0  # an earlier piece was lost, or came twice

    async def status(self, run: Run, status: Status) -> None:
        self._mine(await self._script.step("status", run=run.name, job=self.job, status=status_json(status)))
        self._written = ("", b"")

    async def step(self, run: Run, n: int, step: Step) -> bool:
        stored = step_json(step)
        kept = self._mine(
            await self._script.step("step", run=run.name, job=self.job, of=self._of(run.name), n=n, step=stored)
        )
        if kept == 0:
            log.warning("step.not_kept", n=n, bytes=len(stored))
        return kept != 2

    async def pictures(self, run: Run, pictures: Sequence[bytes]) -> bool:
        words = [base64.b64encode(one).decode() for one in pictures]
        kept = self._mine(await self._script.step("pictures", run=run.name, job=self.job, pictures=words))
        if not kept:
            log.warning("pictures.not_kept", count=len(words), bytes=sum(map(len, words)))
        return bool(kept)

    async def grown(self, run: Run) -> Run | None:
        reply = await self._script.step("grown", run=run.name, job=self.job, orders=list(self._orders))
        if reply and reply[0] == -1:
            raise LostOwnership("the run is not ours any more")
        return replace(self._run(reply, last=run.last), history=run.history) if reply else None

    async def amend(self, run: Run, text: str) -> None:
        self._mine(await self._script.step("amend", run=run.name, job=self.job, said=_text(text)))

    async def end(self, run: Run, result: Result) -> bool:
        return await self._finish(run.name, wire(result), last=run.last, never_started=isinstance(result, PutBack))

    async def _finish(self, name: str, result: dict[str, Any], *, last: bool, never_started: bool = False) -> bool:
        """Only what goes on after the text that is written already is sent of an answer."""
        answers = result["kind"] == ResultKind.ANSWERED
        content = result["markdown"].encode() if answers else b""
        at = self._at(name, content)
        while True:
            if answers:
                result = {**result, "markdown": content[at:].decode()}
            done = await self._script.step(
                "finish",
                run=name,
                job=self.job,
                of=self._of(name),
                at=at or None,
                pool=self.pool,
                last=last,
                never_started=never_started or None,
                answers=answers,
                result=result,
            )
            if self._mine(done):
                return bool(done == 1)
            at = 0

    def _at(self, name: str, content: bytes) -> int:
        """How many of its first bytes are in the run."""
        written, known = self._written
        return len(known) if written == name and content.startswith(known) else 0

    def _of(self, name: str) -> int | None:
        return self._read[1] if self._read[0] == name else None

    def _lease_ms(self) -> int:
        return int(self.lease_s * 1000)

    def _run(self, reply: list[bytes], *, last: bool) -> Run:
        """Raises BadTask."""
        name, record, digest, turns, attempt, steps = map(_decoded, reply[:6])
        self._read = (name, len(reply[1]))
        try:
            if len(reply) > 6:
                self._orders[digest] = read_snapshot(parsed(unpacked(reply[6])))
                while len(self._orders) > KEPT_ORDERS:
                    del self._orders[next(iter(self._orders))]
            snapshot = self._orders[digest]
            history = turns_from(parsed(turns) or ()) if turns else ()
        except UNREADABLE:
            raise BadTask("the run is malformed") from None
        task = from_json(record)
        if task.id != name.rpartition(".")[0]:
            raise BadTask("the record is another task's")
        return Run(
            name=name,
            task=task,
            snapshot=snapshot,
            history=history,
            attempt=whole(attempt, 1),
            last=last,
            steps=steps_from(steps),
        )

    @staticmethod
    def _mine(result: Any) -> int:
        if int(result) < 0:
            raise LostOwnership("the run is not ours any more")
        return int(result)


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def wire(result: Result) -> dict[str, Any]:
    """A result as stored."""
    match result:
        case Answered():
            return {
                "kind": ResultKind.ANSWERED,
                "markdown": _text(result.markdown),
                "usage": usage_fields(result.usage),
                **_timed(result),
            }
        case GaveUp():
            return {"kind": ResultKind.GAVE_UP, "cause": result.cause, **_timed(result)}
        case HandedBack():
            return {"kind": ResultKind.HANDED_BACK}
        case PutBack():
            return {"kind": ResultKind.PUT_BACK}


def _timed(result: Answered | GaveUp) -> dict[str, str]:
    """The timings of a result. A reader of the release before drops the field."""
    return {"timings": timings_json(result.timings)} if result.timings else {}


def _text(words: str) -> str:
    """*words* as UTF-8 can hold them: a model may say half a character, which the script would not read."""
    return words.encode("utf-8", "replace").decode()
