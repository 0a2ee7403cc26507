"""Lanes: tasks go when there is room; each is remembered, routed and handed to its pool, in that order."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from openclaw_brain.routing import Classifier, Previous, decide_agent
from openclaw_core import logs
from openclaw_core.conversation import Turn
from openclaw_core.errors import BadTask, LostOwnership, StoreFull, StoreUnavailable
from openclaw_core.outcome import Cause
from openclaw_core.ports import Chat
from openclaw_core.roles import Role, Roles
from openclaw_core.store import Lanes
from openclaw_core.task import Order, Task, from_json

log = logs.get(__name__)
DEMO_ANSWER_TOKENS = 300
"""The small built-in model rambles on until it is stopped, at 20 to 60 tokens a second."""
AT_ONCE = 64
"""Tasks that are routed at the same time."""


def previous_of(turns: Sequence[Turn]) -> Previous | None:
    """The last exchange of a chat: what was asked, who answered, and what."""
    for i in range(len(turns) - 1, -1, -1):
        if turns[i].speaker == "assistant" and turns[i].role:
            asked = next((turn.text for turn in reversed(turns[:i]) if turn.speaker == "user"), "")
            return Previous(role=turns[i].role, user=asked, answer=turns[i].text)
    return None


def order_of(role: Role, *, model_override: str | None = None, demo: bool = False) -> Order:
    """A snapshot of the role, so that no later change reaches a running task."""
    # A small local model reads a whole prompt for 20 s before its first word; its gist takes one.
    prompt = role.gist if model_override else role.prompt
    return Order(
        role=role.name,
        prompt=prompt,
        prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest(),
        models=(model_override,) if model_override else role.models,
        tools=() if model_override else role.tools,
        max_answer_tokens=min(role.max_answer_tokens, DEMO_ANSWER_TOKENS) if demo else role.max_answer_tokens,
        history_tokens=role.history_tokens,
        temperature=role.temperature,
        reasoning_effort=None if model_override else role.reasoning_effort,
    )


@dataclass(kw_only=True)
class LaneKeeper:
    """Releases, remembers, routes, dispatches."""

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
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def forever(
        self, *, nudge: asyncio.Event, dispatched: Callable[[], None], turned: Callable[[], None]
    ) -> None:
        """Let tasks go until cancelled; first those that a leader before us had released. Raises LostOwnership."""
        pending: list[str] | None = None
        async with asyncio.TaskGroup() as group:
            while True:
                turned()
                nudge.clear()
                try:
                    if pending is None:
                        pending = await self._left_behind()
                    room = AT_ONCE - len(self._under_way)
                    fresh = pending[:room] or (
                        await self.lanes.release(cap=self.cap, at_most=room, epoch=self.epoch) if room else []
                    )
                    pending = pending[room:]
                    for task_id in fresh:
                        self._under_way[task_id] = group.create_task(
                            self._let_go(task_id, dispatched), name=f"route {task_id}"
                        )
                except (StoreUnavailable, StoreFull):
                    await asyncio.sleep(1)
                    continue
                if not fresh:
                    try:
                        async with asyncio.timeout(0.1):  # agents end tasks without telling us: look for room again
                            await nudge.wait()
                    except TimeoutError:
                        pass

    async def _left_behind(self) -> list[str]:
        released = await self.lanes.released()
        states = await self.lanes.fields(released, "state") if released else []
        return [task_id for task_id, row in zip(released, states, strict=True) if row["state"] == "queued"]

    async def _let_go(self, task_id: str, dispatched: Callable[[], None]) -> None:
        try:
            while True:
                try:
                    await self._dispatch(task_id)
                    dispatched()
                    return
                except (StoreUnavailable, StoreFull):
                    await asyncio.sleep(1)  # it stays released and queued: the next try, or the next leader, goes on
        finally:
            del self._under_way[task_id]

    async def _dispatch(self, task_id: str) -> None:
        record = (await self.lanes.fields([task_id], "record"))[0]["record"]
        try:
            task = from_json(record or "")
        except BadTask:
            log.error("task.unreadable", task_id=task_id)
            await self.lanes.fail(task_id, Cause.BAD_TASK, epoch=self.epoch)
            return
        turns = await self.lanes.save_context(task, epoch=self.epoch)
        routed = await decide_agent(
            task.text,
            lang=task.lang,
            explicit=task.role,
            previous=previous_of(turns),
            roles=self.roles,
            chat=self.chat,
            classifier=self.classifier,
        )
        role = self.roles.roles[routed.role]
        tokens = routed.usage.prompt_tokens + routed.usage.answer_tokens if routed.usage else 0
        done = await self.lanes.dispatch(
            task.ordered(order_of(role, model_override=self.model_override, demo=self.demo)),
            pool=self.pool_of(role.template), decision=routed.decision.value, route_ms=routed.took_ms, route_tokens=tokens, epoch=self.epoch,
        )  # fmt: skip
        if done:
            log.info(
                "task.ready",
                task_id=task_id,
                role=role.name,
                decision=routed.decision.value,
                route_ms=routed.took_ms,
                route_tokens=tokens,
                waited_ms=_age_ms(task),
            )


def _age_ms(task: Task) -> int:
    return round(time.time() * 1000) - task.admitted_ms


__all__ = ["LaneKeeper", "LostOwnership", "order_of", "previous_of"]
