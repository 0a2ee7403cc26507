"""Handles admitted updates in order: reads a stream, decides the effects, and applies many in one step of the store."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_brain.inbox.canary_command import canary_rows
from openclaw_brain.inbox.context import ChatFacts
from openclaw_brain.inbox.gather import InboxPart, Windows, as_addressed, link_parts, make_part
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.inbox.owner_commands import OWNER_COMMANDS
from openclaw_brain.inbox.pairing import newcomer_of
from openclaw_brain.inbox.usage import usage_args
from openclaw_brain.loops import Loop
from openclaw_brain.telegram.incoming import Bot, Incoming, read_update
from openclaw_core import logs
from openclaw_core.errors import BadTask, StoreError
from openclaw_core.records import UNREADABLE, whole
from openclaw_core.store import Admitted, Inbox, Lanes, RunRecords
from openclaw_core.store.budgets import Spending
from openclaw_core.store.canaries import Canaries
from openclaw_core.store.effects import AddNotice, QueueTask, queued_records
from openclaw_core.store.inbox import Stream
from openclaw_core.tasks.run_usage import CallUsage, read_usage
from openclaw_core.tasks.task import Task

log = logs.get(__name__)
BATCH_MAX = 200
"""Entries that are read at a time. Fewer: none is left, and new ones wake the loop."""
IGNORED = Incoming(update_id=0, kind="ignored")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateHandler:
    """Handles a stream from its oldest entry. One step of the store removes an entry and applies its effects."""

    inbox: Inbox
    lanes: Lanes
    runs: RunRecords
    intake: Intake
    bot: Bot
    windows: Windows
    epoch: int
    chat_cap: int
    total_cap: int
    spending: Spending
    canaries: Canaries | None = None
    on_display: Callable[[], None] = lambda: None
    """Called after an effect that a chat has to be shown."""
    release_request: Callable[[], Mapping[str, int] | None] = lambda: None
    """Gives the arguments with which the same step also releases tasks, or None for no tasks."""
    on_released: Callable[[Sequence[str], Mapping[str, str]], None] = lambda *_: None
    """Called with the tasks that the step released, and with the records that it wrote, by the task's id."""
    _admitted: dict[Stream, list[Admitted]] = field(default_factory=dict)
    """Entries that were admitted since a stream was read, in order. A stream that is missing here may hold others too."""

    def add_admitted(self, fresh: Sequence[tuple[Stream, Admitted]], complete: bool) -> None:
        """Handle these new entries without reading them.

        If not *complete*, an earlier call may have written others that this process does not know.
        """
        if not complete:
            self._admitted.clear()
        for stream, entry in fresh:
            if stream in self._admitted:
                self._admitted[stream].append(entry)

    async def forever(self, stream: Stream, loop: Loop, *, handled: Callable[[], None] = lambda: None) -> None:
        """Handle until cancelled. Raises LostOwnership."""

        async def step() -> float:
            try:
                count = await self.handle_batch(stream)
            except StoreError:
                self._admitted.pop(stream, None)
                raise
            if count:
                handled()
            return 0 if count >= BATCH_MAX else 2  # a bound, should a wake be missed

        await loop.run(step, outage="handle")

    async def handle_batch(self, stream: Stream) -> int:
        """Handle the oldest entries and return how many."""
        admitted = self._admitted.get(stream)
        self._admitted[stream] = []  # before the read: an entry that is admitted meanwhile may come twice
        entries = admitted or await self.inbox.waiting(stream, count=BATCH_MAX)
        if len(entries) >= BATCH_MAX:
            self._admitted.pop(stream, None)
        if not entries:
            return 0
        # An entry that needs more of the store is handled alone, after the effects of those before it. All are parsed
        # first: otherwise a chat with many of them would have the others parsed again each time.
        plain: list[tuple[Admitted, Incoming]] = []
        for entry, incoming in zip(entries, await self._in_present_chats(map(self._parse, entries)), strict=True):
            if not _needs_store(incoming, self.intake.access.owners, self.intake.access.bots):
                plain.append((entry, incoming))
                continue
            await self._handle_plain(stream, plain)
            plain = []
            [present] = await self._in_present_chats([incoming])
            await self._commit(stream, [self._part(entry, present, await self._state(present))])
        await self._handle_plain(stream, plain)
        return len(entries)

    async def _handle_plain(self, stream: Stream, plain: Sequence[tuple[Admitted, Incoming]]) -> None:
        if plain:
            found = await self.inbox.chats_and_access([(one.chat_id, one.user_id) for _, one in plain])
            states = (ChatFacts(settings=settings, access=access) for settings, access in found)
            parts = [self._part(entry, one, state) for (entry, one), state in zip(plain, states, strict=True)]
            await self._commit(stream, parts)

    async def _in_present_chats(self, parsed: Iterable[Incoming]) -> list[Incoming]:
        """Replace the id of a group that became a supergroup by its present id."""
        parsed = list(parsed)
        moved = await self.inbox.moved([incoming.chat_id for incoming in parsed])
        return [
            incoming
            if incoming.kind == "migrated"
            else replace(incoming, chat_id=moved.get(incoming.chat_id, incoming.chat_id))
            for incoming in parsed
        ]

    def _parse(self, entry: Admitted) -> Incoming:
        try:
            return read_update(entry.update, self.bot)
        except UNREADABLE as exc:
            log.fault("update.unreadable", exc)
            return IGNORED

    def _part(self, entry: Admitted, incoming: Incoming, state: ChatFacts) -> InboxPart:
        """Decide the effects of an update. One that cannot be read has none: the next ones wait behind it."""
        try:
            addressed = as_addressed(entry.update, incoming)
            effects = self.intake.effects(addressed or incoming, state, admitted_ms=entry.admitted_ms)
            if addressed is not None:
                effects = [effect for effect in effects if isinstance(effect, QueueTask | AddNotice) and effect.record]
            return make_part(
                entry.entry_id, entry.update, addressed or incoming, effects, self.windows, only_joins=addressed is not None
            )  # fmt: skip
        except UNREADABLE as exc:
            log.fault("update.unreadable", exc)
            return make_part(entry.entry_id, {}, IGNORED, (), self.windows)

    async def _commit(self, stream: Stream, parts: Sequence[InboxPart]) -> None:
        linked = zip(parts, link_parts(parts, self.windows), strict=True)
        handled = [(part.entry_id, effects) for part, effects in linked]
        release = self.release_request()
        shows, released = await self.inbox.handle(
            stream, handled, epoch=self.epoch, chat_cap=self.chat_cap, total_cap=self.total_cap, release=release
        )
        if shows:
            self.on_display()
        if release:
            self.on_released(released, queued_records(effect for _, effects in handled for effect in effects))

    async def _state(self, incoming: Incoming) -> ChatFacts:
        [(settings, access)] = await self.inbox.chats_and_access([(incoming.chat_id, incoming.user_id)])
        state = ChatFacts(settings=settings, access=access)
        if incoming.command == "status":
            return replace(state, status=await self._status(incoming.chat_id))
        if incoming.command == "usage":
            usage = await usage_args(self.spending, user_id=incoming.user_id, chat_id=incoming.chat_id)
            return replace(state, usage=usage)
        if incoming.command == "canary" and self.canaries is not None:
            return replace(state, canaries=canary_rows(self.intake.roles, await self.canaries.all()))
        if incoming.command == "access":
            return replace(state, access_rows=self.intake.access.rows(*await self.inbox.access_entries()))
        if incoming.button_data.startswith("pair:"):
            return replace(state, pairing_digest=await self.inbox.pairing_digest(newcomer_of(incoming.button_data)))
        if incoming.command in ("allow", "remove") or incoming.button_data.startswith("access:"):
            return state
        if incoming.command == "why":
            return replace(state, why=await self._why(incoming))
        if incoming.content_kind == "command":
            task_id = await self.inbox.last_task(incoming.chat_id, incoming.thread_id)
        else:
            task_id = incoming.button_data.partition(":")[2]
        return replace(state, old_task=await self._task(task_id) if task_id else None)

    async def _task(self, task_id: str) -> Task | None:
        try:
            task = await self.lanes.asked(task_id)
        except BadTask:
            return None
        moved = await self.inbox.moved([task.chat_id])
        return replace(task, chat_id=moved.get(task.chat_id, task.chat_id))

    async def _why(self, incoming: Incoming) -> dict[str, Any]:
        """What is known of the last answer in the place of *incoming*; empty if there is none, or its record has gone."""
        run = await self.runs.last_answer(incoming.chat_id, incoming.thread_id)
        if run is None:
            return {}
        usage = read_usage(run.run)
        calls = [call for step in usage.steps for call in step.calls]
        return {
            "role": run.role, "decision": run.decision, "model": usage.model,
            "tools": [call.tool for call in calls if _done(call)], "not_done": [call.tool for call in calls if not _done(call)],
            "steps": len(usage.steps),
            "took_s": (whole(run.ended_ms) - whole(run.admitted_ms)) / 1000,
            "tokens": whole(run.tokens) or usage.prompt_tokens + usage.answer_tokens,
            "micro_usd": whole(run.micro_usd) if run.micro_usd else None,
        }  # fmt: skip

    async def _status(self, chat_id: int) -> dict[str, Any]:
        running = await self.lanes.running_in(chat_id)
        waiting = await self.lanes.waiting_in(chat_id)
        oldest = await self.lanes.fields([task for task in (running, *waiting[:1]) if task], "admitted_ms")
        now_ms = time.time() * 1000
        status: dict[str, Any] = {"waiting": len(waiting), "running": 1 if running else 0}
        if running:
            status["running_s"] = _age_s(oldest[0]["admitted_ms"], now_ms)
        if waiting:
            status["waiting_s"] = _age_s(oldest[-1]["admitted_ms"], now_ms)
        return status


def _done(call: CallUsage) -> bool:
    """Whether a call did what its tool is for. Code that ended with an error has run."""
    return not call.fault or (call.tool == "run_code" and call.fault == "failed")


def _needs_store(incoming: Incoming, owners: frozenset[int], bots: frozenset[int] = frozenset()) -> bool:
    """Whether the effects depend on more than the settings of the chat, or those of the next entries depend on them.

    What anybody else than an owner sends of owners' commands does neither: many of them cost no more than other
    messages. A bot of *bots* may ask /canary too.
    """
    by_owner = incoming.user_id in owners
    of_owners = (*OWNER_COMMANDS, "canary") if by_owner else ("canary",) if incoming.user_id in bots else ()
    commands = ("status", "usage", "why", "retry", *of_owners)
    buttons = ("retry:", "access:", "pair:") if by_owner else ("retry:",)
    if incoming.kind == "button":
        return incoming.button_data.startswith(buttons)
    return incoming.content_kind == "command" and incoming.command in commands


def _age_s(admitted_ms: str | None, now_ms: float) -> int:
    return max(0, round((now_ms - whole(admitted_ms, round(now_ms))) / 1000))
