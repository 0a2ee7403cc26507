"""All pools of a leader: for each PodTemplate the one in use, and where the template has changed, one on trial.

A changed template is first tried by one agent. Until that has come up, the last good one, kept in Redis, stays in use: an
image that cannot start then costs a warning, not the answers.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_brain.agents.pool import PoolKeeper, Unseen
from openclaw_brain.agents.ports import Launcher, LaunchFailed, Pool
from openclaw_core import logs
from openclaw_core.errors import StoreFull, StoreUnavailable
from openclaw_core.records import readable
from openclaw_core.store import Pools
from openclaw_core.store.pools import template_of

log = logs.get(__name__)
LOOK_S = 3.0
"""Between looks at the templates."""
KEEP_S = 1.0
"""Between looks at the pools, if nothing is heard of them."""
HURRY_S = 0.2
"""The same while more agents are wanted than may start at a time, or none comes up."""


@dataclass(kw_only=True)
class Fleet:
    """*pool_of* gives the pool of a template and its pod, *keeper_of_pool* a keeper with no agents yet."""

    templates: Iterable[str]
    launcher: Launcher
    pools: Pools
    epoch: int
    warm: int
    cap: int
    pool_of: Callable[[str, Mapping[str, Any]], Pool]
    keeper_of_pool: Callable[[Pool, int, int], PoolKeeper]
    on_fallback: Callable[[str, bool], None] = lambda _template, _in_use: None
    """Told whether a template's last good version stands in for the one of today."""
    clock: Callable[[], float] = time.monotonic
    _current: dict[str, PoolKeeper] = field(default_factory=dict)
    _trial: dict[str, PoolKeeper] = field(default_factory=dict)
    _fallbacks: set[str] = field(default_factory=set)
    """Templates whose last good version stands in for the one of today."""
    _unseen: dict[str, Unseen] = field(default_factory=dict)
    """By pool that is no more."""

    def current(self, template: str) -> str:
        """The id of the pool that new tasks of *template* go to."""
        return self._current[template].pool.id

    def successor(self, pool_id: str) -> str:
        """Where the tasks of a pool go when their agent is lost: the pool in use of the same template."""
        template = template_of(pool_id)
        return self.current(template) if template in self._current else pool_id

    def keeper(self, pool_id: str) -> PoolKeeper | None:
        """Whoever keeps that pool, in use or on trial."""
        for keeper in (*self._current.values(), *self._trial.values()):
            if keeper.pool.id == pool_id:
                return keeper
        return None

    def keepers(self) -> list[PoolKeeper]:
        """Those in use, one for each template."""
        return list(self._current.values())

    async def open(self) -> None:
        """Find each template's pool, before anything is dispatched. Raises LostOwnership, StoreUnavailable, StoreFull."""
        for template in self.templates:
            await self.look(template)
            await self._gather(template)

    async def keep_forever(self, *, nudge: asyncio.Event, turned: Callable[[], None]) -> None:
        """Keep every pool until cancelled. Raises LostOwnership."""
        looked_at_queue = 0.0
        while True:
            turned()
            nudge.clear()
            try:
                for keeper in (*self._current.values(), *self._trial.values()):
                    await keeper.keep()
                if self.clock() - looked_at_queue >= 1:
                    looked_at_queue = self.clock()
                    for keeper in self.keepers():
                        await keeper.tell_waiting()
            except (StoreUnavailable, StoreFull):
                await asyncio.sleep(1)
                continue
            try:
                hurry = any(keeper.hurries for keeper in (*self._current.values(), *self._trial.values()))
                async with asyncio.timeout(HURRY_S if hurry else KEEP_S):
                    await nudge.wait()
            except TimeoutError:
                pass

    async def look_forever(self, *, turned: Callable[[], None]) -> None:
        """Follow the templates until cancelled. Raises LostOwnership."""
        while True:
            turned()
            await asyncio.sleep(LOOK_S if not self._trial else HURRY_S * 2)
            try:
                await self.open()
            except (StoreUnavailable, StoreFull):
                continue

    async def look(self, template: str) -> None:
        """One look at a template: a pool for it, a trial if it has changed, the end of a trial that worked."""
        good = await self._good(template)
        try:
            pool = self.pool_of(template, await self.launcher.pod(template))
        except LaunchFailed as exc:
            if template not in self._current:
                log.error("template.unreadable", template=template, cause=exc.cause.value, last_good=good is not None)
                # Without a pod there is nothing to start: its keeper finds that out, and tells those who wait.
                self._use(Pool.from_json(template, good) if good else Pool(template=template, hash8="0" * 8))
                self._fall_back(template, good is not None)
            return
        in_use = self._current.get(template)
        if in_use is None and good is not None:
            in_use = self._use(Pool.from_json(template, good))
        if in_use is None or (in_use.pool.id != pool.id and good is None):
            self._use(pool)  # nothing has worked yet that could stand in for it
        elif in_use.pool.id == pool.id:
            await self._end_trial(template)
            self._fall_back(template, False)
        elif template not in self._trial or self._trial[template].pool.id != pool.id:
            await self._try(template, pool)
        elif await self._is_up(pool):
            log.info("template.accepted", template=template, pool=pool.id)
            del self._trial[template]
            self._fall_back(template, False)
            self._use(pool)
        if self.launcher.tries_templates:
            await self._remember(template, good)

    async def _good(self, template: str) -> str | None:
        """The last good version, if one is kept that can be read."""
        good = await self.pools.good_template(template) if self.launcher.tries_templates else None
        return (
            good
            if good is None or readable([good], lambda raw: Pool.from_json(template, raw), of="templates")
            else None
        )

    async def _try(self, template: str, pool: Pool) -> None:
        await self._end_trial(template)
        keeper = self._trial[template] = self.keeper_of_pool(pool, 1, self.cap)
        keeper.at_most = 1
        self._fall_back(template, True)
        log.warning(
            "template.on_trial", template=template, pool=pool.id, in_use=self.current(template),
            hint="one agent tries the changed PodTemplate; until it has come up, the last good one stays in use",
        )  # fmt: skip

    async def _end_trial(self, template: str) -> None:
        keeper = self._trial.pop(template, None)
        if keeper is not None:
            log.info("template.trial_ended", template=template, pool=keeper.pool.id)
            await self._dismiss(keeper.pool.id)

    def _fall_back(self, template: str, in_use: bool) -> None:
        if in_use != (template in self._fallbacks):
            (self._fallbacks.add if in_use else self._fallbacks.discard)(template)
            self.on_fallback(template, in_use)

    def _use(self, pool: Pool) -> PoolKeeper:
        """Make it the template's pool."""
        keeper = self._current[pool.template] = self.keeper_of_pool(pool, self.warm, self.cap)
        return keeper

    async def _gather(self, template: str) -> None:
        """Tasks that wait in other pools of the template move to the one in use, and agents that wait there go.

        After each look, not only after one that chose another pool: Redis may go away half-way.
        """
        in_use = self.current(template)
        on_trial = {keeper.pool.id for name, keeper in self._trial.items() if name == template}
        there = await self.pools.ids()
        self._unseen = {pool_id: unseen for pool_id, unseen in self._unseen.items() if pool_id in there}
        for other in there:
            if template_of(other) == template and other not in {in_use} | on_trial:
                await self.pools.move_ready(other, in_use, epoch=self.epoch)
                await self._dismiss(other)

    async def _dismiss(self, pool_id: str) -> None:
        """Agents of a pool that is no more: those that wait go, those that answer finish; what is gone is forgotten."""
        alive, jobs = await self.launcher.alive(), await self.pools.jobs(pool_id)
        unseen = self._unseen.setdefault(pool_id, Unseen()).for_long(jobs, alive, self.clock())
        left, going = await self.pools.left(unseen), []
        for name, job in jobs.items():
            gone = name not in alive
            leaving = job.state == "retired" and gone
            if job.state != "claimed" and not leaving and await self.pools.retire(pool_id, name):
                going.append(self.launcher.delete(name))
            if name in left or (gone and job.state in ("created", "retired")):
                await self.pools.forget(pool_id, name)
        await asyncio.gather(*going)  # side by side: each may take seconds where the API server is away

    async def _is_up(self, pool: Pool) -> bool:
        return any(job.has_checked_in for job in (await self.pools.jobs(pool.id)).values())

    async def _remember(self, template: str, good: str | None) -> None:
        pool = self._current[template].pool
        if pool.pod and pool.to_json() != good and await self._is_up(pool):
            await self.pools.keep_good_template(template, pool.to_json())
