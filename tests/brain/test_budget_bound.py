"""The bound of a budget: messages at once at the limit, answered by agents that use all they may, pass it by less than one call of a model."""

import asyncio
from dataclasses import replace

import pytest

from openclaw_core.budgets.estimates import role_estimate
from openclaw_core.budgets.values import Spend, ToolPrices, Unit
from openclaw_core.store import Script
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.task import Attachment, Task
from openclaw_core.tasks.work import Answered, Run
from tests.brain.test_budgets import Bot, a_question, leading, limit
from tests.shipped import ROLES

RESEARCHER = ROLES.roles["researcher"]
STEP = role_estimate(replace(RESEARCHER, max_steps=1), ROLES.models, ToolPrices())
"""The most that one call of its models takes."""


def to_the_researcher(n: int) -> Task:
    return replace(a_question(n, chat=n), role="researcher")


def all_it_may(run: Run) -> RunUsage:
    """What an agent takes that uses each of its steps at its most, of the dearest model."""
    assert run.snapshot is not None
    dearest = max(RESEARCHER.models, key=lambda name: ROLES.models[name].output_usd_per_mtok or 0)
    steps, answer = run.snapshot.max_steps, run.snapshot.max_answer_tokens
    return RunUsage(model=dearest, prompt_tokens=steps * (STEP.tokens - answer), answer_tokens=steps * answer)


async def claimed(bot: Bot) -> Run:
    async with asyncio.timeout(20):
        while (run := await bot.world.agent.claim()) is None:
            await asyncio.sleep(0.02)
    return run


@pytest.mark.parametrize(("room", "steps"), [(0.01, 1), (1.9, 1), (2.1, 2), (5.0, 5), (100.0, RESEARCHER.max_steps)])
@pytest.mark.parametrize("unit", Unit)
async def test_an_answer_gets_as_many_steps_as_fit_below_its_limit(
    script: Script, room: float, steps: int, unit: Unit
) -> None:
    each = STEP.tokens if unit is Unit.TOKENS else STEP.micro_usd
    async with leading(script, limit(int(room * each), unit=unit)) as bot:
        await bot.ask(to_the_researcher(1))
        run = await claimed(bot)
    assert run.snapshot is not None
    assert run.snapshot.max_steps == steps
    assert run.snapshot.functions == RESEARCHER.functions, "its messages are those of other chats"


async def test_a_document_can_be_read_also_with_nearly_nothing_left(script: Script) -> None:
    document = Attachment(kind="document", file_id="f", name="a.pdf", size_bytes=9)
    async with leading(script, limit(10)) as bot:
        await bot.ask(replace(a_question(1), role="summarizer", attachments=(document,)))
        run = await claimed(bot)
    assert run.snapshot is not None
    assert run.snapshot.max_steps == 2


@pytest.mark.parametrize("calls", [0.5, 1.3, 6.9, 7.3, 12.5])
async def test_twenty_messages_at_once_at_the_limit_overspend_by_less_than_one_call(
    script: Script, calls: float
) -> None:
    allowed = int(calls * STEP.tokens)
    tasks = [to_the_researcher(n) for n in range(1, 21)]
    async with leading(script, limit(allowed)) as bot:
        for one in tasks:
            await bot.ask(one)
        agents = [bot.world.work(f"job-{n}") for n in range(20)]
        async with asyncio.timeout(60):
            while "queued" in {await bot.world.state(one) for one in tasks} or await bot.world.lanes.released():
                at_work = [(agent, run) for agent in agents[:5] if (run := await agent.claim())]
                for agent, run in at_work:
                    assert await agent.end(run, Answered(markdown="42", usage=all_it_may(run)))
                await bot.world.hear()
                await asyncio.sleep(0.02)
        spent: Spend = await bot.spent()
        assert {await bot.world.state(one) for one in tasks} == {"answered", "failed"}
    assert allowed <= spent.tokens < allowed + STEP.tokens
