"""A task by itself over a real store and the real delivery: what its chat sees, and what stands in Redis then."""

import asyncio
import secrets
from dataclasses import dataclass, field

import pytest

from openclaw_agent.alone.runner import do_alone
from openclaw_agent.alone.work import AloneDisplays, AloneWork
from openclaw_core.chat.delivery.dispatcher import Dispatcher
from openclaw_core.errors import ChatUnauthorized
from openclaw_core.store import AloneTasks, Lanes, RedisDisplays, Script
from openclaw_core.tasks.outcome import Exit
from tests.agent.harness import AgentHarness, task
from tests.fakes.messenger import FakeMessenger
from tests.fakes.work import ORDER
from tests.waiting import until

LONELY = task(1, "lonely question")


@dataclass
class Start:
    script: Script
    messenger: FakeMessenger
    harness: AgentHarness = field(default_factory=AgentHarness)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> Exit:
        start = secrets.token_hex(8)
        displays = AloneDisplays(stored=RedisDisplays(self.script, alone=start), task_id=LONELY.id)
        displays.deliverer = deliverer = Dispatcher(displays=displays, messenger=self.messenger, cautious=False)
        self.harness.answerer.work = work = AloneWork(records=AloneTasks(self.script, start=start), displays=displays)
        async with asyncio.timeout(60):
            return await do_alone(LONELY, ORDER, work, self.harness.answerer, deliverer, self.stop)

    async def state(self) -> list[str | None]:
        [row] = await Lanes(self.script).fields(["u1"], "state", "delivery")
        return [row["state"], row["delivery"]]


@pytest.fixture
def start(script: Script) -> Start:
    return Start(script, FakeMessenger())


async def test_its_answer_stands_in_one_message(start: Start) -> None:
    assert await start.run() is Exit.DONE

    assert start.messenger.texts == ["The whole answer."]
    assert list(start.messenger.buttons.values()) == [[]]
    assert await start.state() == ["closed", "delivered"]
    said = [(turn.speaker, turn.text) for turn in await Lanes(start.script).history(1)]
    assert said == [("user", "lonely question"), ("assistant", "The whole answer.")]


async def test_a_repeat_is_harmless(start: Start) -> None:
    await start.run()
    again = Start(start.script, start.messenger)

    assert await again.run() is Exit.DONE
    assert (again.harness.chat.calls, start.messenger.texts) == ([], ["The whole answer."])


async def test_a_failure_is_told(start: Start) -> None:
    start.harness.chat.script = [ChatUnauthorized("401")]

    assert await start.run() is Exit.MISCONFIGURED
    [text] = start.messenger.texts
    assert text.startswith("⚠️")
    assert await start.state() == ["failed", "delivered"]


async def test_an_interrupted_task_leaves_its_record_to_a_repeat(start: Start) -> None:
    start.harness.chat.goes_on.clear()
    running = asyncio.create_task(start.run())
    await until(lambda: start.messenger.texts)
    start.stop.set()

    assert await running is Exit.TRY_AGAIN
    assert (await start.state())[0] == "running"
    assert (await RedisDisplays(start.script, alone="another").read("t:u1")) is not None


async def test_of_two_starts_at_the_same_time_one_answers(start: Start) -> None:
    start.harness.chat.goes_on.clear()
    older = asyncio.create_task(start.run())
    await until(lambda: start.messenger.texts)
    newer = Start(start.script, start.messenger)

    assert await newer.run() is Exit.DONE
    assert await older is Exit.DONE
    start.harness.chat.goes_on.set()
    assert start.messenger.texts == ["The whole answer."]
    assert await start.state() == ["closed", "delivered"]
    assert len(await Lanes(start.script).history(1)) == 2


@pytest.mark.parametrize("says", [[], [ChatUnauthorized("401")]], ids=["an answer", "a failure"])
async def test_what_was_recorded_and_not_shown_is_shown_by_a_repeat(start: Start, says: list[Exception]) -> None:
    start.harness.chat.script = list(says) or start.harness.chat.script
    start.messenger.sends_land.clear()
    first = asyncio.create_task(start.run())
    while (await start.state())[1] != "pending":
        await asyncio.sleep(0.01)
    start.stop.set()
    start.messenger.sends_land.set()
    assert await first in (Exit.DONE, Exit.TRY_AGAIN, Exit.MISCONFIGURED)
    again = Start(start.script, start.messenger)

    assert await again.run() is Exit.DONE
    assert again.harness.chat.calls == []
    assert (await start.state())[1] == "delivered"
    assert len(start.messenger.texts) == 1
