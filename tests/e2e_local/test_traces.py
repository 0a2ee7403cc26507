"""Traces of the whole bot as processes, taken by a collector: one message is one connected trace, and the log names it.

The collector is the project's own, OpenTelemetry Collector, which sends on what it read; and once ours alone, which sees the headers.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openclaw_core.store import RunRecords
from openclaw_core.trace_ids import trace_id
from openclaw_standin.model import ScriptedModel
from tests.e2e_local.test_tools import FIRST, search_service
from tests.e2e_local.world import TOKEN, World, world
from tests.fakes.collector import Collector, TakenSpan, collector
from tests.fakes.otelcol import otelcol
from tests.fakes.waterfall import waterfall

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BOT_ID = int(TOKEN.partition(":")[0])
ARTIFACTS = Path(__file__).parents[1] / "artifacts"
"""The picture of docs/traces.md is made here."""
WORDS = "marker-words-of-a-user tide"


def children(spans: Sequence[TakenSpan], parent: TakenSpan) -> list[TakenSpan]:
    return sorted((one for one in spans if one.parent == parent.id), key=lambda one: (one.start_ns, one.end_ns))


def names_in_log(bot: World, trace: str) -> set[str]:
    """The events of a trace in the log of all processes."""
    lines = [json.loads(line) for line in bot.log.read_text().splitlines() if line.startswith("{")]
    return {f"{line['service']} {line['event']}" for line in lines if line.get("trace_id") == trace}


@asynccontextmanager
async def endpoint(by: str, taken: Collector, folder: Path) -> AsyncIterator[str]:
    """The URL for the brain of a collector from which *taken* gets the spans."""
    if by == "ours":
        yield taken.url
    else:
        async with otelcol(folder, taken) as url:
            yield url


@pytest.mark.parametrize("by", ["otelcol", "ours"])
async def test_one_message_is_one_connected_trace(tmp_path: Path, by: str) -> None:
    async with (
        search_service() as searches,
        ScriptedModel.open(first_token_s=0.05, tokens_per_s=500, chunk_s=0.01) as model,
        collector() as taken,
        endpoint(by, taken, tmp_path) as url,
        world(
            tmp_path, GROQ_BASE_URL=model.url, SEARCH_URL=f"http://127.0.0.1:{searches.port}", OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_EXPORTER_OTLP_HEADERS="x-tenant=a",
        ) as bot,
    ):  # fmt: skip
        model.scripts.add({"when": "tide", "turns": [FIRST, {"text": "High water is at noon."}]})
        bot.api.users.write(1, f"/research {WORDS}")
        await bot.until(lambda: any(text.startswith("High water is at noon.") for text in bot.texts(1)))
        await bot.all_ended(1)
        await bot.until(lambda: taken.spans)
        assert await bot.stop_brain() == 0
    spans = taken.spans
    [root] = [one for one in spans if not one.parent]
    task = str(root.attributes["openclaw.task_id"])

    assert {one.trace for one in spans} == {root.trace} == {trace_id(BOT_ID, task)}
    assert len({one.id for one in spans}) == len(spans)
    assert [one.name for one in children(spans, root)] == [
        "inbox", "lane", "route", "wait for an agent", "answer", "deliver",
    ]  # fmt: skip
    answer = next(one for one in spans if one.name == "answer")
    assert [one.name for one in children(spans, answer)] == [
        "load", "prompt", "chat openai/gpt-oss-120b", "execute_tool web_search", "chat openai/gpt-oss-120b", "hand over",
    ]  # fmt: skip
    assert len(spans) == 13
    assert {one.service for one in children(spans, answer)} == {"openclaw-agent"}
    assert all(root.start_ns <= one.start_ns <= one.end_ns <= root.end_ns for one in spans)
    asked = [one for one in spans if one.name.startswith("chat")]
    assert all(one.end_ns - one.start_ns >= 50_000_000 for one in asked), "each request took as long as the model did"
    assert (taken.headers[0]["Content-Type"], taken.headers[0].get("x-tenant")) == {
        "otelcol": ("application/x-protobuf", None), "ours": ("application/json", "a"),
    }[by]  # fmt: skip
    assert "marker-words" not in str(spans)

    assert {"brain task.ready", "agent task.claimed", "agent tool.called", "agent task.answered"} <= names_in_log(
        bot, root.trace
    )
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "trace.svg").write_text(waterfall(spans, title="The trace of one message"))


async def test_without_a_collector_there_are_no_traces_and_the_log_still_names_one(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.api.users.write(5, "/code first question")
        await bot.answered(5, "first question")
        await bot.all_ended(1)
        [run] = await RunRecords(bot.script).newest(count=1)

        assert run.timings == ""
        assert "agent task.claimed" in names_in_log(bot, trace_id(BOT_ID, run.task))
