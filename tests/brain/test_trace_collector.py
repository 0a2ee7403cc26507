"""What the brain sends is what the OpenTelemetry Collector reads: its own receiver takes it, and its own exporter says
in protobuf what it took.
"""

import copy
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from openclaw_brain.tracing.otlp import OtlpExporter, request_of
from openclaw_brain.tracing.spans import Names, Span, spans_of
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.timings import Part, Timing, timings_json
from tests.fakes.collector import Collector, TakenSpan, collector
from tests.fakes.otelcol import otelcol

pytestmark = pytest.mark.timeout(60)
NAMES = Names(roles={"coder"}, models={"m"}, tools={"web_search"})
AT_MS = 1_900_000_000_123
"""A time of today's size: in nanoseconds it is beyond what a number of JSON can hold exactly."""
TIMINGS = (
    Timing(part=Part.MODEL, at_ms=10, ms=100, of="m", fault="model_busy"),
    Timing(part=Part.MODEL, at_ms=110, ms=301, of="m", prompt_tokens=10, answer_tokens=2),
    Timing(part=Part.TOOL, at_ms=411, ms=50, of="web_search"),
)
RUN = RunRecord(
    task="u1", state="closed", delivery="delivered", role="coder", decision="rule", attempt="1", warm="1", admitted_ms=f"{AT_MS}",
    queued_ms=f"{AT_MS + 5}", released_ms=f"{AT_MS + 10}", ready_ms=f"{AT_MS + 60}", claimed_ms=f"{AT_MS + 80}", attempt_ms=f"{AT_MS + 80}",
    answered_ms=f"{AT_MS + 580}", through_ms=f"{AT_MS + 580}", ended_ms=f"{AT_MS + 700}", timings=timings_json(TIMINGS),
)  # fmt: skip
SENT = spans_of(RUN, NAMES, bot_id=7)


@pytest.fixture
async def store() -> AsyncIterator[Collector]:
    """What a trace store behind the Collector gets."""
    async with collector() as taken:
        yield taken


@pytest.fixture
async def url(store: Collector, tmp_path: Path) -> AsyncIterator[str]:
    async with otelcol(tmp_path, store) as found:
        yield f"{found}/v1/traces"


def as_taken(span: Span) -> TakenSpan:
    """*span* as it has to arrive."""
    return TakenSpan(
        trace=span.trace, id=span.id, parent=span.parent, name=span.name, service=f"openclaw-{span.service}",
        start_ns=span.start_ms * 1_000_000,
        end_ns=span.end_ms * 1_000_000, kind=3 if span.calls_out else 1 if span.parent else 2,
        status=2 if span.fault else 0, message=span.fault,
        attributes=dict(span.attributes),
    )  # fmt: skip


async def test_the_collector_passes_on_each_span_as_it_was_sent(store: Collector, url: str) -> None:
    async with OtlpExporter.at(url, {}, environment="staging") as exporter:
        assert await exporter.export(SENT)

    assert store.headers[0]["Content-Type"] == "application/x-protobuf", "the Collector wrote what arrives"
    assert sorted(store.spans, key=lambda one: one.id) == sorted(map(as_taken, SENT), key=lambda one: one.id)


async def test_the_collector_passes_on_one_connected_trace(store: Collector, url: str) -> None:
    async with OtlpExporter.at(url, {}, environment="staging") as exporter:
        assert await exporter.export(SENT)

    by_id = {one.id: one for one in store.spans}
    [root] = [one for one in store.spans if not one.parent]
    assert {one.trace for one in store.spans} == {root.trace}
    assert {by_id[one.parent].name for one in store.spans if one.parent} == {"message", "answer"}
    assert {type(value) for one in store.spans for value in one.attributes.values()} == {str, int, bool}


Change = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda span: span.update(traceId=span["traceId"][:16]), id="a trace's id of 8 bytes"),
        pytest.param(lambda span: span.update(spanId=span["spanId"] * 2), id="a span's id of 16 bytes"),
        pytest.param(lambda span: span.update(spanId="not hexadecimal!"), id="a span's id in letters"),
        pytest.param(lambda span: span.update(parentSpanId="12"), id="a parent of 1 byte"),
        pytest.param(lambda span: span.update(startTimeUnixNano="1.9e18"), id="a time that is no whole number"),
        pytest.param(lambda span: span.update(name=7), id="a name that is a number"),
    ],
)
async def test_the_collector_refuses_what_is_not_otlp(store: Collector, url: str, change: Change) -> None:
    """So the two tests above say something of the bytes that we send."""
    body = request_of(SENT, environment="staging")
    assert await status_of(url, body) == 200
    broken = copy.deepcopy(body)
    change(broken["resourceSpans"][0]["scopeSpans"][0]["spans"][1])

    assert await status_of(url, broken) == 400
    assert len(store.spans) == len(SENT)


async def status_of(url: str, body: dict[str, Any]) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.post(url, json=body)).status_code


async def test_a_refused_trace_was_not_taken_and_is_no_error(store: Collector, url: str) -> None:
    async with OtlpExporter.at(url, {}, environment="staging") as exporter:
        assert not await exporter.export([replace(SENT[0], trace="12")])

    assert store.spans == []


async def test_a_trace_store_that_is_away_behind_the_collector_is_heard_of(store: Collector, url: str) -> None:
    """The Collector here has no queue of its own: one with a queue would answer for it."""
    store.statuses = [503]
    async with OtlpExporter.at(url, {}, environment="staging") as exporter:
        assert not await exporter.export(SENT)
        assert await exporter.export(SENT)
