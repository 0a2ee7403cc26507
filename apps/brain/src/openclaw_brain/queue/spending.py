"""Pays for tasks: reserves what an answer can cost before any model is asked, and says what dispatch has to count."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_core import logs
from openclaw_core.budgets.estimates import recordings_spend, routing_spend, steps_within, task_estimate
from openclaw_core.budgets.values import Budgets, Room
from openclaw_core.ports import Usage
from openclaw_core.roles.values import Role, Roles
from openclaw_core.store import Script
from openclaw_core.store.budgets import Reservation, Reserved, reserve, spend_fields
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.task import PICTURE_TOKENS, Task

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBudget:
    """What tasks may cost. Without limits nothing is reserved: that would be one more step of the store for each message."""

    script: Script = field(repr=False)
    budgets: Budgets
    epoch: int
    on_refused: Callable[[], None] = lambda: None
    """Called when a chat has to be told that a limit is reached."""
    wait_s: float = 900
    """For so long a task waits at most for the ends of others, in seconds."""
    now_s: Callable[[], float] = time.time

    @property
    def reserves(self) -> bool:
        """Whether a task has to reserve before it is routed."""
        return bool(self.budgets.limits)

    async def reserve(self, task: Task, *, role: str | None, roles: Roles) -> Reservation:
        """Reserve the most that an answer to *task* can cost, before it is routed. Raises LostOwnership."""
        if not self.reserves:
            return Reservation(state=Reserved.DONE)
        most = task_estimate(roles, role=role, task=task, prices=self.budgets.prices)
        calendar = self.budgets.calendar(self.now_s())
        reserved = await reserve(self.script, task.id, most, calendar, epoch=self.epoch, wait_s=self.wait_s)
        if reserved.state is Reserved.REFUSED:
            log.info("task.over_budget", task_id=task.id)
            self.on_refused()
        return reserved

    def within(self, room: Room, role: Role, task: Task, roles: Roles, *, routing: Usage | None) -> Role:
        """*role* with as many steps as fit into what is left of the task's limits.

        The last step of an answer calls no tools, so with one step it is an answer without them. A document cannot be answered without
        being read: there it is two.
        """
        kinds = [one.kind for one in task.attachments]
        steps = steps_within(
            room, role, roles.models, self.budgets.prices,
            known=routing_spend(routing, roles) + recordings_spend(task, self.budgets.prices),
            pictures=PICTURE_TOKENS * kinds.count("picture"), least=2 if "document" in kinds else 1,
        )  # fmt: skip
        if not role.functions or steps == role.max_steps:
            return role
        log.info("task.fewer_steps", task_id=task.id, role=role.name, steps=steps)
        return replace(role, max_steps=steps)

    def spend(self, task: Task, role: Role, roles: Roles, *, model: str, routing: Usage | None) -> Mapping[str, Any]:
        """What `Lanes.dispatch` counts for *task*: routing and recordings are spent already, *model* is asked first."""
        question = min(role.history_tokens, estimate_tokens(task.text) + estimate_tokens(task.quoted))
        return spend_fields(
            self.budgets.calendar(self.now_s()),
            routing_spend(routing, roles),
            recording_micro_usd=recordings_spend(task, self.budgets.prices).micro_usd,
            model=model,
            asked_tokens=estimate_tokens(role.prompt) + question,
        )
