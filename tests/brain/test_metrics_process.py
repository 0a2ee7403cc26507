"""What a brain tells of itself and of its store, and what outlives it."""

from pathlib import Path

from openclaw_brain.metrics import Metrics
from openclaw_core.store import RedisSettings, open_script
from openclaw_core.tasks.outcome import Cause
from tests.brain.metrics_page import answer, claim, metrics, now_ms, of, page, world
from tests.core.store_world import World
from tests.redis_server import RedisServer

__all__ = ["metrics", "world"]


async def test_how_full_redis_is_is_told_by_who_looks_and_the_oldest_display_tells_how_long_it_waits(
    world: World, metrics: Metrics
) -> None:
    assert of(await page(metrics), "store_memory_share") == 0
    metrics.memory_seen(0.83)
    await world.effects({"op": "notice", "key": "n", "chat": "1", "kind": "new", "lang": "en"})
    await world.script.read("HSET", world.script.keys("notice", "n"), "at", await now_ms(world.script) - 30_000)
    found = await page(metrics)
    assert of(found, "store_memory_share") == 0.83
    assert 30 <= (of(found, "queue_age_seconds", "queue=notices") or 0) < 60
    metrics.forget()
    assert of(await page(metrics), "store_memory_share") == 0


async def test_steps_of_this_brain_are_timed(world: World, metrics: Metrics) -> None:
    before = of(await page(metrics), "store_step_seconds_count")
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    found = await page(metrics)
    assert of(found, "store_step_seconds_count") == (before or 0) + 1
    assert 0 < (of(found, "store_step_seconds_sum") or 0) < 60


async def test_a_standby_tells_of_itself_only(world: World, metrics: Metrics) -> None:
    await answer(world, await claim(world, 1))
    metrics.leading = False
    found = await page(metrics)
    assert of(found, "leader") == 0
    assert of(found, "store_up") == 1
    assert of(found, "tasks_ended_total", "state=closed", "cause=") is None


async def test_what_this_process_sees_of_pools_templates_and_the_watch(metrics: Metrics) -> None:
    now = 100.0
    metrics.clock = lambda: now
    metrics.loop_ages_s = lambda: {"lanes": 0.5}
    assert of(await page(metrics), "watch_age_seconds", "kind=jobs") is None
    assert of(await page(metrics), "updates_age_seconds") is None
    metrics.watch_confirmed("jobs")
    metrics.telegram_heard()
    metrics.causes = lambda: {"agent": Cause.IMAGE}
    metrics.template_fallback("agent", True)
    now += 12
    metrics.watch_confirmed("pods")
    found = await page(metrics)
    assert of(found, "leader") == 1
    assert of(found, "watch_age_seconds", "kind=jobs") == 12
    assert of(found, "watch_age_seconds", "kind=pods") == 0
    assert of(found, "updates_age_seconds") == 12
    assert of(found, "loop_age_seconds", "loop=lanes") == 0.5
    assert of(found, "pool_cause", "template=agent", "cause=image") == 1
    assert of(found, "template_fallback", "template=agent") == 1
    metrics.template_fallback("agent", False)
    assert of(await page(metrics), "template_fallback", "template=agent") == 0

    metrics.models_listed(("m", "n"), {"n"})
    found = await page(metrics)
    assert of(found, "model_gone", "model=m") == 0
    assert of(found, "model_gone", "model=n") == 1

    metrics.forget()
    found = await page(metrics)
    assert of(found, "model_gone", "model=n") is None
    assert of(found, "leader") == 0
    assert of(found, "pool_cause", "template=agent", "cause=image") is None
    assert of(found, "watch_age_seconds", "kind=jobs") is None
    assert of(found, "updates_age_seconds") is None


async def test_counts_outlive_the_brain_and_a_killed_redis_and_the_page_outlives_redis(
    tmp_path: Path, bot_id: int
) -> None:
    with RedisServer.start(tmp_path) as server:
        async with open_script(RedisSettings(url=server.url, timeout_s=1), bot_id=bot_id) as script:
            world = World(script)
            world.agent = world.work("job-1", pool="agent-0123abcd")
            await world.lead()
            await answer(world, await claim(world, 1))
            server.kill()
            metrics = Metrics(script=script, roles=("coder",), leading=True)
            found = await page(metrics)
            assert (of(found, "store_up"), of(found, "leader")) == (0, 1)
            server.up()
        async with open_script(RedisSettings(url=server.url), bot_id=bot_id) as script:
            found = await page(Metrics(script=script, roles=("coder",), leading=True))
            assert of(found, "deliveries_total", "text=answer", "outcome=delivered") == 1
