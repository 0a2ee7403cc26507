"""`openclaw runs`: the list, its filters, `--follow`, `stats`, and the time line of `show`."""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from openclaw_cli.runs.arguments import since
from openclaw_cli.runs.causes import WORDS, in_words
from openclaw_cli.runs.choose import Choice
from openclaw_cli.runs.rows import cost_parts
from openclaw_cli.runs.stats import count, count_prompts, percentile
from openclaw_cli.runs.timeline import moments
from openclaw_core.store import Script
from openclaw_core.store.canaries import TriedPrompt
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import CallUsage, StepUsage
from openclaw_core.tasks.work import Answered
from tests.cli.test_commands import ROOT, openclaw
from tests.core.store_world import USAGE, World, task

NOON = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp() * 1000)
RUN = RunRecord(
    task="u1", state="closed", delivery="delivered", role="coder", decision="rule", attempt="1", job="agent-x", warm="1",
    run='{"model": "m", "prompt_tokens": 100, "answer_tokens": 20}', micro_usd="1500", admitted_ms=str(NOON),
    queued_ms=str(NOON + 10), ready_ms=str(NOON + 50), claimed_ms=str(NOON + 90), first_text_ms=str(NOON + 900),
    answered_ms=str(NOON + 1900), ended_ms=str(NOON + 2000),
)  # fmt: skip


async def test_runs_lists_what_ended_without_the_users_words(script: Script, redis_url: str, bot_id: int) -> None:
    world = World(script)
    await world.lead()
    run = await world.claimed(task(1, text="marker-of-the-user"))
    assert await world.agent.write(run, "marker-of")
    await world.answered(run, "marker-of-the-answer")
    await world.show_all()
    where = {"TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url}
    code, out = await openclaw("runs", "--json", **where)
    assert code == 0, out
    [row] = json.loads(out)
    assert (row["task"], row["role"], row["decision"], row["state"], row["delivery"]) == (
        "u1",
        "coder",
        "rule",
        "closed",
        "delivered",
    )
    assert row["tokens"] == 12
    assert row["took_s"] >= row["first_text_s"] > 0
    assert "marker" not in out
    code, out = await openclaw("runs", COLUMNS="200", **where)
    assert (code, "u1" in out, "marker" in out) == (0, True, False)


async def test_runs_tells_the_feedback_on_an_answer(script: Script, redis_url: str, bot_id: int) -> None:
    world = World(script)
    await world.lead()
    await world.answered(await world.claimed(task(1)))
    await world.show_all()
    await world.effects({"op": "correction", "chat": "1", "user": "9", "within_ms": 60_000})
    where = {"TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url}
    _, listed = await openclaw("runs", "--json", **where)
    _, shown = await openclaw("runs", "show", "u1", **where)
    _, counted = await openclaw("runs", "stats", "--by-prompt", "--json", **where)
    assert [row["feedback"] for row in json.loads(listed)] == ["correction"]
    assert "correction" in shown
    assert [(row["retried"], row["corrected"], row["up"], row["down"]) for row in json.loads(counted)] == [(0, 1, 0, 0)]


async def test_runs_tells_what_became_of_an_agent_that_was_lost(script: Script, redis_url: str, bot_id: int) -> None:
    world = World(script)
    await world.lead()
    await world.claimed(task(1))
    await world.lanes.fail("u1", Cause.OUT_OF_MEMORY, epoch=world.epoch)
    await world.show_all()
    await world.pools.note_job(
        "u1", cause=Cause.OUT_OF_MEMORY, detail="OOMKilled", log_tail='{"event": "task.claimed"}'
    )
    await world.show_all()
    where = {"TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url}
    code, out = await openclaw("runs", "--json", **where)
    assert code == 0, out
    [row] = json.loads(out)
    assert (row["state"], row["job_cause"], row["job_detail"]) == ("failed", "out_of_memory", "OOMKilled")
    assert row["log_tail"] == '{"event": "task.claimed"}'
    code, out = await openclaw("runs", COLUMNS="200", **where)
    assert (code, "OOMKilled" in out) == (0, True)


async def test_runs_show_prints_the_steps_of_an_answer(script: Script, redis_url: str, bot_id: int) -> None:
    world = World(script)
    await world.lead()
    run = await world.claimed(task(1, text="marker-of-the-user"))
    calls = (
        CallUsage(tool="web_search", ms=120),
        CallUsage(tool="open_page", ms=9000, fault="timed_out", arguments="ab", result="cd"),
    )
    usage = replace(USAGE, steps=(StepUsage(model_ms=350, calls=calls), StepUsage(model_ms=410, calls=calls[:1])))
    await world.end(run, Answered(markdown="marker-of-the-answer", usage=usage))
    await world.show_all()
    where = {"TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url}
    code, out = await openclaw("runs", "show", "u1", "--json", **where)
    assert code == 0, out
    shown = json.loads(out)
    assert (shown["task"], shown["tokens"], [step["model_ms"] for step in shown["steps"]]) == ("u1", 12, [350, 410])
    assert shown["steps"][0]["calls"][1] == {
        "tool": "open_page", "ms": 9000, "fault": "timed_out", "arguments": "ab", "result": "cd",
    }  # fmt: skip
    code, out = await openclaw("runs", "show", "u1", COLUMNS="200", **where)
    assert code == 0
    assert "step 1: model 350 ms, then web_search 120 ms, open_page 9000 ms (timed_out)" in out
    assert "marker" not in out
    code, out = await openclaw("runs", "show", "u2", **where)
    assert (code, "no run of u2" in out) == (1, True)


async def test_runs_show_says_why_a_run_failed(script: Script, redis_url: str, bot_id: int) -> None:
    world = World(script)
    await world.lead()
    await world.claimed(task(1))
    await world.lanes.fail("u1", Cause.OUT_OF_MEMORY, epoch=world.epoch)
    await world.show_all()
    await world.pools.note_job("u1", cause=Cause.OUT_OF_MEMORY, detail="OOMKilled", log_tail="its last line")
    await world.show_all()
    code, out = await openclaw("runs", "show", "u1", TELEGRAM_TOKEN=f"{bot_id}:x", REDIS_URL=redis_url)
    assert code == 0, out
    assert "failed, and the chat was told: out_of_memory, the agent took more memory than its limit" in out
    assert "OOMKilled" in out
    assert "its last line" in out


async def test_runs_show_prints_an_agents_last_lines_as_they_are(script: Script, redis_url: str, bot_id: int) -> None:
    world = World(script)
    await world.lead()
    await world.claimed(task(1))
    await world.lanes.fail("u1", Cause.CRASH, epoch=world.epoch)
    await world.show_all()
    lines = '{"at": ["[/usr/lib/x.py]"], "tag": "[red]"} \x1b]0;title\x07\x1b[2J\nits last line'
    await world.pools.note_job("u1", cause=Cause.CRASH, detail="[/exit 1]", log_tail=lines)
    await world.show_all()
    where = {"TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url}
    code, out = await openclaw("runs", "show", "u1", COLUMNS="200", **where)
    assert code == 0, out
    assert '"at": ["[/usr/lib/x.py]"], "tag": "[red]"}' in out
    assert "its last line" in out
    assert "\x1b" not in out, "an agent's words do not steer the terminal"
    code, out = await openclaw("runs", COLUMNS="250", **where)
    assert (code, "[/exit 1]" in out) == (0, True), out


async def test_runs_are_chosen_by_role_state_and_cause(script: Script, redis_url: str, bot_id: int) -> None:
    world = World(script)
    await world.lead()
    await world.answered(await world.claimed(task(1)), "an answer")
    await world.claimed(task(2, chat=8))
    await world.lanes.fail("u2", Cause.DEADLINE, epoch=world.epoch)
    await world.show_all()
    where = {"TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url}
    for asked, wanted in (
        ((), ["u2", "u1"]),
        (("--state", "failed"), ["u2"]),
        (("--cause", "deadline", "--role", "coder"), ["u2"]),
        (("--role", "researcher"), []),
        (("--since", "1h", "--count", "1"), ["u2"]),
        (("--since", "2000-01-01"), ["u2", "u1"]),
    ):
        code, out = await openclaw("runs", "--json", *asked, **where)
        assert code == 0, out
        assert [row["task"] for row in json.loads(out)] == wanted, asked
    code, out = await openclaw("runs", "stats", "--json", **where)
    assert code == 0, out
    [coder, everything] = json.loads(out)
    assert (coder["role"], coder["runs"], coder["answered"], coder["failed"]) == ("coder", 2, 1, 1)
    assert (everything["day"], everything["success_percent"]) == ("all", 50.0)


async def test_runs_follow_shows_each_run_when_it_has_ended(script: Script, redis_url: str, bot_id: int) -> None:
    world = World(script)
    await world.lead()
    await world.answered(await world.claimed(task(1)), "an answer")
    await world.show_all()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "openclaw_cli", "runs", "--follow", "--json"),
        env={"PATH": os.environ["PATH"], "TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url},
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert json.loads(await process.stdout.readline())["task"] == "u1"
            await world.answered(await world.claimed(task(2, chat=8)), "another")
            await world.show_all()
            assert json.loads(await process.stdout.readline())["task"] == "u2"
    finally:
        process.terminate()
        await process.wait()


def test_a_time_line_says_what_happened_when() -> None:
    usage = '{"steps": [{"model_ms": 300, "calls": [{"tool": "web_search", "ms": 120}]}, {"model_ms": 200}]}'
    lost = replace(RUN, run=usage, lost="node_lost", attempt="2", warm="0", route_ms="30", route_tokens="9")
    assert [(moment.at_s, moment.what) for moment in moments(lost)] == [
        (0.0, "message admitted (2026-11-30 12:00:00 UTC)"),
        (0.01, "put into the queue of its chat"),
        (0.05, "given to agents: role coder, picked by rule; routing took 30 ms, 9 tokens"),
        (None, "an agent before was lost: node_lost, the agent's node went away"),
        (0.09, "claimed by a new agent, agent-x, attempt 2"),
        (None, "step 1: model 300 ms, then web_search 120 ms"),
        (None, "step 2: model 200 ms"),
        (0.9, "first words"),
        (1.9, "the agent was through"),
        (2.0, "answered and shown (delivery: delivered)"),
    ]


def test_the_parts_of_a_cost_are_named_and_the_rest_is_the_answers() -> None:
    spent = replace(RUN, micro_usd="2000", route_micro_usd="300", search_micro_usd="500", lost_micro_usd="200")
    assert cost_parts(spent) == {
        "answer": 0.001, "routing": 0.0003, "searches": 0.0005, "attempts without an answer": 0.0002,
    }  # fmt: skip
    assert cost_parts(replace(spent, state="failed", micro_usd="1000")).keys() & {"answer"} == set()
    assert cost_parts(replace(spent, micro_usd="")) == {}


def test_a_state_of_a_later_release_is_shown_as_it_is() -> None:
    assert moments(replace(RUN, state="paused"))[-1].what.startswith("paused")


def test_a_run_that_never_reached_an_agent_has_a_time_line_too() -> None:
    run = RunRecord(
        task="u1", state="failed", cause="queue_deadline", admitted_ms=str(NOON), ended_ms=str(NOON + 900_000)
    )
    assert [moment.what for moment in moments(run)][1:] == [
        "failed, and the chat was told: queue_deadline, it waited for 15 minutes (delivery: unknown)"
    ]


def test_stats_count_by_day_and_role() -> None:
    day_before = str(NOON - 86_400_000)
    runs = [
        RUN,
        replace(RUN, admitted_ms=str(NOON - 8000), micro_usd=""),
        replace(RUN, state="failed", micro_usd="", run=""),
        replace(RUN, state="cancelled", micro_usd="", run=""),
        replace(RUN, role="", ended_ms=day_before, admitted_ms="", micro_usd="", run=""),
    ]
    today, before, everything = count(runs)
    assert today == {
        "day": "2026-11-30", "role": "coder", "runs": 4, "answered": 2, "failed": 1, "stopped": 1, "success_percent": 66.7,
        "p50_s": 2.0, "p95_s": 10.0, "tokens": 240, "usd": 0.0015, "unpriced": 1,
        "retried": 0, "corrected": 0, "up": 0, "down": 0,
    }  # fmt: skip
    assert (before["day"], before["role"], before["p50_s"]) == ("2026-11-29", "none", "")
    assert (everything["runs"], everything["answered"]) == (5, 3)
    assert count([])[0]["success_percent"] == ""


@pytest.mark.parametrize(("percent", "wanted"), [(50, 2.0), (95, 4.0), (1, 1.0)])
def test_a_percentile_is_a_value_that_was_seen(percent: int, wanted: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == wanted


def test_a_time_is_an_age_or_a_day() -> None:
    assert since("2026-11-30") == datetime(2026, 11, 30, tzinfo=UTC).timestamp()
    assert abs(since("2h") - (datetime.now(UTC).timestamp() - 7200)) < 60
    with pytest.raises(argparse.ArgumentTypeError, match="is no time: write 30m"):
        since("yesterday")


def test_what_ended_before_is_not_chosen() -> None:
    assert Choice(since_s=NOON / 1000).takes(RUN)
    assert not Choice(since_s=NOON / 1000 + 3).takes(RUN)


def test_every_cause_has_its_words_and_a_later_one_is_shown_as_it_is() -> None:
    assert set(WORDS) == set(Cause)
    assert in_words("of_a_later_release") == "of_a_later_release"


def test_stats_by_prompt_count_failures_beside_the_answers_of_the_same_prompt() -> None:
    tried = '{"model": "m", "receipt": {"prompt": "aaaa"}}'
    own = '{"model": "m", "receipt": {"prompt": "bbbb"}}'
    runs = [
        replace(RUN, run=tried, order="1"), replace(RUN, run="", order="1", state="failed"),
        replace(RUN, run="", order="1", state="cancelled"),
        replace(RUN, run=own, order="2"), replace(RUN, run=own, order="2"), replace(RUN, run="", order="3", state="failed"),
    ]  # fmt: skip
    rows = {
        row["prompt"]: (row["runs"], row["answered"], row["failed"], row["stopped"]) for row in count_prompts(runs, {})
    }
    assert rows == {"aaaa": (3, 1, 1, 1), "bbbb": (2, 2, 0, 0), "": (1, 0, 1, 0)}
    assert count_prompts([], {}) == []


TRIED = TriedPrompt(prompt="aaaa", since="0")


@pytest.mark.parametrize(
    ("entry", "says"), [(TRIED, "tried"), (replace(TRIED, good=True), "good"), (replace(TRIED, ended=True), "ended")]
)
def test_stats_by_prompt_say_what_became_of_the_canary(entry: TriedPrompt, says: str) -> None:
    usages = {prompt: f'{{"model": "m", "receipt": {{"prompt": "{prompt}"}}}}' for prompt in ("aaaa", "bbbb")}
    runs = [replace(RUN, order=prompt, run=usage) for prompt, usage in usages.items()]
    assert {row["prompt"]: row["canary"] for row in count_prompts(runs, {"coder": entry})} == {"aaaa": says, "bbbb": ""}
