"""Consumes the queue: releases tasks while agents are free, routes each, and dispatches it to its pool."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from openclaw_brain.loops import Loop
from openclaw_brain.queue.spending import TaskBudget
from openclaw_brain.routing import Classifier, Previous, decide_agent
from openclaw_core import logs
from openclaw_core.budgets.values import Room
from openclaw_core.errors import BadTask, StoreError, StoreFault
from openclaw_core.ports import JsonModel
from openclaw_core.records import UNREADABLE
from openclaw_core.roles.canary import OUT, choose_prompt
from openclaw_core.roles.snapshot import snapshot_of
from openclaw_core.roles.values import READ_DOCUMENT, Role, Roles
from openclaw_core.store import Lanes
from openclaw_core.store.budgets import Reserved
from openclaw_core.store.canaries import Canaries
from openclaw_core.store.lanes import Dispatched, Queued
from openclaw_core.tasks.conversation import Turn, conversation_key
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.receipt import digest
from openclaw_core.tasks.task import Task

log = logs.get(__name__)
MAX_ROUTING = 64
"""Most tasks that are routed at the same time."""
MAX_FAULTS = 3
"""A task fails after this many refusals by Redis. The store repairs a key of the wrong type within a second."""
ORPHANS_EVERY_S = 1.0
"""Between looks for released tasks that nobody routes. Redis may have released them in a call that timed out here."""
ALL_ORPHANS_EVERY = 10
"""Looks. The others leave out tasks that were handed over: such a one is queued again only where its agent was lost."""
PREVIOUS_TURNS = 6
"""The last exchange is searched in this many turns: a follow-up stays with its role."""
HELD_PAUSE_S = 0.05
"""Between two tries to dispatch a task for which more messages may be coming."""


def previous_of(turns: Sequence[Turn]) -> Previous | None:
    """Return the last exchange in *turns*: question, role and answer."""
    for i in range(len(turns) - 1, -1, -1):
        if turns[i].speaker == "assistant" and turns[i].role:
            asked = next((turn.text for turn in reversed(turns[:i]) if turn.speaker == "user"), "")
            return Previous(role=turns[i].role, user=asked, answer=turns[i].text)
    return None


def routing_text(task: Task) -> str:
    """Return the text that decides the role. A file alone is to be summarized. What a recording says is not known yet."""
    kinds = {one.kind for one in task.attachments}
    alone = (
        "summarize this file"
        if kinds & {"file", "document"}
        else "what is in this picture?"
        if "picture" in kinds
        else ""
    )
    text = task.text or alone
    return f"{text}\n\n{task.quoted}" if task.forwarded == "some" and task.quoted else text


def reading_role(roles: Roles, picked: str, task: Task) -> str:
    """Return *picked*, or the next role that can read the task's documents, or else see its pictures: the default, then by their order.

    None may be there.
    """
    names = [picked, roles.default, *roles.roles]
    kinds = {one.kind for one in task.attachments}
    if "document" in kinds:
        names = [name for name in names if READ_DOCUMENT in roles.roles[name].functions] or names
    if "picture" in kinds:
        names = [name for name in names if roles.roles[name].seeing] or names
    return names[0]


@dataclass(kw_only=True)
class QueueConsumer:
    """Releases tasks from the lanes, routes and dispatches them."""

    lanes: Lanes
    roles: Roles
    chat: JsonModel | None
    classifier: Classifier | None
    pool_of: Callable[[str], str]
    epoch: int
    cap: int
    demo: bool = False
    model_override: str | None = None
    """The only model of a local model server. Replaces the lists of the roles."""
    canaries: Canaries | None = None
    """What is known of prompts that are tried; None: none was ended."""
    budget: TaskBudget | None = None
    """None: nothing is reserved, and nothing is counted."""
    clock: Callable[[], float] = time.monotonic
    _routing: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _unreserved: set[str] = field(default_factory=set)
    """Tasks in routing that have no reservation yet. They may go back into their lanes."""
    _handed_over: set[str] = field(default_factory=set)
    """Tasks that are out and not queued any more, when they were last looked at."""
    _looks: int = 0
    _start: Callable[[Sequence[str]], None] = lambda _: None

    def routing(self) -> Collection[str]:
        """Return the ids of tasks that are being routed and will need an agent soon. One that may have to wait for a budget does not."""
        return self._routing.keys() - self._unreserved

    def release_request(self) -> dict[str, int] | None:
        """Return arguments that make another step of the store release tasks too, or None if too many are being routed."""
        free = MAX_ROUTING - len(self._routing)
        return self.lanes.release_arguments(cap=self.cap, at_most=free) if free > 0 else None

    def route_released(self, reply: Sequence[str], records: Mapping[str, str]) -> None:
        """Route the tasks that such a step released. *records* are those that it has written, by the task's id."""
        self._start(self.lanes.read_release(reply, records))

    async def forever(
        self, loop: Loop, *, on_released: Callable[[], None] = lambda: None, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        """Route tasks until cancelled, first those that were released before and that nobody routes. Raises LostOwnership.

        *on_released* is called when the routing of tasks begins that will need agents, *on_ready* when a task is in its pool.
        """
        pending: list[str] = []
        looked_at: float | None = None
        async with asyncio.TaskGroup() as group:

            def start(task_ids: Sequence[str]) -> None:
                reserves = self.budget is not None and self.budget.reserves
                for task_id in task_ids:
                    if task_id not in self._routing:
                        if reserves:
                            self._unreserved.add(task_id)
                        self._routing[task_id] = group.create_task(
                            self._route_task(task_id, on_released, on_ready, loop), name=f"route {task_id}"
                        )
                if task_ids and not reserves:
                    on_released()

            def start_released(task_ids: Sequence[str]) -> None:
                start(task_ids)
                if self.lanes.held_s is not None:
                    loop.wake()  # to look again in time

            async def step() -> float:
                nonlocal pending, looked_at
                try:
                    if looked_at is None or self.clock() - looked_at >= ORPHANS_EVERY_S:
                        pending, looked_at = await self._orphaned(), self.clock()
                    room = MAX_ROUTING - len(self._routing)
                    found, pending = pending[:room], pending[room:]
                    fresh = found or (
                        await self.lanes.release(cap=self.cap, at_most=room, epoch=self.epoch) if room else []
                    )
                except StoreError:
                    looked_at = None  # Redis may have released tasks whose ids were lost on the way here
                    self._handed_over.clear()
                    raise
                start(fresh)
                all_released = not found and len(fresh) < max(1, room)  # there are no more to release now
                return min(ORPHANS_EVERY_S, self.lanes.held_s or ORPHANS_EVERY_S) if all_released else 0

            self._start = start_released
            await loop.run(step)

    async def _orphaned(self) -> list[str]:
        released = await self.lanes.released()
        self._looks += 1
        self._handed_over &= set(released if self._looks % ALL_ORPHANS_EVERY else ())
        unknown = [one for one in released if one not in self._handed_over and one not in self._routing]
        states = await self.lanes.fields(unknown, "state") if unknown else []
        queued = [one for one, row in zip(unknown, states, strict=True) if row["state"] == "queued"]
        self._handed_over.update(set(unknown) - set(queued))
        return [one for one in queued if one not in self._routing]

    async def _route_task(
        self, task_id: str, on_reserved: Callable[[], None], on_ready: Callable[[], None], loop: Loop
    ) -> None:
        faults = 0
        try:
            while True:
                try:
                    await self._dispatch(task_id, on_reserved)
                    if task_id in self._unreserved:
                        loop.wake()  # it waits in its lane or has ended: its place is free
                    on_ready()
                    return
                except UNREADABLE as exc:
                    # The task cannot be parsed. Its user is told, and the other tasks go on.
                    log.fault("task.not_routed", exc, task_id=task_id)
                    await self._fail(task_id)
                    return
                except StoreError as exc:
                    faults += isinstance(exc, StoreFault)
                    if faults == MAX_FAULTS:
                        await self._fail(task_id)
                        return
                    await asyncio.sleep(1)  # it stays released and queued: the next try or the next leader goes on
        finally:
            # A ready task that has grown may be routed again before its first routing has ended here.
            if self._routing.get(task_id) is asyncio.current_task():
                if len(self._routing) >= MAX_ROUTING:
                    loop.wake()  # others may wait for a free place
                del self._routing[task_id]
                self._unreserved.discard(task_id)

    async def _fail(self, task_id: str) -> None:
        while True:
            try:
                await self.lanes.fail(task_id, Cause.BAD_TASK, epoch=self.epoch)
                return
            except StoreFault:
                return  # the next look finds it again, once Redis is repaired
            except StoreError:
                await asyncio.sleep(1)

    async def _dispatch(self, task_id: str, on_reserved: Callable[[], None] = lambda: None) -> None:
        outcome = Dispatched.GROWN
        while outcome in (Dispatched.GROWN, Dispatched.HELD):  # once, unless more messages join it
            if outcome is Dispatched.HELD:
                await asyncio.sleep(HELD_PAUSE_S)
            try:
                queued = await self.lanes.queued(task_id)
                if queued.task.id != task_id:
                    raise BadTask("the record belongs to another task")  # noqa: TRY301 - as if it could not be read
            except BadTask:
                log.error("task.unreadable", task_id=task_id)
                await self.lanes.fail(task_id, Cause.BAD_TASK, epoch=self.epoch)
                return
            room = await self._reserve(queued)
            if room is None:
                return
            if task_id in self._unreserved:
                self._unreserved.remove(task_id)
                on_reserved()
            outcome = await self._route(queued, room)

    async def _reserve(self, queued: Queued) -> Room | None:
        """Reserve what the task can cost, and return what is left of its limits. None if it has to wait in its lane, or has ended."""
        if self.budget is None:
            return Room()
        task = queued.task
        reserved = await self.budget.reserve(task, role=task.role or queued.next_role, roles=self.roles)
        if reserved.state is Reserved.LATE:
            await self.lanes.fail(task.id, Cause.QUEUE_DEADLINE, state="queued", epoch=self.epoch)
        return reserved.room if reserved.state is Reserved.DONE else None

    async def _with_prompt(self, role: Role, task: Task, turns: Sequence[Turn] | None) -> tuple[Role, str | None]:
        """The role with the prompt that this conversation gets, and what to remember of that if it tries another.

        *turns*: the last, if known.
        """
        if role.canary is None:
            return role, None
        entry = await self.canaries.of_role(role.name) if self.canaries else None
        if entry is not None and entry.ended and entry.prompt == digest(role.canary.prompt):
            return role, OUT
        if turns is None:
            turns = await self.lanes.history(task.chat_id, task.thread_id, last=PREVIOUS_TURNS)
        chosen = choose_prompt(
            role,
            role.canary,
            place=conversation_key(task.chat_id, task.thread_id),
            remembered=await self.lanes.canary_of(task.chat_id, task.thread_id, role.name),
            begins=all(turn.task_id == task.id for turn in turns),
        )
        return chosen.role, chosen.remember

    async def _route(self, queued: Queued, room: Room) -> Dispatched:
        task = queued.task
        explicit = task.role or queued.next_role
        turns: Sequence[Turn] | None = None
        if explicit not in self.roles.roles:
            turns = await self.lanes.history(task.chat_id, task.thread_id, last=PREVIOUS_TURNS)
        routed = await decide_agent(
            routing_text(task),
            explicit=explicit,
            previous=previous_of([turn for turn in turns or () if turn.task_id != task.id]),
            roles=self.roles,
            chat=self.chat,
            classifier=self.classifier,
        )
        role, canary = await self._with_prompt(
            self.roles.roles[reading_role(self.roles, routed.role, task)], task, turns
        )
        if self.budget is not None:
            role = self.budget.within(room, role, task, self.roles, routing=routed.usage)
        snapshot = snapshot_of(role, model_override=self.model_override, demo=self.demo)
        tokens = routed.usage.prompt_tokens + routed.usage.answer_tokens if routed.usage else 0
        outcome = await self.lanes.dispatch(
            task.with_snapshot(snapshot),
            pool=self.pool_of(role.template), decision=routed.decision.value, route_ms=routed.took_ms,
            route_tokens=tokens, epoch=self.epoch, parts=queued.parts, known=queued.record, canary=canary,
            spend=self.budget.spend(task, role, self.roles, model=snapshot.models[0], routing=routed.usage) if self.budget else None,
        )  # fmt: skip
        if outcome is Dispatched.READY:
            self._handed_over.add(task.id)
            log.info(
                "task.ready",
                task_id=task.id,
                role=role.name,
                decision=routed.decision.value,
                route_ms=routed.took_ms,
                route_tokens=tokens,
                waited_ms=round(time.time() * 1000) - task.admitted_ms,
                parts=queued.parts + 1,
            )
        return outcome
