"""What is reserved for a task and what it is counted as, over a real store: nobody overspends by more than one answer, and nothing leaks."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from openclaw_core.budgets.values import Budgets, Calendar, Limit, Period, Scope, Spend, Unit
from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store.budgets import Reserved, Spending, reserve, set_budgets, spend_fields
from openclaw_core.store.figures import set_prices
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import CallUsage, ModelTokens, RunUsage, StepUsage
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, Run
from tests.core.store_world import ORDER, World, completed_step, effect, task

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
    """Asked, let go, and reserved for."""
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


async def test_an_answer_is_counted_for_its_user_its_chat_and_all_by_what_its_server_counted(world: World) -> None:
    await limited(world, limit(10**9))
    run = await claimed(world, task(1), known=Spend(tokens=30, micro_usd=7))
    assert await in_reserve(world) == ["u1 9 1 1000 1500"]
    await world.end(run, Answered(markdown="42", usage=ANSWER))
    other = await claimed(world, task(2, chat=2))
    await world.end(other, Answered(markdown="42", usage=ANSWER))

    assert await in_reserve(world) == []
    first = COST + Spend(tokens=30, micro_usd=7)
    assert await spent(world, Scope.CHAT) == first
    assert await spent(world, Scope.CHAT, chat=2) == COST
    for scope in (Scope.USER, Scope.ALL):
        for period in Period:
            assert await spent(world, scope, period) == first + COST


async def test_spending_is_counted_where_there_is_no_limit_so_that_a_new_limit_knows_of_it(world: World) -> None:
    await limited(world)
    await world.ask(task(1))
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    await handed_over(world, task(1))
    await world.end(await world.claim(), Answered(markdown="42", usage=ANSWER))
    assert await spent(world) == COST


async def test_a_task_is_refused_at_its_limit_and_its_chat_is_told_when_it_goes_on(world: World) -> None:
    await limited(world, limit(COST.micro_usd), limit(10**9, Scope.CHAT))
    await world.end(await claimed(world, task(1)), Answered(markdown="42", usage=ANSWER))
    await world.show_all()

    assert await reserved(world, task(2, chat=2)) is Reserved.REFUSED

    assert await world.state(task(2)) == "failed"
    assert await world.lanes.released() == []
    display = await world.opened("t:u2")
    assert (display.stage, display.cause) == (Stage.FAILED, Cause.BUDGET)
    assert display.budget == "user day 2026-12-01 00:00 UTC"
    await world.shown("t:u2")
    [record] = await world.runs.newest(count=1)
    assert (record.state, record.cause) == ("failed", "budget")


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("period", Period)
@pytest.mark.parametrize("unit", Unit)
async def test_each_limit_refuses(world: World, scope: Scope, period: Period, unit: Unit) -> None:
    amount = COST.tokens if unit is Unit.TOKENS else COST.micro_usd
    await limited(world, limit(amount, scope, period, unit))
    await world.end(await claimed(world, task(1)), Answered(markdown="42", usage=ANSWER))
    assert await reserved(world, task(2)) is Reserved.REFUSED
    assert (await world.opened("t:u2")).budget.startswith(f"{scope} {period} 2026-12-01")


async def test_a_limit_of_another_user_or_chat_stops_nobody_else(world: World) -> None:
    await limited(world, limit(COST.micro_usd, Scope.CHAT))
    await world.end(await claimed(world, task(1)), Answered(markdown="42", usage=ANSWER))
    assert await reserved(world, task(2, chat=2)) is Reserved.DONE


async def test_the_limit_that_lasts_longest_is_the_one_that_is_told(world: World) -> None:
    await limited(world, limit(1), limit(1, period=Period.MONTH))
    await world.end(await claimed(world, task(1)), Answered(markdown="42", usage=ANSWER))
    assert await reserved(world, task(2)) is Reserved.REFUSED
    assert (await world.opened("t:u2")).budget.startswith("user month ")


async def test_a_new_day_begins_at_nothing_and_a_late_end_of_the_day_before_is_not_carried_over(world: World) -> None:
    await limited(world, limit(2 * MOST.micro_usd, Scope.ALL), limit(10**9, period=Period.MONTH))
    late = await claimed(world, task(1))
    await world.end(await claimed(world, task(2, chat=2), TOMORROW), Answered(markdown="42", usage=ANSWER))
    await world.end(late, Answered(markdown="42", usage=ANSWER))
    assert await spent(world, calendar=TOMORROW) == COST
    assert await spent(world, period=Period.MONTH, calendar=TOMORROW) == COST
    assert await spent(world) == NOTHING, "nobody asks for a day that has gone"


async def test_what_others_have_reserved_makes_a_task_wait_and_is_no_refusal(world: World) -> None:
    await limited(world, limit(MOST.micro_usd))
    run = await claimed(world, task(1))
    assert await reserved(world, task(2, chat=2)) is Reserved.WAITS
    assert await world.state(task(2)) == "queued"
    assert await released(world) == [], "it is passed by as long as it has to wait"

    await world.end(run, Answered(markdown="42", usage=ANSWER))

    assert await released(world) == ["u2"]
    assert (await reserve(world.script, "u2", MOST, TODAY, epoch=world.epoch)).state is Reserved.DONE
    assert await world.field("u2", "budget_wait") is None


async def test_a_task_that_waits_for_others_holds_no_place_and_stops_nobody_behind_it(world: World) -> None:
    await limited(world, limit(MOST.micro_usd))
    await claimed(world, task(1))
    for n in range(2, 22):
        assert await reserved(world, task(n, chat=n)) is Reserved.WAITS
    assert await world.lanes.released() == ["u1"]
    assert await world.lanes.waiting() == 20

    await world.ask(replace(task(30, chat=30), user_id=5))

    assert await released(world, cap=2) == ["u30"]
    assert (await reserve(world.script, "u30", MOST, TODAY, epoch=world.epoch)).state is Reserved.DONE


async def test_one_end_releases_one_of_those_that_wait_the_one_that_asked_first(world: World) -> None:
    await limited(world, limit(2 * MOST.micro_usd))
    first = await claimed(world, task(1))
    second = await claimed(world, task(2, chat=2))
    for n in range(3, 6):
        assert await reserved(world, task(n, chat=n)) is Reserved.WAITS
    await world.end(first, Answered(markdown="42", usage=ANSWER))
    assert await released(world) == ["u3"]
    assert (await reserve(world.script, "u3", MOST, TODAY, epoch=world.epoch)).state is Reserved.DONE
    await handed_over(world, task(3, chat=3))
    third = await world.claim()
    await world.end(second, Answered(markdown="42", usage=ANSWER))
    assert await released(world) == [], "two have spent, and the third has reserved"
    await world.end(third, Answered(markdown="42", usage=ANSWER))
    assert await released(world) == ["u4"]


async def test_more_that_wait_than_one_step_looks_at_stop_nobody_either(world: World) -> None:
    await limited(world, limit(MOST.micro_usd))
    await claimed(world, task(1))
    many = [task(n, chat=n) for n in range(2, 132)]
    await world.ask(*many)
    for one in await released(world, cap=1000):
        assert (await reserve(world.script, one, MOST, TODAY, epoch=world.epoch)).state is Reserved.WAITS
    await world.ask(replace(task(200, chat=200), user_id=5))
    assert await released(world) == []
    assert world.lanes.held_s == pytest.approx(0.05, abs=0.02), "the next look comes soon"
    assert await released(world) == ["u200"]


async def test_what_waits_for_others_is_refused_once_they_have_spent_the_limit(world: World) -> None:
    await limited(world, limit(COST.micro_usd))
    run = await claimed(world, task(1))
    assert await reserved(world, task(2, chat=2)) is Reserved.WAITS
    await world.end(run, Answered(markdown="42", usage=ANSWER))
    assert await released(world) == ["u2"]
    assert (await reserve(world.script, "u2", MOST, TODAY, epoch=world.epoch)).state is Reserved.REFUSED


async def test_what_has_waited_for_too_long_is_known_by_the_time_of_its_first_wait(world: World) -> None:
    await limited(world, limit(MOST.micro_usd))
    await claimed(world, task(1))
    assert await reserved(world, task(2, chat=2)) is Reserved.WAITS
    row = str(await world.field("u2", "budget_wait")).split()
    await world.put({"budget_wait": " ".join([*row[:-1], "1"])}, "task", "u2")
    assert await released(world) == ["u2"]
    assert (await reserve(world.script, "u2", MOST, TODAY, epoch=world.epoch)).state is Reserved.LATE


async def test_a_task_that_waits_for_others_can_be_stopped_and_edited_as_any_that_waits(world: World) -> None:
    await limited(world, limit(MOST.micro_usd))
    run = await claimed(world, task(1))
    for n in (2, 3):
        assert await reserved(world, task(n, chat=n)) is Reserved.WAITS
    await world.effects({"op": "stop", "key": "s", "chat": "2", "lang": "en"})
    fresh = effect(task(3, chat=3, text="other words"))
    await world.effects(
        {"op": "edited", "key": "e", "kind": "edited", "chat": "3", "lang": "en", "message_id": "103", "fresh": [fresh]}
    )
    assert await world.state(task(2, chat=2)) == "cancelled"
    assert (await world.lanes.queued("u3")).task.text == "other words"
    await world.end(run, Answered(markdown="42", usage=ANSWER))
    assert await released(world) == ["u3"]


async def test_a_reservation_that_is_asked_for_late_puts_no_task_into_its_lane_twice(world: World) -> None:
    await limited(world, limit(MOST.micro_usd))
    await claimed(world, task(1))
    assert await reserved(world, task(2, chat=2)) is Reserved.WAITS
    assert (await reserve(world.script, "u2", MOST, TODAY, epoch=world.epoch)).state is Reserved.GONE
    assert await world.lanes.waiting_in(2) == ["u2"]


async def test_twenty_messages_at_once_at_the_limit_overspend_by_less_than_one_answer(world: World) -> None:
    most_at_once = 0
    allowed = 3 * COST.micro_usd - 1  # room for two answers and a part of a third
    await limited(world, limit(allowed))
    tasks = [task(n, chat=n) for n in range(1, 21)]
    await world.ask(*tasks)
    agents = itertools.count()
    at_work = 0

    async def one_message(one: Task) -> Reserved:
        nonlocal at_work, most_at_once
        got = (await reserve(world.script, one.id, MOST, TODAY, epoch=world.epoch)).state
        if got is Reserved.DONE:
            at_work += 1
            most_at_once = max(most_at_once, at_work)
            await handed_over(world, one)
            agent = world.work(f"job-{next(agents)}")
            run = await agent.claim()
            assert run is not None
            await asyncio.sleep(0.02)
            at_work -= 1
            assert await agent.end(run, Answered(markdown="42", usage=ANSWER))
            await world.hear()
        return got

    by_id = {one.id: one for one in tasks}
    going: list[asyncio.Task[Reserved]] = []
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        while await world.lanes.waiting() or any(not one.done() for one in going):
            going += [group.create_task(one_message(by_id[name])) for name in await released(world)]
            await asyncio.sleep(0.01)
    results = [one.result() for one in going if one.result() is not Reserved.WAITS]

    assert sorted(results) == [Reserved.DONE] * 3 + [Reserved.REFUSED] * 17
    total = await spent(world)
    assert total.micro_usd == 3 * COST.micro_usd
    assert allowed < total.micro_usd < allowed + COST.micro_usd
    assert most_at_once >= 2, "while there is room for more than one, they do not wait for each other"
    assert await in_reserve(world) == []


async def test_a_task_that_has_begun_is_never_refused(world: World) -> None:
    await limited(world, limit(COST.micro_usd))
    first = await claimed(world, task(1))
    await world.script.read("HSET", world.script.keys("spent", "user", 9), "day", TODAY.day, "day_micro_usd", 10**9)
    await world.end(first, HandedBack())
    assert await world.state(task(1)) == "ready"
    await world.put({"state": "queued"}, "task", "u1")
    await world.script.read("HDEL", world.script.keys("task", "u1"), "reserved")
    assert (await reserve(world.script, "u1", MOST, TODAY, epoch=world.epoch)).state is Reserved.DONE


@pytest.mark.parametrize("end", ["stop", "failure", "queue deadline"])
async def test_every_end_releases_what_was_reserved(world: World, end: str) -> None:
    await limited(world, limit(10**9))
    if end == "queue deadline":
        assert await reserved(world, task(1)) is Reserved.DONE
        assert await world.lanes.fail("u1", Cause.QUEUE_DEADLINE, epoch=world.epoch)
    else:
        run = await claimed(world, task(1), known=Spend(tokens=5, micro_usd=3))
        if end == "stop":
            await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
        else:
            await world.failed(run)
    assert await in_reserve(world) == []
    assert await spent(world) == (Spend() if end == "queue deadline" else Spend(tokens=5, micro_usd=3))


async def test_an_attempt_without_an_answer_is_counted_by_its_steps_searches_and_text(world: World) -> None:
    await limited(world, limit(10**9))
    run = await claimed(world, task(1))
    step = completed_step(1)  # 10 tokens of a prompt, 2 of an answer: 14 millionths
    assert await world.agent.step(run, 1, step)
    await world.agent.write(run, "x" * 30)  # about 10 tokens, and the 50 of the question: 70 millionths
    await world.end(run, GaveUp(cause=Cause.MODEL_DOWN))
    assert await spent(world) == Spend(tokens=12 + 60, micro_usd=14 + 70)


async def test_an_agent_that_is_lost_is_counted_too_and_its_steps_once(world: World) -> None:
    await limited(world, limit(10**9))
    run = await claimed(world, task(1))
    assert await world.agent.step(run, 1, completed_step(1))
    await world.agent.write(run, "x" * 30)
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    again = await world.claim(world.work("job-2"))
    assert len(again.steps) == 1
    await world.work("job-2").end(
        again, Answered(markdown="42", usage=ANSWER)
    )  # its usage has the steps of before in it
    await world.hear()
    assert await spent(world) == COST + Spend(tokens=60, micro_usd=70)


async def test_steps_of_another_model_are_paid_at_its_price(world: World) -> None:
    await limited(world, limit(10**9))
    dear = ModelSpec(id="dear", context_tokens=1, input_usd_per_mtok=10.0, output_usd_per_mtok=20.0)
    await set_prices(world.script, {"m": MODEL, "dear": dear}, epoch=world.epoch, search_micro_usd=5000)
    run = await claimed(world, task(1))
    others = (ModelTokens(model="dear", prompt_tokens=100, answer_tokens=40),)
    await world.end(run, Answered(markdown="42", usage=replace(ANSWER, others=others)))
    # m: 400 new, 200 cached and 60 answer tokens
    assert await spent(world) == Spend(tokens=800, micro_usd=(1000 + 800) + (400 + 100 + 120))


async def test_a_search_costs_what_the_budgets_say(world: World) -> None:
    await limited(world, limit(10**9))
    run = await claimed(world, task(1))
    calls = (CallUsage(tool="web_search", ms=1), CallUsage(tool="open_page", ms=1), CallUsage(tool="web_search", ms=1))
    usage = RunUsage(model="m", prompt_tokens=1, steps=(StepUsage(calls=calls),))
    await world.end(run, Answered(markdown="42", usage=usage))
    assert await spent(world) == Spend(tokens=1, micro_usd=1 + 2 * 500)


@pytest.mark.parametrize("limits", [(limit(10**9),), ()])
async def test_an_agent_that_is_taken_over_cannot_use_up_the_budget_of_others(
    world: World, limits: tuple[Limit, ...]
) -> None:
    await limited(world, *limits)
    if limits:
        run = await claimed(world, task(1))
    else:
        await world.ask(task(1))
        await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
        await handed_over(world, task(1))
        run = await world.claim()
    forged = RunUsage(model="m", prompt_tokens=10**14, cached_tokens=-(10**14), answer_tokens=-5)
    await world.end(run, Answered(markdown="42", usage=forged))
    most = Spend(tokens=4 * MOST.tokens, micro_usd=4 * MOST.micro_usd)
    assert await spent(world) == (most if limits else Spend(tokens=5_000_000, micro_usd=20_000_000))


async def test_a_user_is_told_once_in_a_period_that_a_limit_is_near(world: World) -> None:
    await limited(world, limit(1000), limit(900, Scope.ALL))
    for n in (1, 2):
        await world.end(await claimed(world, task(n)), Answered(markdown="42", usage=ANSWER))
        if n == 1:
            [notice] = await world.notices()
            assert (notice.kind, notice.args) == ("budget_nearly", {"scope": "user", "period": "day", "percent": 80})
        await world.show_all()
        assert await world.notices() == []
        if n == 1:
            await world.script.read("HSET", world.script.keys("spent", "user", 9), "day_micro_usd", 100)
            await world.script.read("HSET", world.script.keys("spent", "all"), "day_micro_usd", 100)
    await world.end(await claimed(world, task(3), TOMORROW), Answered(markdown="42", usage=ANSWER))
    assert [notice.kind for notice in await world.notices()] == ["budget_nearly"]


async def test_a_reservation_whose_task_is_lost_goes_by_itself(world: World) -> None:
    await limited(world, limit(MOST.micro_usd))
    assert await reserved(world, task(1)) is Reserved.DONE
    await world.script.read("DEL", world.script.keys("task", "u1"))
    assert await reserved(world, task(2, chat=2)) is Reserved.WAITS
    await world.script.read("ZADD", world.script.keys("budget.reserved"), "XX", "1", "u1 9 1 1000 1500")
    assert await released(world) == ["u2"]
    assert (await reserve(world.script, "u2", MOST, TODAY, epoch=world.epoch)).state is Reserved.DONE


async def test_what_a_group_has_spent_goes_with_it_to_its_new_id(world: World) -> None:
    await limited(world, limit(COST.micro_usd, Scope.CHAT))
    await world.end(await claimed(world, task(1, chat=-7)), Answered(markdown="42", usage=ANSWER))
    await world.script.step("move_chat", **{"from": "-7", "to": "-1007"})
    assert await spent(world, Scope.CHAT, chat=-1007) == COST


async def test_a_group_that_has_spent_under_both_ids_has_one_budget_and_what_is_reserved_counts_in_it(
    world: World,
) -> None:
    await limited(world, limit(2 * COST.micro_usd + MOST.micro_usd, Scope.CHAT))
    for n, chat in ((1, -7), (2, -1007)):
        await world.end(await claimed(world, task(n, chat=chat)), Answered(markdown="42", usage=ANSWER))
    run = await claimed(world, task(3, chat=-7))
    await world.script.step("move_chat", **{"from": "-7", "to": "-1007"})
    assert await spent(world, Scope.CHAT, chat=-1007) == COST + COST
    assert await spent(world, Scope.CHAT, Period.MONTH, chat=-1007) == COST + COST
    assert await in_reserve(world) == ["u3 9 -1007 1000 1500"]

    await world.end(run, Answered(markdown="42", usage=ANSWER))

    assert await in_reserve(world) == []
    assert await spent(world, Scope.CHAT, chat=-1007) == COST + COST + COST
    assert await spent(world, Scope.CHAT, chat=-7) == NOTHING


async def test_counters_go_by_themselves_and_hold_numbers_alone(world: World) -> None:
    await limited(world, limit(10**9))
    await world.end(await claimed(world, task(1, text="a secret")), Answered(markdown="42", usage=ANSWER))
    for key in (("user", 9), ("chat", 1), ("all",)):
        name = world.script.keys("spent", *key)
        assert 31 * 86400 < int(await world.script.read("TTL", name)) <= 40 * 86400
        assert "secret" not in str(await world.script.read("HGETALL", name))


@pytest.mark.parametrize("rubbish", ["a list", "words for numbers", "a reservation of words"])
async def test_what_cannot_be_read_stops_nobody(world: World, rubbish: str) -> None:
    await limited(world, limit(10**9))
    user, all_ = world.script.keys("spent", "user", 9), world.script.keys("spent", "all")
    if rubbish == "a list":
        for key in (user, all_):
            await world.script.read("RPUSH", key, "x")
    elif rubbish == "words for numbers":
        await world.script.read("HSET", user, "day", "zzz", "day_micro_usd", "x")
        await world.script.read("HSET", all_, "day", TODAY.day, "day_micro_usd", "x", "month", TODAY.month)
    else:
        await world.script.read("ZADD", world.script.keys("budget.reserved"), 9e15, "x y")
    await world.end(await claimed(world, task(1)), Answered(markdown="42", usage=ANSWER))
    assert await spent(world) == COST
