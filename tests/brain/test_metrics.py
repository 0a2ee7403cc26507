"""What the page of metrics says of tasks, with steps of a real store behind it."""

import asyncio
import re
import time
from dataclasses import replace

from openclaw_brain.metrics import Metrics
from openclaw_core.budgets.values import Budgets, Limit, Period, Scope, Spend, Unit
from openclaw_core.store import Script
from openclaw_core.store.budgets import spend_fields
from openclaw_core.store.client import source
from openclaw_core.store.figures import BOUNDS_MS, set_prices
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import ModelTokens
from openclaw_core.tasks.work import HandedBack
from tests.brain.metrics_page import MARKER, PRICED, USAGE, answer, claim, metrics, now_ms, of, page, world
from tests.core.store_world import ORDER, World, effect, task

__all__ = ["metrics", "world"]


async def test_the_way_of_a_message_is_counted_step_by_step(world: World, metrics: Metrics) -> None:
    await answer(world, await claim(world, 1))
    found = await page(metrics)
    assert of(found, "updates_admitted_total", "stream=inbox") == 1
    assert of(found, "tasks_routed_total", "decision=model") == 1
    assert of(found, "routing_tokens_total") == 300
    assert of(found, "first_text_seconds_count") == 1
    assert of(found, "answer_seconds_count") == 1
    assert of(found, "tasks_ended_total", "state=closed", "cause=") == 1
    assert of(found, "deliveries_total", "text=answer", "outcome=delivered") == 1
    assert of(found, "tokens_total", "role=coder", "kind=prompt") == 600
    assert of(found, "tokens_total", "role=coder", "kind=cached") == 400
    assert of(found, "tokens_total", "role=coder", "kind=answer") == 200


async def test_cost_is_whole_millionths_of_a_dollar_by_the_price_of_the_moment(world: World, metrics: Metrics) -> None:
    await answer(world, await claim(world, 1))
    # 600 × 0.15 + 400 × 0.075 + 200 × 0.6
    assert of(await page(metrics), "cost_microusd_total", "role=coder") == 240
    [run] = await world.runs.newest(count=1)
    assert run.micro_usd == "240"

    await set_prices(world.script, {"m": replace(PRICED, output_usd_per_mtok=6.0)}, epoch=world.epoch)
    await answer(world, await claim(world, 2))
    assert of(await page(metrics), "cost_microusd_total", "role=coder") == 240 + 1320


async def test_the_share_of_a_budget_is_that_of_all_and_names_nobody(world: World, script: Script) -> None:
    limits = (
        Limit(scope=Scope.ALL, period=Period.DAY, unit=Unit.TOKENS, amount=2400),
        Limit(scope=Scope.ALL, period=Period.MONTH, unit=Unit.MICRO_USD, amount=1000),
        Limit(scope=Scope.USER, period=Period.DAY, unit=Unit.TOKENS, amount=7),
    )
    budgets = Budgets(limits=limits)
    metrics = Metrics(script=script, roles=("coder",), leading=True, budgets=budgets)
    assert of(await page(metrics), "budget_share", "period=day", "unit=tokens") == 0

    await world.ask(task(1))
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    spend = spend_fields(budgets.calendar(time.time()), Spend(), model="m", asked_tokens=5)
    await world.dispatch(task(1), spend=spend)
    await answer(world, await world.claim(world.work("job-1", pool="p")))

    found = await page(metrics)
    shares = {labels: value for (name, labels), value in found.items() if name == "openclaw_budget_share"}
    assert shares == {
        frozenset({"period=day", "unit=tokens"}): 0.5,
        frozenset({"period=month", "unit=micro_usd"}): 0.24,
    }


async def test_steps_of_another_model_cost_what_that_model_costs(world: World, metrics: Metrics) -> None:
    """600 new, 400 cached and 200 answer tokens are of both models together."""
    dear = replace(PRICED, id="dear", input_usd_per_mtok=1.5, cached_usd_per_mtok=0.75, output_usd_per_mtok=6.0)
    await set_prices(world.script, {"m": PRICED, "dear": dear}, epoch=world.epoch)
    step = ModelTokens(model="dear", prompt_tokens=500, cached_tokens=400, answer_tokens=100)
    await answer(world, await claim(world, 1), replace(USAGE, others=(step,)))
    # dear: 100 × 1.5 + 400 × 0.75 + 100 × 6; m: 500 × 0.15 + 100 × 0.6
    found = await page(metrics)
    assert of(found, "cost_microusd_total", "role=coder") == 1050 + 135
    assert of(found, "tokens_total", "role=coder", "kind=prompt") == 600

    await answer(world, await claim(world, 2), replace(USAGE, others=(replace(step, model="unknown"),)))
    found = await page(metrics)
    assert of(found, "cost_microusd_total", "role=coder") == 1050 + 135
    assert of(found, "answers_unpriced_total", "role=coder") == 1


async def test_a_model_without_a_price_has_no_cost_and_is_counted_as_such(world: World, metrics: Metrics) -> None:
    await set_prices(world.script, {"m": replace(PRICED, output_usd_per_mtok=None)}, epoch=world.epoch)
    await answer(world, await claim(world, 1))
    found = await page(metrics)
    assert of(found, "cost_microusd_total", "role=coder") is None
    assert of(found, "answers_unpriced_total", "role=coder") == 1
    assert of(found, "tokens_total", "role=coder", "kind=answer") == 200
    assert "micro_usd" not in (await world.runs.newest(count=1))[0].row


async def test_a_role_has_its_ends_and_its_times_and_an_unknown_one_counts_as_other(
    world: World, metrics: Metrics
) -> None:
    found = await page(metrics)
    assert of(found, "role_tasks_ended_total", "role=coder", "state=failed") == 0, "a first failure is an increase"

    await answer(world, await claim(world, 1))
    await answer(world, await claim(world, 2, role="gone"))
    found = await page(metrics)
    assert of(found, "role_tasks_ended_total", "role=coder", "state=closed") == 1
    assert of(found, "role_tasks_ended_total", "role=other", "state=closed") == 1
    assert of(found, "role_answer_seconds_count", "role=coder") == 1
    assert of(found, "role_answer_seconds_count", "role=other") is None
    assert of(found, "answer_seconds_count") == 2


async def test_a_failure_is_counted_by_its_cause_and_its_text_when_it_stands_in_the_chat(
    world: World, metrics: Metrics
) -> None:
    await world.failed(await claim(world, 1), Cause.MODEL_DOWN)
    found = await page(metrics)
    assert of(found, "queue_length", "queue=notices") == 1
    assert of(found, "deliveries_total", "text=failure", "outcome=delivered") == 0
    await world.show_all()
    found = await page(metrics)
    assert of(found, "tasks_ended_total", "state=failed", "cause=model_down") == 1
    assert of(found, "queue_length", "queue=notices") == 0
    assert of(found, "deliveries_total", "text=failure", "outcome=delivered") == 1


async def test_texts_and_answers_are_counted_from_0_on_so_that_a_first_burst_is_an_increase(
    world: World, metrics: Metrics
) -> None:
    found = await page(metrics)
    assert of(found, "tasks_ended_total", "state=closed", "cause=") == 0
    for text in ("answer", "failure", "stopped", "notice"):
        for outcome in ("delivered", "partial", "undeliverable"):
            assert of(found, "deliveries_total", f"text={text}", f"outcome={outcome}") == 0


async def test_queues_tell_how_many_wait_and_since_when(world: World, metrics: Metrics) -> None:
    await world.inbox.admit([("inbox", {"update_id": 50})], offset=None, epoch=world.epoch)
    long_ago = await now_ms(world.script) - 30_000
    for n in (1, 2):
        await world.effects({**effect(task(n)), "admitted_ms": str(long_ago + n)})
    found = await page(metrics)
    assert of(found, "queue_length", "queue=inbox") == 1
    assert of(found, "queue_length", "queue=lanes") == 2
    age = of(found, "queue_age_seconds", "queue=lanes")
    assert age is not None
    assert 30 <= age < 60

    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    found = await page(metrics)
    assert of(found, "queue_length", "queue=lanes") == 1, "both are of one chat, and one goes at a time"
    assert of(found, "tasks_out") == 1


async def test_tasks_that_wait_for_an_agent_are_told_by_template_with_the_pools_added_up(
    world: World, metrics: Metrics
) -> None:
    for n, pool in ((1, "agent-0123abcd"), (2, "agent-4567cdef")):
        one = task(n, chat=n)
        await world.ask(one)
        await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
        await world.lanes.dispatch(
            one.with_snapshot(ORDER), pool=pool, decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
        )
    await world.agent.check_in()
    await world.script.read("HSET", world.script.keys("task", "u1"), "ready_ms", await now_ms(world.script) - 30_000)
    found = await page(metrics)
    assert of(found, "ready_length", "template=agent") == 2
    assert 30 <= (of(found, "ready_age_seconds", "template=agent") or 0) < 60, "the older one of both pools"
    assert of(found, "jobs", "template=agent", "state=waiting") == 1
    assert of(found, "jobs", "template=agent", "state=claimed") == 0


async def test_claims_are_told_warm_or_cold_by_whether_the_agent_waited_before_the_task(
    world: World, metrics: Metrics
) -> None:
    await claim(world, 1)  # this agent has never checked in: its Job was started for the task
    world.agent = world.work("job-2", pool="agent-0123abcd")
    await world.agent.check_in()
    await asyncio.sleep(0.01)  # the store counts in milliseconds
    one = task(2, chat=2)
    await world.ask(one)
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.lanes.dispatch(
        one.with_snapshot(ORDER), pool="agent-0123abcd", decision="rule", route_ms=1, route_tokens=0, epoch=world.epoch
    )
    await world.claim()
    found = await page(metrics)
    assert of(found, "claim_wait_seconds_count", "start=cold") == 1
    assert of(found, "claim_wait_seconds_count", "start=warm") == 1


async def test_agents_that_have_not_renewed_in_time_are_told_while_nobody_has_judged_them(
    world: World, metrics: Metrics
) -> None:
    run = await claim(world, 1)
    assert of(await page(metrics), "leases_overdue") == 0
    await world.script.read("ZADD", world.script.keys("agent", "leases"), await now_ms(world.script) - 1, run.name)
    assert of(await page(metrics), "leases_overdue") == 1


async def test_a_lost_agent_counts_even_where_the_task_goes_on_and_so_does_a_task_handed_back(
    world: World, metrics: Metrics
) -> None:
    await world.end(await claim(world, 1), HandedBack())
    await world.claim()
    assert await world.pools.lost("u1", Cause.OUT_OF_MEMORY, epoch=world.epoch) == "requeued"
    found = await page(metrics)
    assert of(found, "tasks_handed_back_total") == 1
    assert of(found, "agents_lost_total", "cause=out_of_memory") == 1
    assert of(found, "tasks_ended_total", "state=failed", "cause=out_of_memory") is None


async def test_a_pool_is_told_from_its_first_job_to_its_last(world: World, metrics: Metrics) -> None:
    name = await world.pools.new_job("other-89abcdef", "agent-other-89abcdef", epoch=world.epoch)
    assert of(await page(metrics), "jobs", "template=other", "state=created") == 1
    await world.pools.forget("other-89abcdef", name)
    assert of(await page(metrics), "jobs", "template=other", "state=created") is None


async def test_a_task_that_found_its_lane_full_is_counted(world: World, metrics: Metrics) -> None:
    for n in range(1, 22):
        await world.ask(task(n))
    assert of(await page(metrics), "messages_refused_total") == 1


async def test_labels_come_from_what_is_configured(world: World, metrics: Metrics) -> None:
    await answer(world, await claim(world, 1, role="removed_one"))
    await answer(world, await claim(world, 2, role="removed_two"))
    await world.script.read("HSET", world.script.keys("outcomes"), "failed:cause_of_tomorrow", "3")
    await world.script.read("HSET", world.script.keys("outcomes"), "failed:another_of_tomorrow", "4")
    found = await page(metrics)
    assert of(found, "tokens_total", "role=other", "kind=answer") == 400
    assert of(found, "tasks_ended_total", "state=failed", "cause=other") == 7
    assert not [labels for _, labels in found if any("removed" in label or "tomorrow" in label for label in labels)]


async def test_no_word_of_a_user_and_no_id_is_on_the_page(world: World, metrics: Metrics) -> None:
    await answer(world, await claim(world, 7654321))
    text = (await metrics.page()).decode()
    assert MARKER not in text
    assert "7654321" not in text


async def test_a_histogram_has_every_bound_and_adds_up(world: World, metrics: Metrics) -> None:
    bounds = re.search(r"BOUNDS_MS = \{([^}]*)\}", source("leader"))
    assert bounds is not None
    assert tuple(int(bound) for bound in bounds[1].split(",")) == BOUNDS_MS, "the script's and the reader's differ"
    for n in (1, 2):
        run = await claim(world, n)
        await world.script.read(
            "HSET", world.script.keys("task", f"u{n}"), "admitted_ms", await now_ms(world.script) - 200
        )
        await answer(world, run)
    found = await page(metrics)
    assert of(found, "answer_seconds_bucket", "le=0.15") == 0
    assert of(found, "answer_seconds_bucket", "le=900") == of(found, "answer_seconds_bucket", "le=+Inf") == 2
    assert 0.4 <= (of(found, "answer_seconds_sum") or 0) < 60
