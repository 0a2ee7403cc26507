"""The runs of a pool as an agent meets them: one suite for the fake and for Redis, so that they cannot drift."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from openclaw_core.errors import LostOwnership
from openclaw_core.store import AgentWork, RedisSettings, Script, open_script
from openclaw_core.store.packing import packed
from openclaw_core.store.turns import turn_json
from openclaw_core.tasks.conversation import Turn
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.task import Task, snapshot_digest, snapshot_json, to_json
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack, Result, Run, Work
from tests.agent.harness import task
from tests.fakes.work import ORDER, FakeWork

ANSWER = Answered(markdown="Four.", usage=RunUsage(model="m"))
BEFORE = Turn(task_id="u0", speaker="user", text="hi")
WHOLE = task(1, "hello, and more")


class Brain(Protocol):
    """The other side of the runs."""

    @property
    def work(self) -> Work: ...

    async def hand_over(self, one: Task) -> None: ...
    async def take_away(self, run: Run) -> None: ...
    async def lead_at(self, run: Run, address: str) -> None: ...
    async def send_more(self, run: Run) -> None: ...
    async def join(self, run: Run) -> None: ...
    async def text(self, run: Run) -> str: ...
    async def job(self) -> str: ...


@dataclass
class InMemory:
    work: FakeWork

    async def hand_over(self, one: Task) -> None:
        self.work.hand_over(one, history=(BEFORE,))
        self.work.address = "http://brain"

    async def take_away(self, run: Run) -> None:
        self.work.take_away(run.task.id)

    async def lead_at(self, run: Run, address: str) -> None:
        self.work.address = address

    async def send_more(self, run: Run) -> None:
        self.work.send_more(WHOLE, all_sent=False)

    async def join(self, run: Run) -> None:
        self.work.send_more(WHOLE)

    async def text(self, run: Run) -> str:
        return (self.work.texts.get(run.task.id) or [""])[-1]

    async def job(self) -> str:
        return self.work.job


@dataclass
class InRedis:
    """Rows as the leader writes them, by hand: its own steps have their tests."""

    work: AgentWork
    leader: Script
    _secrets: int = 0

    async def _do(self, command: str, *key: str, args: tuple[object, ...] = ()) -> object:
        return await self.leader.read(command, self.leader.keys("agent", *key), *args)

    async def hand_over(self, one: Task) -> None:
        self._secrets += 1
        name, order = f"{one.id}.{self._secrets:032x}", snapshot_json(ORDER)
        await self._do("SET", "order", snapshot_digest(order), "z", args=(packed(order),))
        fields = ("record", to_json(one), "order", snapshot_digest(order), "attempt", 1, "files_at", "http://brain")
        await self._do("HSET", "run", name, args=(*fields, "turns", json.dumps([turn_json(BEFORE)])))
        await self._do("RPUSH", "ready", "p", args=(name,))

    async def take_away(self, run: Run) -> None:
        await self._do("DEL", "run", run.name)

    async def lead_at(self, run: Run, address: str) -> None:
        await self._do("HSET", "run", run.name, args=("files_at", address))

    async def send_more(self, run: Run) -> None:
        await self._do("HSET", "run", run.name, args=("more", 1))

    async def join(self, run: Run) -> None:
        await self._do("HSET", "run", run.name, args=("record", to_json(WHOLE)))
        await self._do("HDEL", "run", run.name, args=("more", "asks"))

    async def text(self, run: Run) -> str:
        return str(await self._do("HGET", "run", run.name, args=("text",)) or "")

    async def job(self) -> str:
        return str(await self._do("HGET", "jobs", "p", args=("job-1",)) or "created").split()[0]


@pytest.fixture(params=["memory", "redis"])
async def brain(request: pytest.FixtureRequest, redis_url: str, bot_id: int, script: Script) -> AsyncIterator[Brain]:
    if request.param == "memory":
        yield InMemory(FakeWork())
        return
    await script.step("reconcile", epoch=0)  # a leader's first step loads the scripts
    async with open_script(RedisSettings(url=redis_url, timeout_s=30), bot_id=bot_id, rights="agent") as agents:
        yield InRedis(AgentWork(agents, pool="p", job="job-1"), script)


async def claimed(brain: Brain, *, last: bool = False) -> Run:
    await brain.hand_over(task(1))
    run = await brain.work.claim(last=last)
    assert run is not None
    return run


async def test_a_claim_gives_the_run_with_all_that_an_answer_needs(brain: Brain) -> None:
    assert await brain.work.claim() is None
    run = await claimed(brain, last=True)

    assert (run.task, run.snapshot, run.history) == (task(1), ORDER, (BEFORE,))
    assert (run.attempt, run.last) == (1, True)
    assert run.name.startswith("u1.")
    assert run.name not in repr(run)
    assert await brain.work.claim() is None


async def test_the_address_of_files_is_that_of_who_leads_now(brain: Brain) -> None:
    run = await claimed(brain)
    assert await brain.work.files_at(run) == "http://brain"
    await brain.lead_at(run, "http://another")
    assert await brain.work.files_at(run) == "http://another"


async def test_a_job_waits_claims_and_retires(brain: Brain) -> None:
    assert await brain.work.check_in()
    assert await brain.job() == "waiting"
    run = await claimed(brain)
    assert await brain.job() == "claimed"
    assert await brain.work.end(run, ANSWER)
    assert await brain.job() == "waiting"
    await brain.work.retire()
    assert not await brain.work.check_in()
    with pytest.raises(LostOwnership):
        await brain.work.claim()


async def test_the_last_run_of_a_job_retires_it_and_one_that_cannot_be_done_makes_it_new(brain: Brain) -> None:
    assert await brain.work.end(await claimed(brain), PutBack())
    assert await brain.job() == "created"
    assert await brain.work.end(await claimed(brain, last=True), ANSWER)
    assert await brain.job() == "retired"


async def test_each_write_holds_the_whole_text(brain: Brain) -> None:
    run = await claimed(brain)
    for text in ("שלום", "שלום world", "anew", "anew 🙂"):
        assert await brain.work.write(run, text)
        assert await brain.text(run) == text


@pytest.mark.parametrize("result", [ANSWER, GaveUp(cause=Cause.MODEL_KEY), HandedBack(), PutBack()])
async def test_a_run_that_has_ended_takes_nothing_more(brain: Brain, result: Result) -> None:
    run = await claimed(brain)
    assert await brain.work.end(run, result)
    await refused(brain, run)


async def test_a_run_that_was_taken_away_takes_nothing_more(brain: Brain) -> None:
    run = await claimed(brain)
    await brain.work.renew(run)
    await brain.work.check(run)
    await brain.take_away(run)
    for look in (brain.work.check(run), brain.work.files_at(run)):
        with pytest.raises(LostOwnership):
            await look
    await refused(brain, run)


async def refused(brain: Brain, run: Run) -> None:
    for step in (
        brain.work.renew(run),
        brain.work.write(run, "more"),
        brain.work.grown(run),
        brain.work.amend(run, "said"),
        brain.work.end(run, ANSWER),
    ):
        with pytest.raises(LostOwnership):
            await step


async def test_a_task_that_has_grown_is_neither_written_nor_answered_before_all_of_it_is_there(brain: Brain) -> None:
    run = await claimed(brain)
    await brain.send_more(run)
    assert not await brain.work.write(run, "early")
    assert not await brain.work.end(run, ANSWER)
    assert await brain.work.grown(run) is None
    await brain.join(run)
    whole = await brain.work.grown(run)

    assert whole == replace(run, task=WHOLE)
    assert await brain.text(run) == ""
    assert await brain.work.write(whole, "Now.")
    assert await brain.work.end(whole, ANSWER)


async def test_a_task_that_has_grown_can_be_given_up(brain: Brain) -> None:
    run = await claimed(brain)
    await brain.send_more(run)
    assert await brain.work.end(run, GaveUp(cause=Cause.DEADLINE))
