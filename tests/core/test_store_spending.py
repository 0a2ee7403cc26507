"""What a task is counted as in the end, over a real store: whatever ends it, nothing leaks and nothing counts twice."""

from dataclasses import replace

import pytest

from openclaw_core.budgets.values import Limit, Period, Scope, Spend
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store.budgets import Reserved, reserve
from openclaw_core.store.figures import set_prices
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import CallUsage, ModelTokens, RunUsage, StepUsage
from openclaw_core.tasks.work import Answered, GaveUp
from tests.core.spending_world import (
    ANSWER,
    COST,
    MODEL,
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
from tests.core.store_world import World, completed_step, task


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
        else:
            assert await world.notices() == [], "it was told before"
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
