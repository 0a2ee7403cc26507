"""What is reserved for a task, over a real store: nobody overspends by more than one answer."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from openclaw_core.budgets.values import Period, Scope, Spend, Unit
from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.store.budgets import Reserved, reserve
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Answered, HandedBack
from tests.core.spending_world import (
    ANSWER,
    COST,
    MOST,
    NOTHING,
    TODAY,
    TOMORROW,
    claimed,
    handed_over,
    in_reserve,
    limit,
    limited,
    released,
    reserved,
    spent,
)
from tests.core.store_world import World, effect, task


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
