"""A leader that reads what agents write, with a Redis that can fail its calls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from openclaw_brain.agents.results import ResultReader
from openclaw_brain.loops import Loop
from openclaw_core.chat.delivery.displays import Change
from openclaw_core.store import News, Script
from openclaw_core.tasks.task import to_json
from openclaw_core.tasks.work import Run
from tests.core.store_world import World, task


class Flaky(Script):
    """A Redis that fails the next calls of a step, or of reading the news."""

    def __init__(self, real: Script) -> None:
        super().__init__(real.redis, real.keys, timeout_s=30)
        self.fails: dict[str, list[Exception]] = {}
        self.asked: list[str] = []

    def _called(self, name: str) -> None:
        self.asked.append(name)
        if self.fails.get(name):
            raise self.fails[name].pop(0)

    async def steps(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        for op, _ in calls:
            self._called(op)
        return await super().steps(calls)

    async def pop(self, key: str, *, at_most: int, timeout_s: float) -> list[str]:
        self._called("news")
        return await super().pop(key, at_most=at_most, timeout_s=min(timeout_s, 0.2))


@dataclass
class Scene:
    world: World
    reader: ResultReader
    grew: list[str] = field(default_factory=list)
    ends: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    claims: list[tuple[str, str, str]] = field(default_factory=list)
    beats: int = 0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def redis(self) -> Flaky:
        return cast("Flaky", self.world.script)

    def changed(self, changes: Mapping[str, Change]) -> None:
        self.versions.update({name: change.version for name, change in changes.items()})

    async def job_claimed(self, job: str, task_id: str, role: str) -> None:
        self.claims.append((job, task_id, role))

    def ended(self) -> None:
        self.ends += 1

    def heartbeat(self) -> None:
        self.beats += 1

    @asynccontextmanager
    async def reads(self) -> AsyncIterator["asyncio.Task[None]"]:
        reading = asyncio.create_task(self.reader.run(Loop(on_heartbeat=self.heartbeat, sleep=self.sleep)))
        try:
            yield reading
            assert not reading.done()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def claimed(self, n: int = 1, *, chat: int = 1) -> Run:
        """Claimed, and the leader has not heard of it."""
        await self.world.ready(task(n, chat=chat))
        run = await self.world.agent.claim()
        assert run is not None
        return run

    async def more(self, run: Run, words: str, *, hold_ms: int = 0) -> None:
        """One more message belongs to the run's task, and yet another one may for *hold_ms*."""
        part = task(900 + len(words), chat=run.task.chat_id, text=words)
        key = self.world.script.keys("task", run.task.id)
        n = await self.world.script.read("HINCRBY", key, "more_n", 1)
        await self.world.script.read("HSET", key, f"more{n}", to_json(part))
        await self.world.run_fields(run, more="1")
        if hold_ms:
            await self.world.script.read("HSET", key, "not_before_ms", await now_ms(self.world.script) + hold_ms)


async def now_ms(script: Script) -> int:
    seconds, micros = await script.read("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def quick(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.02))


@pytest.fixture
async def scene(script: Script) -> Scene:
    world = World(Flaky(script))
    await world.lead()
    scene = Scene(world, cast("ResultReader", None), sleep=quick)
    scene.reader = ResultReader(
        news=News(world.script), lanes=world.lanes, epoch=world.epoch, on_text=scene.grew.append, on_changed=scene.changed,
        on_claimed=scene.job_claimed, on_chat_free=scene.ended, sleep=quick,
    )  # fmt: skip
    return scene


def becomes(scene: Scene, n: int, *states: str) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return await scene.world.state(task(n)) in states

    return found


async def grown(scene: Scene, run: Run) -> bool:
    return await scene.world.agent.grown(run) is not None
