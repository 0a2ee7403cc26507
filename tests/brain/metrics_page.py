"""The page of metrics of a brain with a real store, as Prometheus reads it, and tasks that it counts."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from openclaw_brain.metrics import Metrics
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store import Script
from openclaw_core.store.figures import set_prices
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.work import Answered, Run
from tests.core.store_world import ORDER, World, task

MARKER = "a-word-of-the-user"
PRICED = ModelSpec(
    id="m", context_tokens=1, input_usd_per_mtok=0.15, cached_usd_per_mtok=0.075, output_usd_per_mtok=0.6
)
USAGE = RunUsage(model="m", prompt_tokens=1000, cached_tokens=400, answer_tokens=200)

Page = Mapping[tuple[str, frozenset[str]], float]


@pytest.fixture
async def world(script: Script) -> World:
    world = World(script)
    world.agent = world.work("job-1", pool="agent-0123abcd")
    await world.lead()
    await set_prices(script, {"m": PRICED}, epoch=world.epoch)
    return world


@pytest.fixture
def metrics(script: Script) -> Metrics:
    return Metrics(script=script, roles=("coder",), leading=True)


async def page(metrics: Metrics) -> Page:
    """Samples by name and `label=value` pairs."""
    families = text_string_to_metric_families((await metrics.page()).decode())
    return {
        (sample.name, frozenset(f"{label}={value}" for label, value in sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def of(found: Page, name: str, *labels: str) -> float | None:
    return found.get((f"openclaw_{name}", frozenset(labels)))


async def claim(world: World, n: int, role: str = "coder") -> Run:
    one = task(n, text=MARKER)
    await world.ask(one)
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    assert await world.lanes.dispatch(
        one.with_snapshot(replace(ORDER, role=role)),
        pool="agent-0123abcd",
        decision="model",
        route_ms=1,
        route_tokens=300,
        epoch=world.epoch,
    )
    return await world.claim()


async def answer(world: World, run: Run, usage: RunUsage = USAGE) -> None:
    """The run's agent answers, and the answer is shown."""
    assert await world.agent.write(run, MARKER)
    await world.end(run, Answered(markdown=MARKER, usage=usage))
    await world.show_all()


async def now_ms(script: Script) -> int:
    seconds, micros = await script.read("TIME")
    return int(seconds) * 1000 + int(micros) // 1000
