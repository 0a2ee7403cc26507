"""Budgets in the brain: a message over its limit reaches no model and no agent, others wait their turn, and /usage says what is left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw_brain.inbox.usage import usage_args
from openclaw_brain.loops import Loop
from openclaw_brain.queue.consumer import QueueConsumer
from openclaw_brain.queue.spending import TaskBudget
from openclaw_brain.settings import at_start
from openclaw_core.budgets.values import Budgets, Limit, Period, Scope, Spend, Unit
from openclaw_core.chat.delivery import content
from openclaw_core.errors import SettingsError
from openclaw_core.ports import ModelCall, Usage
from openclaw_core.store import Script
from openclaw_core.store.budgets import Spending, set_budgets
from openclaw_core.store.figures import set_prices
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Answered
from tests.core.store_world import World, task
from tests.shipped import ROLES

NOON_S = 1_795_953_600.0
"""29 November 2026, 12:00 UTC."""
TODAY = Budgets().calendar(NOON_S)
ANSWER = RunUsage(model="openai/gpt-oss-120b", prompt_tokens=1000, answer_tokens=100)
COST = Spend(tokens=1100, micro_usd=150 + 60)


def limit(amount: int, scope: Scope = Scope.USER, unit: Unit = Unit.TOKENS) -> Limit:
    return Limit(scope=scope, period=Period.DAY, unit=unit, amount=amount)


class Router:
    """A routing model that picks the Coder, and says what that took."""

    def __init__(self) -> None:
        self.asked = 0

    async def complete_json(self, call: ModelCall, *, schema: object, timeout_s: float) -> tuple[object, Usage]:
        self.asked += 1
        return {"role": "coder"}, Usage(prompt_tokens=300, answer_tokens=20)


class Bot:
    """A leader with budgets over a real store; its agent is the world's."""

    def __init__(self, world: World, budgets: Budgets) -> None:
        self.world, self.budgets, self.router = world, budgets, Router()
        self.spending = Spending(world.script, budgets)
        self.consumer: QueueConsumer
        self.expected: list[set[str]] = []
        """Each time agents are wanted: for which tasks that are being routed."""

    async def ask(self, one: Task) -> None:
        await self.world.ask(one)

    async def answer(self) -> None:
        """The agent takes the next task, and answers it."""
        async with asyncio.timeout(20):
            while (run := await self.world.agent.claim()) is None:
                await asyncio.sleep(0.02)
        await self.world.end(run, Answered(markdown="42", usage=ANSWER))

    async def ended(self, one: Task) -> str:
        async with asyncio.timeout(20):
            while (state := await self.world.state(one)) not in ("answered", "failed"):
                await asyncio.sleep(0.02)
        return str(state)

    async def spent(self, scope: Scope = Scope.USER) -> Spend:
        return (await self.spending.spent(TODAY, user_id=9, chat_id=1))[scope][Period.DAY]


@asynccontextmanager
async def leading(script: Script, *limits: Limit, cap: int = 20, wait_s: float = 900) -> AsyncIterator[Bot]:
    world = World(script)
    await world.lead()
    budgets = Budgets(limits=limits)
    await set_prices(script, ROLES.models, epoch=world.epoch)
    await set_budgets(script, budgets, epoch=world.epoch)
    bot = Bot(world, budgets)
    budget = TaskBudget(script=script, budgets=budgets, epoch=world.epoch, wait_s=wait_s, now_s=lambda: NOON_S)
    consumer = bot.consumer = QueueConsumer(
        lanes=world.lanes, roles=ROLES, chat=bot.router, classifier=None, pool_of=lambda _: "p", cap=cap, epoch=world.epoch, budget=budget,
    )  # fmt: skip
    looping = asyncio.create_task(
        consumer.forever(Loop(woken=asyncio.Event()), on_released=lambda: bot.expected.append(set(consumer.routing())))
    )
    try:
        yield bot
    finally:
        looping.cancel()
        await asyncio.gather(looping, return_exceptions=True)


def a_question(n: int, chat: int = 1) -> Task:
    """One that no rule decides."""
    return task(n, chat=chat, text="the red one or the other, what would you say")


async def test_a_message_at_its_limit_costs_no_model_call_and_its_chat_is_told_when_it_goes_on(script: Script) -> None:
    async with leading(script, limit(1000)) as bot:
        await bot.ask(a_question(1))
        await bot.answer()
        assert bot.router.asked == 1
        assert await bot.spent() == COST + Spend(tokens=320, micro_usd=round(300 * 0.075 + 20 * 0.30))

        await bot.ask(a_question(2))

        assert await bot.ended(a_question(2)) == "failed"
        assert bot.router.asked == 1
        assert await bot.world.pools.ready("p") == []
        display = await bot.world.opened("t:u2")
        [page] = content.of_failure_or_notice(display, ROLES).pages
        assert page.text == "⚠️ Your budget for today is used up. It goes on at 2026-11-30 00:00 UTC; try again then."


async def test_a_message_that_others_stand_before_goes_on_by_itself_when_they_have_ended(script: Script) -> None:
    async with leading(script, limit(2000)) as bot:
        for n in (1, 2):
            await bot.ask(replace(a_question(n, chat=n), role="coder"))
        await bot.answer()
        await bot.answer()
        assert [await bot.ended(a_question(n)) for n in (1, 2)] == ["answered"] * 2
        assert await bot.spent() == COST + COST


async def test_no_agent_is_started_for_a_task_that_waits_for_a_budget(script: Script) -> None:
    async with leading(script, limit(2000)) as bot:
        for n in (1, 2):
            await bot.ask(replace(a_question(n, chat=n), role="coder"))
        async with asyncio.timeout(20):
            while bot.consumer.routing() or not await bot.world.pools.ready("p"):
                await asyncio.sleep(0.02)
        assert {await bot.world.state(a_question(n)) for n in (1, 2)} == {"ready", "queued"}
        assert len(set.union(*bot.expected)) == 1, "nor is one wanted while it is asked whether it has to wait"


async def test_twenty_that_wait_for_a_budget_leave_room_for_the_tasks_of_others(script: Script) -> None:
    async with leading(script, limit(2000), cap=2) as bot:
        for n in range(1, 22):
            await bot.ask(replace(a_question(n, chat=n), role="coder"))
        other = replace(a_question(30, chat=30), role="coder", user_id=5)
        await bot.ask(other)
        async with asyncio.timeout(20):
            while await bot.world.state(other) != "ready":
                await asyncio.sleep(0.02)
        states = [await bot.world.state(a_question(n)) for n in range(1, 22)]
        assert sorted(map(str, states)) == ["queued"] * 20 + ["ready"]


async def test_what_waits_too_long_for_the_ends_of_others_fails(script: Script) -> None:
    async with leading(script, limit(2000), wait_s=0) as bot:
        for n in (1, 2):
            await bot.ask(replace(a_question(n, chat=n), role="coder"))
        async with asyncio.timeout(20):
            while "failed" not in {await bot.world.state(a_question(n)) for n in (1, 2)}:
                await asyncio.sleep(0.02)
        await bot.answer()
        assert {await bot.ended(a_question(n)) for n in (1, 2)} == {"answered", "failed"}
        assert "queue_deadline" in {await bot.world.field(f"u{n}", "cause") for n in (1, 2)}


async def test_without_limits_nothing_is_reserved_and_everything_is_counted(script: Script) -> None:
    async with leading(script) as bot:
        await bot.ask(replace(a_question(1), role="coder"))
        await bot.answer()
        assert await bot.world.field("u1", "reserved") is None
        for scope in Scope:
            assert await bot.spent(scope) == COST


async def test_usage_shows_what_a_user_and_a_chat_have_and_nobody_what_all_have(script: Script) -> None:
    async with leading(script, limit(5000), limit(10**6, Scope.CHAT, Unit.MICRO_USD), limit(10**9, Scope.ALL)) as bot:
        await bot.ask(replace(a_question(1), role="coder"))
        await bot.answer()
        found = await usage_args(bot.spending, user_id=9, chat_id=1, now_s=lambda: NOON_S)
        assert [row for row in found["rows"] if row[1] == "day"] == [
            ("user", "day", "tokens", COST.tokens, 5000),
            ("user", "day", "micro_usd", COST.micro_usd, 0),
            ("chat", "day", "tokens", COST.tokens, 0),
            ("chat", "day", "micro_usd", COST.micro_usd, 10**6),
        ]
        assert (found["next_day"], found["next_month"]) == ("2026-11-30 00:00 UTC", "2026-12-01 00:00 UTC")


async def test_in_a_private_chat_usage_is_the_users_alone(script: Script) -> None:
    async with leading(script, limit(5000)) as bot:
        found = await usage_args(bot.spending, user_id=9, chat_id=9, now_s=lambda: NOON_S)
        assert {row[0] for row in found["rows"]} == {"user"}


def test_wrong_budgets_end_the_start(tmp_path: Path, platform_base: Path) -> None:
    import shutil

    base = shutil.copytree(platform_base, tmp_path / "base")
    env = {"TELEGRAM_TOKEN": "4242:test-token-of-nobody", "GROQ_API_KEY": "k", "REDIS_URL": "redis://127.0.0.1:1", "ROLES_DIR": str(base)}  # fmt: skip
    assert at_start(env)[0].budgets.limits == ()
    (base / "config/budgets.yaml").write_text("user:\n  day: {usd: -1}\n")
    with pytest.raises(SettingsError, match=r"budgets\.yaml:2: `user\.day\.usd`"):
        at_start(env)
