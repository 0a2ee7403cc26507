"""A store with budgets, and tasks that are reserved for, handed over and claimed in it."""

from collections.abc import Sequence

from openclaw_core.budgets.values import Budgets, Calendar, Limit, Period, Scope, Spend, Unit
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store.budgets import Reserved, Spending, reserve, set_budgets, spend_fields
from openclaw_core.store.figures import set_prices
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Run
from tests.core.store_world import ORDER, World

TODAY = Calendar(day="2026-11-30", month="2026-11", next_day="2026-12-01 00:00 UTC", next_month="2026-12-01 00:00 UTC")
TOMORROW = Calendar(
    day="2026-12-01", month="2026-12", next_day="2026-12-02 00:00 UTC", next_month="2027-01-01 00:00 UTC"
)
MODEL = ModelSpec(id="m", context_tokens=1, input_usd_per_mtok=1.0, cached_usd_per_mtok=0.5, output_usd_per_mtok=2.0)
ANSWER = RunUsage(model="m", prompt_tokens=700, cached_tokens=200, answer_tokens=100)
COST = Spend(tokens=800, micro_usd=500 + 100 + 200)
NOTHING = Spend()
MOST = Spend(tokens=1000, micro_usd=1500)
"""What is reserved for a task here: more than an answer takes."""


def limit(amount: int, scope: Scope = Scope.USER, period: Period = Period.DAY, unit: Unit = Unit.MICRO_USD) -> Limit:
    return Limit(scope=scope, period=period, unit=unit, amount=amount)


async def limited(world: World, *limits: Limit) -> Spending:
    budgets = Budgets(limits=limits)
    await set_prices(world.script, {"m": MODEL}, epoch=world.epoch, search_micro_usd=500)
    await set_budgets(world.script, budgets, epoch=world.epoch)
    return Spending(world.script, budgets)


async def reserved(world: World, one: Task, calendar: Calendar = TODAY) -> Reserved:
    """Asked, released, and reserved for."""
    await world.ask(one)
    await world.lanes.release(cap=100, at_most=100, epoch=world.epoch)
    return (await reserve(world.script, one.id, MOST, calendar, epoch=world.epoch)).state


async def released(world: World, *, cap: int = 100) -> list[str]:
    return await world.lanes.release(cap=cap, at_most=1000, epoch=world.epoch)


async def handed_over(world: World, one: Task, calendar: Calendar = TODAY, known: Spend = NOTHING) -> None:
    spend = spend_fields(calendar, known, model="m", asked_tokens=50)
    await world.lanes.dispatch(
        one.with_snapshot(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch, spend=spend
    )


async def claimed(world: World, one: Task, calendar: Calendar = TODAY, known: Spend = NOTHING) -> Run:
    assert await reserved(world, one, calendar) is Reserved.DONE
    await handed_over(world, one, calendar, known)
    return await world.claim()


async def spent(
    world: World, scope: Scope = Scope.USER, period: Period = Period.DAY, calendar: Calendar = TODAY, chat: int = 1
) -> Spend:
    return (await Spending(world.script, Budgets()).spent(calendar, user_id=9, chat_id=chat))[scope][period]


async def in_reserve(world: World) -> Sequence[str]:
    found: Sequence[str] = await world.script.read("ZRANGE", world.script.keys("budget.reserved"), 0, -1)
    return found
