"""Lanes: tasks go when there is room; each is routed, and handed to its pool."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from openclaw_brain.routing import Classifier, Previous, decide_agent
from openclaw_core import logs
from openclaw_core.errors import BadTask, StoreFault, StoreFull, StoreUnavailable
from openclaw_core.ports import Chat
from openclaw_core.records import UNREADABLE
from openclaw_core.roles.orders import order_of
from openclaw_core.roles.values import Roles
from openclaw_core.store import Lanes
from openclaw_core.store.lanes import Dispatched, Queued
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Task

log = logs.get(__name__)
AT_ONCE = 64
"""Tasks that are routed at the same time."""
FAULTS = 3
"""Refusals by Redis after which a task is given up; what is of another type is mended within a second."""
ADOPT_S = 1.0
"""Between looks for tasks that are out and that nobody routes. Redis may have let them go in a call that we had given up."""
PREVIOUS_TURNS = 6
"""Of these, the last exchange is looked for by which a question is routed that goes on with it."""
HELD_S = 0.05
"""Between two looks at a routed task of which more may be coming."""


def previous_of(turns: Sequence[Turn]) -> Previous | None:
    """The last exchange of a chat: what was asked, who answered, and what."""
    for i in range(len(turns) - 1, -1, -1):
        if turns[i].speaker == "assistant" and turns[i].role:
            asked = next((turn.text for turn in reversed(turns[:i]) if turn.speaker == "user"), "")
            return Previous(role=turns[i].role, user=asked, answer=turns[i].text)
    return None


def words(task: Task) -> str:
    """What routing goes by. A file without a word beside it wants to be made short; what a recording says is not known yet."""
    text = task.text or ("summarize this file" if any(one.kind == "file" for one in task.materials) else "")
    return f"{text}\n\n{task.quoted}" if task.forwarded == "some" and task.quoted else text


@dataclass(kw_only=True)
class LaneKeeper:
    """Releases, routes, dispatches."""

    lanes: Lanes
    roles: Roles
    chat: Chat | None
    classifier: Classifier | None
    pool_of: Callable[[str], str]
    epoch: int
    cap: int
    demo: bool = False
    model_override: str | None = None
    """The one model of a local model server, instead of the roles' lists."""
    clock: Callable[[], float] = time.monotonic
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _start: Callable[[Sequence[str]], None] = lambda _: None

    def under_way(self) -> Collection[str]:
        """Ids of tasks that are being routed."""
        return self._under_way.keys()

    def room(self) -> dict[str, int] | None:
        """What to ask of a step of others that lets tasks go as well, if there is room for some."""
        free = AT_ONCE - len(self._under_way)
        return self.lanes.asks(cap=self.cap, at_most=free) if free > 0 else None

    def let_go(self, reply: Sequence[str]) -> None:
        """Such a step has let go what its *reply* says."""
        self._start(self.lanes.heard(reply))

    async def forever(
        self,
        *,
        nudge: asyncio.Event,
        turned: Callable[[], None],
        let_go: Callable[[], None] = lambda: None,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        """Let tasks go until cancelled; first those that a leader before us had released, or we without hearing of it. Raises LostOwnership.

        *let_go* is called when tasks are under way, *ready* when one stands in its pool.
        """
        pending: list[str] = []
        looked_at: float | None = None
        async with asyncio.TaskGroup() as group:

            def start(task_ids: Sequence[str]) -> None:
                for task_id in task_ids:
                    if task_id not in self._under_way:
                        self._under_way[task_id] = group.create_task(
                            self._let_go(task_id, ready, nudge), name=f"route {task_id}"
                        )
                if task_ids:
                    let_go()

            def given(task_ids: Sequence[str]) -> None:
                start(task_ids)
                if self.lanes.held_s is not None:
                    nudge.set()  # to look again in time

            self._start = given
            while True:
                turned()
                nudge.clear()
                try:
                    if looked_at is None or self.clock() - looked_at >= ADOPT_S:
                        pending, looked_at = await self._left_behind(), self.clock()
                    room = AT_ONCE - len(self._under_way)
                    found, pending = pending[:room], pending[room:]
                    fresh = found or (
                        await self.lanes.release(cap=self.cap, at_most=room, epoch=self.epoch) if room else []
                    )
                except (StoreUnavailable, StoreFull):
                    looked_at = None  # Redis may have released some whose ids were lost on the way here
                    await asyncio.sleep(1)
                    continue
                start(fresh)
                if not found and len(fresh) < max(1, room):  # all that may go now have gone
                    try:
                        async with asyncio.timeout(min(ADOPT_S, self.lanes.held_s or ADOPT_S)):
                            await nudge.wait()
                    except TimeoutError:
                        pass

    async def _left_behind(self) -> list[str]:
        released = await self.lanes.released()
        states = await self.lanes.fields(released, "state") if released else []
        return [
            task_id
            for task_id, row in zip(released, states, strict=True)
            if row["state"] == "queued" and task_id not in self._under_way
        ]

    async def _let_go(self, task_id: str, ready: Callable[[], None], nudge: asyncio.Event) -> None:
        faults = 0
        try:
            while True:
                try:
                    await self._dispatch(task_id)
                    ready()
                    return
                except UNREADABLE as exc:
                    # What it holds is of no kind that we know. Its user is told, and the others go on.
                    log.fault("task.not_routed", exc, task_id=task_id)
                    await self._fail(task_id)
                    return
                except (StoreUnavailable, StoreFull) as exc:
                    faults += isinstance(exc, StoreFault)
                    if faults == FAULTS:
                        await self._fail(task_id)
                        return
                    await asyncio.sleep(1)  # it stays released and queued: the next try, or the next leader, goes on
        finally:
            # A task that was ready and has grown may be under way again before the one that made it ready is done here.
            if self._under_way.get(task_id) is asyncio.current_task():
                if len(self._under_way) >= AT_ONCE:
                    nudge.set()  # others may wait for this place
                del self._under_way[task_id]

    async def _fail(self, task_id: str) -> None:
        while True:
            try:
                await self.lanes.fail(task_id, Cause.BAD_TASK, epoch=self.epoch)
                return
            except StoreFault:
                return  # the next look finds it again, once Redis is mended
            except (StoreUnavailable, StoreFull):
                await asyncio.sleep(1)

    async def _dispatch(self, task_id: str) -> None:
        outcome = Dispatched.GROWN
        while outcome in (Dispatched.GROWN, Dispatched.HELD):  # once, unless its user goes on sending
            if outcome is Dispatched.HELD:
                await asyncio.sleep(HELD_S)
            try:
                queued = await self.lanes.queued(task_id)
                if queued.task.id != task_id:
                    raise BadTask("the record is another task's")  # noqa: TRY301 - as if it could not be read
            except BadTask:
                log.error("task.unreadable", task_id=task_id)
                await self.lanes.fail(task_id, Cause.BAD_TASK, epoch=self.epoch)
                return
            outcome = await self._route(queued)

    async def _route(self, queued: Queued) -> Dispatched:
        task = queued.task
        turns = await self.lanes.history(task.chat_id, task.thread_id, last=PREVIOUS_TURNS)
        routed = await decide_agent(
            words(task),
            lang=task.lang,
            explicit=task.role or queued.wish,
            previous=previous_of([turn for turn in turns if turn.task_id != task.id]),
            roles=self.roles,
            chat=self.chat,
            classifier=self.classifier,
        )
        role = self.roles.roles[routed.role]
        tokens = routed.usage.prompt_tokens + routed.usage.answer_tokens if routed.usage else 0
        outcome = await self.lanes.dispatch(
            task.ordered(order_of(role, model_override=self.model_override, demo=self.demo)),
            pool=self.pool_of(role.template), decision=routed.decision.value, route_ms=routed.took_ms, route_tokens=tokens, epoch=self.epoch, parts=queued.parts, known=queued.record,
        )  # fmt: skip
        if outcome is Dispatched.READY:
            log.info(
                "task.ready",
                task_id=task.id,
                role=role.name,
                decision=routed.decision.value,
                route_ms=routed.took_ms,
                route_tokens=tokens,
                waited_ms=_age_ms(task),
                parts=queued.parts + 1,
            )
        return outcome


def _age_ms(task: Task) -> int:
    return round(time.time() * 1000) - task.admitted_ms
