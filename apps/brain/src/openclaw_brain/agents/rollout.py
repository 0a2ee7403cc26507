"""Rollout of PodTemplates: the pool in use for each template and, where a template has changed, one on trial.

One agent tries a changed template first. Until it has started, the last good template stays in use, which Redis keeps: an image that
cannot start then costs a warning, not the answers.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openclaw_brain.agents.pool import MissingJobs, PoolController, PoolLimits
from openclaw_brain.agents.ports import Launcher, LaunchFailed, Pool
from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.records import readable
from openclaw_core.roles.values import AGENT_TEMPLATE, TOOLS_TEMPLATE
from openclaw_core.store import Lanes, Pools
from openclaw_core.store.pools import template_of

log = logs.get(__name__)
TEMPLATES = (AGENT_TEMPLATE, TOOLS_TEMPLATE)
"""Those of roles without a template of their own: a change of a role's tools moves it from one to the other."""
TEMPLATES_EVERY_S = 3.0
"""Between checks of the templates."""
POOLS_EVERY_S = 1.0
"""Between checks of the pools, if nothing wakes the loop."""
SOON_S = 0.2
"""The same while more agents are needed than may start at a time, or none starts."""
TRIAL_EVERY_S = 0.4
"""Between checks of the templates while one is on trial."""


@dataclass(kw_only=True)
class Rollout:
    """All pools of a leader. *pool_of* gives the pool of a template and its pod."""

    templates: Collection[str]
    launcher: Launcher
    pools: Pools
    lanes: Lanes
    epoch: int
    limits_of: Callable[[str], PoolLimits]
    """By template."""
    pool_of: Callable[[str, Mapping[str, Any]], Pool]
    in_routing: Callable[[str], Collection[str]] = lambda _template: ()
    """Tasks whose role is being looked for, and whose agents start meanwhile; by the template that they will probably need."""
    on_fallback: Callable[[str, bool], None] = lambda _template, _in_use: None
    """Told whether a template's last good version is used instead of the one of today."""
    clock: Callable[[], float] = time.monotonic
    _current: dict[str, PoolController] = field(default_factory=dict)
    _trial: dict[str, PoolController] = field(default_factory=dict)
    _fallbacks: set[str] = field(default_factory=set)
    """Templates whose last good version is used instead of the one of today."""
    _missing: dict[str, MissingJobs] = field(default_factory=dict)
    """By pool that is not in use any more."""
    _notified_at: float = 0.0

    def current(self, template: str) -> str:
        """The id of the pool that new tasks of *template* go to."""
        return self._current[template].pool.id

    def successor(self, pool_id: str) -> str:
        """Where the tasks of a pool go when their agent is lost: the pool in use of the same template."""
        template = template_of(pool_id)
        return self.current(template) if template in self._current else pool_id

    def controller(self, pool_id: str) -> PoolController | None:
        """The controller of that pool, in use or on trial."""
        return next((one for one in self._all() if one.pool.id == pool_id), None)

    def controllers(self) -> list[PoolController]:
        """Those in use, one for each template."""
        return list(self._current.values())

    def _all(self) -> list[PoolController]:
        return [*self._current.values(), *self._trial.values()]

    async def refresh(self) -> None:
        """Choose each template's pool. Raises LostOwnership, StoreUnavailable, StoreFull.

        A template that no role names any more keeps its pool until the pool's tasks and agents are gone: no other agent may have its tasks.
        """
        there = {template_of(pool_id) for pool_id in await self.pools.ids()}.intersection(TEMPLATES)
        for template in [*self._current]:
            if template not in there and template not in self.templates:
                del self._current[template]
        for template in sorted({*self.templates, *there}):
            await self._refresh(template)
            await self._move_tasks(template)

    async def scale_pools(self, loop: Loop) -> None:
        """Scale every pool until cancelled. Raises LostOwnership."""
        await loop.run(self._scale)

    async def _scale(self) -> float:
        for controller in self._all():
            await controller.scale()
        if self.clock() - self._notified_at >= 1:
            self._notified_at = self.clock()
            for controller in self.controllers():
                await controller.tell_waiting()
        return SOON_S if any(one.check_soon for one in self._all()) else POOLS_EVERY_S

    async def follow_templates(self, loop: Loop) -> None:
        """Refresh again and again until cancelled. Raises LostOwnership."""
        await loop.run(self._follow, first_after_s=TEMPLATES_EVERY_S, retry_s=TEMPLATES_EVERY_S)

    async def _follow(self) -> float:
        await self.refresh()
        return TRIAL_EVERY_S if self._trial else TEMPLATES_EVERY_S

    async def _refresh(self, template: str) -> None:
        """Choose a pool for the template, start a trial if it has changed, end a trial that worked."""
        good = await self._last_good(template)
        try:
            pool = self.pool_of(template, await self.launcher.pod(template))
        except LaunchFailed as exc:
            if template not in self._current:
                log.error("template.unreadable", template=template, cause=exc.cause.value, last_good=good is not None)
                # A pool without a pod cannot start agents. Its controller finds that out, and tells those who wait.
                self._use(Pool.from_json(template, good) if good else Pool(template=template, hash8="0" * 8))
                self._set_fallback(template, good is not None)
            return
        in_use = self._current.get(template)
        if in_use is None and good is not None:
            in_use = self._use(Pool.from_json(template, good))
        if in_use is None or (in_use.pool.id != pool.id and good is None):
            self._use(pool)  # there is no good one to use instead
        elif in_use.pool.id == pool.id:
            await self._end_trial(template)
            self._set_fallback(template, False)
        elif template not in self._trial or self._trial[template].pool.id != pool.id:
            await self._start_trial(template, pool)
        elif await self._has_started(pool):
            log.info("template.accepted", template=template, pool=pool.id)
            del self._trial[template]
            self._set_fallback(template, False)
            self._use(pool)
        if self.launcher.tries_templates:
            await self._keep_good(template, good)

    async def _last_good(self, template: str) -> str | None:
        """The last good version, if one is kept that can be read."""
        good = await self.pools.good_template(template) if self.launcher.tries_templates else None
        if good is None or readable([good], lambda raw: Pool.from_json(template, raw), of="templates"):
            return good
        return None

    async def _start_trial(self, template: str, pool: Pool) -> None:
        await self._end_trial(template)
        self._trial[template] = self._controller_of(pool, replace(self._limits(template), warm=1, pool_cap=1))
        self._set_fallback(template, True)
        log.warning(
            "template.on_trial", template=template, pool=pool.id, in_use=self.current(template),
            hint="one agent tries the changed PodTemplate; until it has come up, the last good one stays in use",
        )  # fmt: skip

    async def _end_trial(self, template: str) -> None:
        controller = self._trial.pop(template, None)
        if controller is not None:
            log.info("template.trial_ended", template=template, pool=controller.pool.id)
            await self._drain(controller.pool.id)

    def _set_fallback(self, template: str, in_use: bool) -> None:
        if in_use != (template in self._fallbacks):
            (self._fallbacks.add if in_use else self._fallbacks.discard)(template)
            self.on_fallback(template, in_use)

    def _use(self, pool: Pool) -> PoolController:
        """Make it the template's pool."""
        controller = self._current[pool.template] = self._controller_of(pool, self._limits(pool.template))
        return controller

    def _limits(self, template: str) -> PoolLimits:
        limits = self.limits_of(template)
        return limits if template in self.templates else replace(limits, warm=0)

    def _controller_of(self, pool: Pool, limits: PoolLimits) -> PoolController:
        return PoolController(
            pool=pool, pools=self.pools, lanes=self.lanes, launcher=self.launcher, epoch=self.epoch, limits=limits,
            in_routing=lambda: self.in_routing(pool.template),
        )  # fmt: skip

    async def _move_tasks(self, template: str) -> None:
        """Move tasks that wait in other pools of the template to the one in use, and drain those pools.

        At each refresh, not only when the pool has changed: an outage of Redis may have interrupted the move.
        """
        in_use = self.current(template)
        on_trial = {one.pool.id for name, one in self._trial.items() if name == template}
        there = await self.pools.ids()
        self._missing = {pool_id: missing for pool_id, missing in self._missing.items() if pool_id in there}
        for other in there:
            if template_of(other) == template and other not in {in_use} | on_trial:
                await self.pools.move_ready(other, in_use, epoch=self.epoch)
                await self._drain(other)

    async def _drain(self, pool_id: str) -> None:
        """End the waiting agents of a pool that is not in use, let the others finish, and forget those that are gone."""
        alive, jobs = await self.launcher.alive(), await self.pools.jobs(pool_id)
        missing = self._missing.setdefault(pool_id, MissingJobs()).overdue(jobs, alive, self.clock())
        left, deletions = await self.pools.left(missing), []
        for name, job in jobs.items():
            gone = name not in alive
            leaving = job.state == "retired" and gone
            if job.state != "claimed" and not leaving and await self.pools.retire(pool_id, name):
                deletions.append(self.launcher.delete(name))
            if name in left or (gone and job.state in ("created", "retired")):
                await self.pools.forget(pool_id, name)
        await asyncio.gather(*deletions)  # in parallel: each may take seconds where the API server is away

    async def _has_started(self, pool: Pool) -> bool:
        return any(job.has_checked_in for job in (await self.pools.jobs(pool.id)).values())

    async def _keep_good(self, template: str, good: str | None) -> None:
        pool = self._current[template].pool
        if pool.pod and pool.to_json() != good and await self._has_started(pool):
            await self.pools.keep_good_template(template, pool.to_json())
