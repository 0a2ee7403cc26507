"""Sending traces: each run that has ended once, to a real collector over HTTP; one that is away is waited for."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from openclaw_brain.loops import Loop
from openclaw_brain.tracing.export import GIVEN_UP_S, RETRY_S, TraceExport, names_of
from openclaw_brain.tracing.otlp import OtlpExporter
from openclaw_brain.tracing.spans import Names, Span
from openclaw_core.roles.check import load_roles
from openclaw_core.store import Script
from openclaw_core.tasks.timings import Part, Timing
from openclaw_core.tasks.work import Answered
from openclaw_core.trace_ids import trace_id
from tests.core.store_world import USAGE, World, task
from tests.fakes.collector import Collector, collector

NAMES = Names(roles={"coder"}, models={"m"}, tools=frozenset())
SPAN = Span(trace="0" * 31 + "1", id="0" * 15 + "1", parent="", name="message", service="brain", start_ms=1, end_ms=2)
ASKED = Timing(part=Part.MODEL, at_ms=0, ms=0, of="m", prompt_tokens=10, answer_tokens=2)


@dataclass
class FakeExporter:
    """*refusals* requests are not taken."""

    refusals: int = 0
    asked: int = 0
    spans: list[Span] = field(default_factory=list)

    async def export(self, spans: Sequence[Span]) -> bool:
        self.asked += 1
        if self.refusals:
            self.refusals -= 1
            return False
        self.spans += spans
        return True

    @property
    def tasks(self) -> list[object]:
        return [one.attributes["openclaw.task_id"] for one in self.spans if not one.parent]


@dataclass
class Desk:
    """The loop over a real store, with a clock of its own: *passes* sleeps, then it ends."""

    world: World
    exporter: FakeExporter = field(default_factory=FakeExporter)
    waits: list[float] = field(default_factory=list)
    later_s: float = 0.0

    async def answered(self, *numbers: int) -> None:
        for n in numbers:
            run = await self.world.claimed(task(n, chat=n))
            await self.world.end(run, Answered(markdown="4", usage=USAGE, timings=(ASKED,)))
            await self.world.shown(f"t:u{n}")

    async def clock_s(self) -> float:
        seconds, micros = await self.world.script.read("TIME")
        return int(seconds) + int(micros) / 1e6

    async def follow(self, passes: int, *, then: tuple[int, ...] = ()) -> None:
        now_s = await self.clock_s()

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            if len(self.waits) >= passes:
                raise asyncio.CancelledError
            if len(self.waits) == 1:
                await self.answered(*then)

        export = TraceExport(
            records=self.world.runs, exporter=self.exporter, names=NAMES, bot_id=1, clock=lambda: now_s + self.later_s
        )
        with pytest.raises(asyncio.CancelledError):
            await export.run(Loop(sleep=sleep))


@pytest.fixture
async def desk(script: Script) -> Desk:
    world = World(script)
    await world.lead()
    return Desk(world)


async def test_each_run_that_ends_is_sent_once(desk: Desk) -> None:
    await desk.answered(1, 2)
    await desk.follow(3, then=(3,))
    assert desk.exporter.tasks == ["u1", "u2", "u3"]
    assert desk.exporter.asked == 2


async def test_a_collector_that_is_away_is_waited_for_and_loses_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.exporter.refusals = 2
    await desk.answered(1)
    with caplog.at_level("INFO"):
        await desk.follow(4, then=(2,))
    assert desk.exporter.tasks == ["u1", "u2"]
    assert desk.waits[:2] == [RETRY_S, RETRY_S]
    assert [one.message for one in caplog.records if one.message.startswith("traces.")] == [
        "traces.not_sent", "traces.sent_again",
    ]  # fmt: skip


async def test_a_new_leader_sends_what_ended_in_the_last_minutes_again_and_nothing_older(desk: Desk) -> None:
    await desk.answered(1)
    await desk.follow(1)
    first = list(desk.exporter.spans)
    desk.waits.clear()
    await desk.follow(1)
    assert desk.exporter.spans == first * 2
    assert {one.id for one in desk.exporter.spans} == {one.id for one in first}
    desk.waits.clear()
    desk.later_s = 600
    await desk.follow(1)
    assert len(desk.exporter.spans) == 2 * len(first)


async def test_what_a_collector_refuses_for_an_hour_is_left_out(desk: Desk) -> None:
    await desk.answered(1)
    desk.exporter.refusals = 1
    now_s = await desk.clock_s()
    clock = iter([now_s, now_s, now_s + GIVEN_UP_S + 60])

    async def sleep(seconds: float) -> None:
        desk.waits.append(seconds)
        if len(desk.waits) == 2:
            raise asyncio.CancelledError

    export = TraceExport(
        records=desk.world.runs, exporter=desk.exporter, names=NAMES, bot_id=1, clock=lambda: next(clock)
    )
    with pytest.raises(asyncio.CancelledError):
        await export.run(Loop(sleep=sleep))
    assert desk.exporter.asked == 1


async def test_a_row_that_cannot_be_read_keeps_no_other_back(desk: Desk) -> None:
    await desk.world.script.read("XADD", desk.world.script.keys("runs"), "*", "task", "u0", "admitted_ms", "nan")
    await desk.answered(1)
    await desk.follow(1)
    assert desk.exporter.tasks == ["u1"]


async def sent(taken: Collector, desk: Desk) -> None:
    """One pass with OpenTelemetry's exporter."""
    async with OtlpExporter.at(f"{taken.url}/v1/traces", {"x-tenant": "a"}, environment="staging") as exporter:
        desk.exporter = exporter  # type: ignore[assignment]
        await desk.follow(1)


async def test_a_collector_gets_one_connected_trace_of_a_message(desk: Desk) -> None:
    desk.world.news._timings = True
    await desk.answered(1)
    async with collector() as taken:
        await sent(taken, desk)
    [root] = [one for one in taken.spans if not one.parent]
    assert {one.trace for one in taken.spans} == {trace_id(1, "u1")}
    assert {one.parent for one in taken.spans} <= {"", *(one.id for one in taken.spans)}
    assert (root.name, root.kind, root.service) == ("message", 2, "openclaw-brain")
    [asked] = [one for one in taken.spans if one.name == "chat m"]
    [answer] = [one for one in taken.spans if one.name == "answer"]
    assert (asked.kind, asked.service) == (3, "openclaw-agent")
    assert (asked.parent, answer.parent, root.parent) == (answer.id, root.id, "")
    assert asked.attributes["gen_ai.usage.input_tokens"] == 10
    assert taken.headers[0]["x-tenant"] == "a"


async def test_a_failure_stands_in_the_status_of_its_span(desk: Desk) -> None:
    await desk.world.failed(await desk.world.claimed(task(1)))
    await desk.world.shown("t:u1")
    async with collector() as taken:
        await sent(taken, desk)
    assert {(one.name, one.status, one.message) for one in taken.spans if one.status} == {
        ("message", 2, "model_down"), ("answer", 2, "model_down"),
    }  # fmt: skip


async def test_a_collector_that_refuses_is_asked_again(desk: Desk) -> None:
    await desk.answered(1)
    async with collector() as taken:
        taken.statuses = [400]
        await sent(taken, desk)
        assert desk.waits == [RETRY_S]
        desk.waits.clear()
        await sent(taken, desk)
    assert [one.name for one in taken.spans].count("message") == 1


async def test_a_collector_that_does_not_answer_has_taken_nothing() -> None:
    async with OtlpExporter.at("http://127.0.0.1:1/v1/traces", {}, environment="staging") as exporter:
        assert not await exporter.export([SPAN])


def test_where_traces_are_off_nothing_is_loaded_for_them() -> None:
    code = "import sys\nimport openclaw_brain.__main__, openclaw_brain.app\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "openclaw_brain.tracing.export" in loaded
    assert "openclaw_brain.tracing.otlp" not in loaded


def test_no_process_has_opentelemetry_s_library() -> None:
    """Where it is installed, redis-py loads it into every process, also where traces are off."""
    for lock in ("brain", "agent", "runner", "cli"):
        assert "opentelemetry" not in (Path(__file__).parents[2] / f"requirements/{lock}.txt").read_text()


def test_the_names_that_spans_may_hold_are_those_of_the_configuration(platform_base: Path) -> None:
    roles = load_roles(platform_base)
    names = names_of(roles, "mine")
    assert {"coder", "researcher", "summarizer"} <= set(names.roles)
    assert {"mine", *roles.models} == set(names.models)
    assert {"web_search", "open_page", "run_code", "read_document"} <= set(names.tools)
