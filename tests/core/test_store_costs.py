"""What a day of mixed messages costs is one figure: budgets, run records and metrics say the same, and the parts of a run are named."""

from dataclasses import replace

from openclaw_core.budgets.values import Budgets, Calendar, Limit, Period, Scope, Spend, Unit
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store.budgets import Reserved, Spending, reserve, set_budgets, spend_fields
from openclaw_core.store.figures import set_prices
from openclaw_core.store.run_records import RunRecord
from openclaw_core.store.step_values import pairs
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import CallUsage, ModelTokens, RunUsage, StepUsage
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, Run
from tests.core.store_world import ORDER, World, completed_step, task

TODAY = Calendar(day="2026-11-30", month="2026-11", next_day="2026-12-01 00:00 UTC", next_month="2026-12-01 00:00 UTC")
MODEL = ModelSpec(id="m", context_tokens=1, input_usd_per_mtok=1.0, cached_usd_per_mtok=0.5, output_usd_per_mtok=2.0)
DEAR = replace(MODEL, id="dear", input_usd_per_mtok=10.0, cached_usd_per_mtok=5.0, output_usd_per_mtok=20.0)
ANSWER = RunUsage(model="m", prompt_tokens=700, cached_tokens=200, answer_tokens=100)  # 800 millionths
ROUTING = Spend(tokens=30, micro_usd=7)
LIMIT = 10**7
SEARCH = 5000


async def _limited(world: World) -> None:
    limit = Limit(scope=Scope.ALL, period=Period.DAY, unit=Unit.MICRO_USD, amount=LIMIT)
    await set_prices(world.script, {"m": MODEL, "dear": DEAR}, epoch=world.epoch, search_micro_usd=SEARCH)
    await set_budgets(world.script, Budgets(limits=(limit,)), epoch=world.epoch)


async def _reserved(world: World, one: Task, most: Spend) -> Reserved:
    await world.ask(one)
    await world.lanes.release(cap=100, at_most=100, epoch=world.epoch)
    return (await reserve(world.script, one.id, most, TODAY, epoch=world.epoch)).state


async def _handed_over(world: World, one: Task, *, routing: Spend, recording_micro_usd: int, role: str) -> None:
    spend = spend_fields(TODAY, routing, recording_micro_usd=recording_micro_usd, model="m", asked_tokens=50)
    await world.lanes.dispatch(
        one.with_snapshot(replace(ORDER, role=role)), pool="p", decision="model", route_ms=1,
        route_tokens=routing.tokens, epoch=world.epoch,
        spend=spend,
    )  # fmt: skip


async def _claimed(
    world: World, n: int, *, routing: Spend = ROUTING, recording_micro_usd: int = 0, role: str = "coder"
) -> Run:
    one = task(n, chat=n)
    assert await _reserved(world, one, Spend(tokens=9000, micro_usd=90_000)) is Reserved.DONE
    await _handed_over(world, one, routing=routing, recording_micro_usd=recording_micro_usd, role=role)
    return await world.claim()


async def _a_mixed_day(world: World) -> None:
    """Every way in which a message can cost something, and two that cost nothing."""
    await world.end(await _claimed(world, 1), Answered(markdown="42", usage=ANSWER))
    await world.end(
        await _claimed(world, 2, recording_micro_usd=300, routing=Spend()), Answered(markdown="42", usage=ANSWER)
    )
    searched = (StepUsage(calls=(CallUsage(tool="web_search", ms=1), CallUsage(tool="web_search", ms=1))),)
    of_dear = (ModelTokens(model="dear", prompt_tokens=100, answer_tokens=10),)
    await world.end(
        await _claimed(world, 3, role="researcher"),
        Answered(markdown="42", usage=replace(ANSWER, steps=searched, others=of_dear)),
    )
    gave_up = await _claimed(world, 4, role="researcher")
    assert await world.agent.step(gave_up, 1, completed_step(1))
    assert await world.agent.write(gave_up, "x" * 30)
    await world.end(gave_up, GaveUp(cause=Cause.MODEL_DOWN))
    stopped = await _claimed(world, 5)
    assert await world.agent.write(stopped, "x" * 60)
    await world.effects({"op": "stop", "key": "s", "chat": "5", "lang": "en"})
    lost = await _claimed(world, 6)
    assert await world.agent.write(lost, "x" * 30)
    await world.pools.lost("u6", Cause.CRASH, epoch=world.epoch)
    await world.end(await world.claim(), Answered(markdown="42", usage=ANSWER))
    await world.end(await _claimed(world, 7, recording_micro_usd=40), HandedBack())
    await world.end(await world.claim(), Answered(markdown="42", usage=ANSWER))
    forged = await _claimed(world, 8)
    await world.end(forged, Answered(markdown="42", usage=replace(ANSWER, prompt_tokens=10**12)))
    assert await _reserved(world, task(9, chat=9), Spend(tokens=1, micro_usd=1)) is Reserved.DONE
    await world.lanes.fail("u9", Cause.QUEUE_DEADLINE, epoch=world.epoch)
    await world.script.read("HINCRBY", world.script.keys("spent", "all"), "day_micro_usd", LIMIT)
    assert await _reserved(world, task(10, chat=10), Spend(tokens=1, micro_usd=1)) is Reserved.REFUSED
    await world.script.read("HINCRBY", world.script.keys("spent", "all"), "day_micro_usd", -LIMIT)
    await world.show_all()


async def _budget(world: World) -> Spend:
    return (await Spending(world.script, Budgets()).spent(TODAY, user_id=9, chat_id=1))[Scope.ALL][Period.DAY]


async def _runs(world: World) -> dict[str, RunRecord]:
    return {run.task: run for run in await world.runs.newest(count=100)}


async def test_budgets_runs_and_metrics_say_the_same_of_a_day_of_mixed_messages(world: World) -> None:
    await _limited(world)
    await _a_mixed_day(world)

    budget, runs = await _budget(world), await _runs(world)
    counts = pairs(await world.script.read("HGETALL", world.script.keys("counts")))

    assert len(runs) == 10
    assert budget.micro_usd == sum(int(run.micro_usd or 0) for run in runs.values())
    assert budget.tokens == sum(int(run.tokens or 0) for run in runs.values())
    assert budget.micro_usd == sum(int(n) for name, n in counts.items() if name.startswith("cost:"))
    assert int(counts["cost:researcher"]) == sum(int(runs[name].micro_usd) for name in ("u3", "u4"))
    by_user = await Spending(world.script, Budgets()).spent(TODAY, user_id=9, chat_id=1)
    assert by_user[Scope.USER][Period.DAY] == budget


async def test_each_part_of_a_runs_cost_is_named(world: World) -> None:
    await _limited(world)
    await _a_mixed_day(world)
    runs = await _runs(world)

    def cost(name: str) -> dict[str, int]:
        row = runs[name].row
        return {field: int(value) for field, value in row.items() if field.endswith("micro_usd")}

    assert cost("u1") == {"micro_usd": 807, "route_micro_usd": 7}
    assert cost("u2") == {"micro_usd": 1100, "recording_micro_usd": 300}
    assert cost("u3") == {"micro_usd": 1880 + 7 + 2 * SEARCH, "route_micro_usd": 7, "search_micro_usd": 2 * SEARCH}
    # Its step 14 millionths; its question and its text 50 and 10 tokens.
    assert cost("u4") == {"micro_usd": 7 + 14 + 70, "route_micro_usd": 7, "lost_micro_usd": 84}
    assert cost("u5") == {"micro_usd": 7 + 90, "route_micro_usd": 7, "lost_micro_usd": 90}
    assert cost("u6") == {"micro_usd": 807 + 70, "route_micro_usd": 7, "lost_micro_usd": 70}
    assert cost("u7") == {"micro_usd": 807 + 40, "route_micro_usd": 7, "recording_micro_usd": 40}
    assert cost("u8")["micro_usd"] == 4 * 90_000, "no more than is believed"
    assert cost("u9") == {}
    assert cost("u10") == {}


async def test_a_recording_counts_once_and_each_routing_by_itself(world: World) -> None:
    """A message that joins a task in its pool brings it back: it is routed once more, and its recording has still to be heard."""
    await _limited(world)
    assert await _reserved(world, task(1), Spend(tokens=9000, micro_usd=90_000)) is Reserved.DONE
    for _ in range(2):
        await world.put({"state": "queued"}, "task", "u1")
        await _handed_over(world, task(1), routing=ROUTING, recording_micro_usd=300, role="coder")
    await world.end(await world.claim(), Answered(markdown="42", usage=ANSWER))
    await world.show_all()
    [run] = (await _runs(world)).values()
    assert (run.route_micro_usd, run.recording_micro_usd, run.micro_usd) == ("14", "300", str(14 + 300 + 800))


async def test_an_answer_without_a_price_has_no_cost_but_its_searches_are_in_the_budget(world: World) -> None:
    await _limited(world)
    usage = RunUsage(model="free", prompt_tokens=5, steps=(StepUsage(calls=(CallUsage(tool="web_search", ms=1),)),))
    await world.end(await _claimed(world, 1, routing=Spend()), Answered(markdown="42", usage=usage))
    await world.show_all()
    run = (await _runs(world))["u1"]
    assert (run.micro_usd, run.search_micro_usd, run.tokens) == ("", str(SEARCH), "5")
    assert await _budget(world) == Spend(tokens=5, micro_usd=SEARCH)
