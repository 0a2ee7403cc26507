"""A task with tools over the real store: its agent is killed after a step, another one goes on, and the run record has all of it."""

import asyncio
import json
from dataclasses import replace

from openclaw_agent.answering import RunAnswerer
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import GROQ, ModelServer
from openclaw_core.store import AgentWork, Script
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import Doing, Status
from openclaw_standin.model import ScriptedModel
from tests.agent.harness import FakeFiles
from tests.agent.steps.probe import Probe, hangs_once
from tests.core.store_world import ORDER, World, task
from tests.waiting import until

SNAPSHOT = replace(ORDER, models=("openai/gpt-oss-120b",), functions=("look",), results_tokens=8000)


async def test_a_killed_agents_task_goes_on_in_another_and_is_recorded_whole(script: Script) -> None:
    world, hanging = World(script), asyncio.Event()
    await world.lead()
    one = task(1, text="Where is the lighthouse?")
    await world.ask(one)
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        one.with_snapshot(SNAPSHOT), pool="p", decision="rule", route_ms=1, route_tokens=0, parts=0, epoch=world.epoch
    )

    look = Probe(hangs_once(hanging))
    async with (
        ScriptedModel.open(first_token_s=0.0, tokens_per_s=4000, tokens=30, chunk_s=0.001) as model,
        ModelClient.at(ModelServer.of(GROQ, "key", model.url)) as chat,
    ):
        calls = [{"name": "look", "arguments": {"at": at}} for at in ("north", "south")]
        turns = [{"calls": [calls[0]]}, {"calls": [calls[1]]}, {"text": "North and south."}]
        model.scripts.add({"when": "lighthouse", "turns": turns})

        def agent(work: AgentWork) -> RunAnswerer:
            return RunAnswerer(
                work=work, chat=chat, transcriber=chat, files_of=lambda _: FakeFiles(), task_deadline_s=60,
                tools_of=lambda _: {"look": look},
            )  # fmt: skip

        run = await world.claim()
        killed = asyncio.create_task(agent(world.agent).answer(run))
        await hanging.wait()
        await until_status(world)
        killed.cancel()  # as SIGKILL: nothing is handed back
        await asyncio.gather(killed, return_exceptions=True)
        assert await world.pools.lost("u1", Cause.CRASH, job="job-1", epoch=world.epoch)

        second = world.work("job-2")
        again = await world.claim(second)
        assert [step.calls[0].arguments for step in again.steps] == ['{"at": "north"}']
        assert await agent(second).answer(again) is None
        assert [len([m for m in call.messages if m["role"] == "tool"]) for call in model.calls] == [0, 1, 1, 2]
    await world.hear()
    assert (await world.displays.answer("t:u1")).startswith("North and south.")
    await world.shown("t:u1")
    record = await world.runs.find("u1")
    assert record is not None
    usage = json.loads(record.run)
    assert (usage["calls"], record.attempt, record.lost) == (3, "2", "crash")
    assert [[call["tool"] for call in step["calls"]] for step in usage["steps"]] == [["look"], ["look"]]
    assert "north" not in record.run


async def until_status(world: World) -> None:
    """The chat could see what is done."""
    seen: list[Status | None] = []

    async def look() -> None:
        while not seen or seen[-1] != Status(doing=Doing.SEARCHING, subject="south"):
            seen.append((await world.displays.growing("t:u1")).status)
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    await until(looking.done)
    looking.result()


async def test_a_run_that_there_is_not_is_not_found(script: Script) -> None:
    world = World(script)
    await world.lead()
    run = await world.claimed(task(2))
    assert await world.runs.find("u2") is None
    await world.answered(run)
    await world.shown("t:u2")
    found = await world.runs.find("u2")
    assert found is not None
    assert found.state == "closed"
    assert await world.runs.find("u3") is None
