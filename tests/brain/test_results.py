"""What agents write is heard: text reaches delivery, results are carried out, and a task that grows gets one record."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from openclaw_brain.agents.results import ResultReader
from openclaw_brain.loops import Loop
from openclaw_core.chat.delivery.displays import Change, Stage
from openclaw_core.errors import LostOwnership, StoreFault, StoreFull, StoreUnavailable
from openclaw_core.store import News, Script
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import to_json
from openclaw_core.tasks.timings import Part, Timing
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack, Run
from tests.core.store_world import USAGE, World, task
from tests.waiting import until


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
            await self.world.script.read("HSET", key, "not_before_ms", await _now_ms(self.world.script) + hold_ms)


async def _now_ms(script: Script) -> int:
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


async def test_what_an_agent_has_measured_is_told_once_also_of_a_failed_run(scene: Scene) -> None:
    told: list[object] = []
    scene.reader.on_timings = told.append
    timings = (Timing(part=Part.MODEL, at_ms=0, ms=5, of="m", fault="model_busy"),)
    async with scene.reads():
        run = await scene.claimed()
        await scene.world.agent.end(run, GaveUp(cause=Cause.MODEL_BUSY, timings=timings))
        await until(becomes(scene, 1, "failed"))
        await until(lambda: told)
    assert told == [timings]


async def test_a_claim_and_each_text_reach_delivery(scene: Scene) -> None:
    async with scene.reads():
        run = await scene.claimed()
        await until(becomes(scene, 1, "running"))
        await until(lambda: scene.versions == {"t:u1": 1})
        [display] = await scene.world.displays.changed(0)
        assert (display.id, display.stage) == ("t:u1", Stage.GROWING)
        assert await scene.world.agent.write(run, "Four")
        await until(lambda: scene.grew == ["t:u1"])
        assert scene.redis.asked.count("adopt") == 1, "nothing is carried out for a text"
        assert await scene.world.state(task(1)) == "running"
        await scene.world.lanes.reconcile(epoch=scene.world.epoch)
        assert await scene.world.state(task(1)) == "preview"
        assert (await scene.world.displays.growing("t:u1")).text == "Four"
        assert await scene.world.agent.write(run, "Four.")
        await until(lambda: scene.grew == ["t:u1"] * 2)


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (Answered(markdown="Four.", usage=USAGE), "answered"),
        (GaveUp(cause=Cause.MODEL_DOWN), "failed"),
        (HandedBack(), "ready"),
        (PutBack(), "ready"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_result_is_carried_out_once_and_said(scene: Scene, result: Any, state: str) -> None:
    async with scene.reads():
        run = await scene.claimed()
        assert await scene.world.agent.end(run, result)
        await until(becomes(scene, 1, state))
        news = scene.world.script.keys("agent", "news")
        heard = scene.redis.asked.count("adopt")
        await scene.world.script.read("RPUSH", news, run.name)  # heard twice
        await until(lambda: scene.redis.asked.count("adopt") > heard)
    assert await scene.world.state(task(1)) == state
    said = ["hello", "Four."] if state == "answered" else ["hello"]
    assert [text for _, text in await scene.world.history()] == said


async def test_the_job_of_a_run_is_named_also_where_its_end_is_the_first_news(scene: Scene) -> None:
    first = await scene.claimed()
    async with scene.reads():
        await until(lambda: scene.claims)
    assert await scene.world.agent.end(first, Answered(markdown="Four.", usage=USAGE))
    second = await scene.claimed(2, chat=2)
    assert await scene.world.agent.end(second, Answered(markdown="Five.", usage=USAGE))
    async with scene.reads():
        await until(becomes(scene, 2, "answered"))
    assert set(scene.claims) == {(scene.world.agent.job, f"u{n}", "coder") for n in (1, 2)}


async def test_news_of_many_runs_are_heard_together_and_of_one_run_once(scene: Scene) -> None:
    runs = [await scene.claimed(n, chat=n) for n in range(1, 6)]
    for run in runs:
        assert await scene.world.agent.write(run, "Fo")
        assert await scene.world.agent.write(run, "Four")
    async with scene.reads():
        await until(lambda: scene.grew)
    assert scene.redis.asked.count("adopt") == 5
    assert sorted(scene.grew) == [f"t:u{n}" for n in range(1, 6)], "one hint for two texts"


async def test_what_was_heard_of_a_run_that_is_nobodys_any_more_changes_nothing(scene: Scene) -> None:
    run = await scene.claimed()
    assert await scene.world.agent.end(run, Answered(markdown="Four.", usage=USAGE))
    await scene.world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})  # too late: the result is there
    async with scene.reads():
        await until(becomes(scene, 1, "answered"))
        for name in ("u1.00", "u9.11", "garbage", "", "*", "u1", "." * 99):
            await scene.world.script.read("RPUSH", scene.world.script.keys("agent", "news"), name)
        await scene.claimed(2)
        await until(lambda: "t:u2" in scene.versions)
    assert scene.versions.keys() == {"t:u1", "t:u2"}
    assert scene.grew == []


# ---- tasks that grow


async def test_a_task_that_grows_gets_one_record_once_no_more_may_come(scene: Scene) -> None:
    run = await scene.claimed()
    async with scene.reads():
        await scene.more(run, "and this", hold_ms=60_000)
        assert not await scene.world.agent.write(run, "Four")
        await until(lambda: scene.redis.asked.count("regrow") > 2)
        assert await scene.world.agent.grown(run) is None, "more may come"
        await scene.more(run, "and that one too")
        assert not await scene.world.agent.write(run, "Four")  # it asks once more meanwhile
        await scene.world.script.read("HDEL", scene.world.script.keys("task", "u1"), "not_before_ms")
        await until(lambda: _grown(scene, run))
        whole = await scene.world.agent.grown(run)
        assert whole is not None
        assert whole.task.text == "hello\nand this\nand that one too"
        assert await scene.world.agent.write(whole, "Four")
        asked = scene.redis.asked.count("regrow")
        await asyncio.sleep(0.2)
        assert scene.redis.asked.count("regrow") == asked, "nobody goes on asking"
    assert await scene.world.history() == [("user", "hello\nand this\nand that one too")]


async def _grown(scene: Scene, run: Run) -> bool:
    return await scene.world.agent.grown(run) is not None


async def test_an_answer_that_came_before_what_was_sent_with_it_is_asked_for_again(scene: Scene) -> None:
    run = await scene.claimed()
    async with scene.reads():
        await scene.more(run, "and this")
        assert not await scene.world.agent.end(run, Answered(markdown="Four.", usage=USAGE))
        await until(lambda: _grown(scene, run))
        assert await scene.world.agent.end(run, Answered(markdown="Five.", usage=USAGE))
        await until(becomes(scene, 1, "answered"))
    assert [text for _, text in await scene.world.history()] == ["hello\nand this", "Five."]


async def test_a_task_that_is_stopped_while_it_grows_is_let_go(scene: Scene) -> None:
    run = await scene.claimed()
    async with scene.reads():
        await scene.more(run, "and this", hold_ms=60_000)
        assert not await scene.world.agent.write(run, "Four")
        await until(lambda: "regrow" in scene.redis.asked)
        await scene.world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
        await until(lambda: not scene.reader._growing)
    assert await scene.world.state(task(1)) == "cancelled"


async def test_a_task_with_a_part_that_nobody_can_read_fails_and_holds_up_no_other(scene: Scene) -> None:
    bad, good = await scene.claimed(1), await scene.claimed(2, chat=2)
    key = scene.world.script.keys("task", "u1")
    async with scene.reads():
        await scene.more(bad, "and this")
        await scene.world.script.read("HSET", key, "more1", "garbage")
        await scene.more(good, "and this")
        assert not await scene.world.agent.write(bad, "Four")
        assert not await scene.world.agent.write(good, "Four")
        await until(lambda: _grown(scene, good))
        await until(becomes(scene, 1, "failed"))
    assert await scene.world.field("u1", "cause") == "bad_task"
    with pytest.raises(LostOwnership):
        await scene.world.agent.check(bad)


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), StoreFull("full"), StoreFault("refused")])
async def test_a_task_that_cannot_be_read_is_failed_also_if_redis_is_away_just_then(
    scene: Scene, fault: Exception
) -> None:
    run = await scene.claimed()
    scene.redis.fails["fail_task"] = [fault] * 3
    async with scene.reads():
        await scene.more(run, "and this")
        await scene.world.script.read("HSET", scene.world.script.keys("task", "u1"), "more1", "garbage")
        assert not await scene.world.agent.write(run, "Four")
        await until(becomes(scene, 1, "failed"))
    assert scene.redis.fails["fail_task"] == []


# ---- Redis


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), StoreFull("full"), StoreFault("refused")])
@pytest.mark.parametrize("step", ["news", "adopt", "regrow"])
async def test_what_was_said_while_redis_failed_is_heard_when_it_is_back(
    scene: Scene, step: str, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    run = await scene.claimed()
    scene.redis.fails[step] = [fault] * 3
    async with scene.reads():
        await scene.more(run, "and this")
        assert not await scene.world.agent.write(run, "Four")
        await until(lambda: _reconciled(scene, run))
        assert await scene.world.agent.end(run, Answered(markdown="Five.", usage=USAGE))
        await until(lambda: _answered(scene))
    assert scene.redis.fails[step] == []
    assert [text for _, text in await scene.world.history()] == ["hello\nand this", "Five."]


async def _reconciled(scene: Scene, run: Run) -> bool:
    """The leader's other loop repairs each second what was lost; the agent asks again by itself."""
    await scene.world.lanes.reconcile(epoch=scene.world.epoch)
    await scene.world.agent.write(run, "Four")
    return await _grown(scene, run)


async def _answered(scene: Scene) -> bool:
    await scene.world.lanes.reconcile(epoch=scene.world.epoch)
    return await scene.world.state(task(1)) == "answered"


async def test_a_list_of_news_that_is_none_costs_few_lines_of_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    key, sleeps = scene.world.script.keys("agent", "news"), 0

    async def counted(seconds: float) -> None:
        nonlocal sleeps
        sleeps += 1
        assert seconds >= 0.1
        await asyncio.sleep(0.05)

    scene.sleep = counted
    await scene.world.script.read("SET", key, "x")
    with caplog.at_level(logging.ERROR):
        async with scene.reads():
            await until(lambda: sleeps > 3)
            await scene.world.lanes.reconcile(epoch=scene.world.epoch)
            run = await scene.claimed()
            await until(becomes(scene, 1, "running"))
            assert await scene.world.agent.end(run, GaveUp(cause=Cause.MODEL_DOWN))
            await until(becomes(scene, 1, "failed"))
    assert sum(line.getMessage() == "news.not_read" for line in caplog.records) <= sleeps


async def test_the_loop_turns_while_nothing_is_said_and_while_redis_is_away(scene: Scene) -> None:
    async with scene.reads():
        await until(lambda: scene.beats > 3)
        scene.redis.fails["news"] = [StoreUnavailable("away")] * 5
        before = scene.beats
        await until(lambda: not scene.redis.fails["news"])
        await until(lambda: scene.beats > before + 5)


async def test_who_leads_no_more_hears_nothing_and_says_so(scene: Scene) -> None:
    run = await scene.claimed()
    assert await scene.world.agent.end(run, Answered(markdown="Four.", usage=USAGE))
    await scene.world.leadership.give_up_lead("me")
    old, scene.world.epoch = scene.world.epoch, await scene.world.leadership.take_lead("another", ttl_s=8)
    assert old != scene.world.epoch
    with pytest.raises(ExceptionGroup) as lost:
        async with asyncio.timeout(20):
            await scene.reader.run(Loop())
    assert lost.group_contains(LostOwnership)
    assert await scene.world.state(task(1)) == "ready", "what it took from the list is found by the next one"
    assert (scene.grew, scene.ends) == ([], 0)
    await scene.world.lanes.reconcile(epoch=scene.world.epoch)
    await scene.world.hear()
    assert await scene.world.state(task(1)) == "answered"
