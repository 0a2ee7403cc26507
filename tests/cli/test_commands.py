"""`openclaw ask`, `runs` and `bench local` as processes, as people run them."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from openclaw_core.roles.check import load_roles
from openclaw_core.store import Script
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.work import Answered
from openclaw_standin.model import ScriptedModel
from openclaw_standin.model.script import answer_for, digest
from tests.core.store_world import USAGE, World, task

ROOT = Path(__file__).parents[2]


async def openclaw(*args: str, **settings: str) -> tuple[int, str]:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openclaw_cli", *args, env=env | settings, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_ask_answers_in_the_terminal_by_the_role_that_fits() -> None:
    question = "write a python function that reverses a list"
    async with ScriptedModel.open(first_token_s=0.01, tokens_per_s=2000, tokens=20) as model:
        code, out = await openclaw("ask", question, GROQ_API_KEY="k", GROQ_BASE_URL=model.url)
    coder = load_roles(ROOT / "platform/openclaw/base").roles["coder"]
    assert code == 0, out
    assert "Coder" in out
    assert digest(question) in out
    assert [call.model for call in model.calls] == [coder.models[0]]
    assert answer_for(question, tokens=3).split()[0] in out


async def test_ask_says_what_went_wrong_and_what_to_do() -> None:
    async with ScriptedModel.open(api_key="right") as model:
        code, out = await openclaw(
            "ask", "hello there", "--role", "coder", GROQ_API_KEY="wrong", GROQ_BASE_URL=model.url
        )
        assert (code, "does not accept this bot's key" in out) == (1, True)
        code, out = await openclaw("ask", "hello", "--role", "poet", GROQ_API_KEY="k", GROQ_BASE_URL=model.url)
    assert code == 78
    assert "--role must be one of coder, researcher, summarizer" in out
    assert "Traceback" not in out


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
    calls = [{"tool": "web_search", "ms": 120}, {"tool": "open_page", "ms": 9000, "fault": "timed_out"}]
    usage = {**USAGE, "steps": [{"model_ms": 350, "calls": calls}, {"model_ms": 410, "calls": calls[:1]}]}
    await world.end(run, Answered(markdown="marker-of-the-answer", usage=usage))
    await world.show_all()
    where = {"TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url}
    code, out = await openclaw("runs", "show", "u1", "--json", **where)
    assert code == 0, out
    shown = json.loads(out)
    assert (shown["task"], shown["tokens"], [step["model_ms"] for step in shown["steps"]]) == ("u1", 12, [350, 410])
    assert shown["steps"][0]["calls"][1] == {"tool": "open_page", "ms": 9000, "fault": "timed_out"}
    code, out = await openclaw("runs", "show", "u1", COLUMNS="200", **where)
    assert code == 0
    assert re.search(r"1 +│ +350 +│ +web_search +│ +120", out), out
    assert re.search(r"open_page +│ +9000 +│ +timed_out", out)
    assert "marker" not in out
    code, out = await openclaw("runs", "show", "u2", **where)
    assert (code, "no run of u2" in out) == (1, True)


@pytest.mark.slow
async def test_bench_local_prints_its_table_and_loses_nothing() -> None:
    code, out = await openclaw(
        "bench", "local", "--messages", "6", "--chats", "3", "--rate", "0", "--warm", "1", COLUMNS="200"
    )
    assert code == 0, out
    report = json.loads(out.strip().splitlines()[-1])
    assert (report["lost"], report["twice"], report["out_of_order"]) == (0, 0, 0)
    assert sum(report["outcomes"].values()) == 6
    assert report["memory_mb"]["brain"] > 20
    assert all(value > 0 for value in report["a_message"].values()), report["a_message"]
    assert "first sign" in out
    assert "p95" in out
    assert "script calls" in out


async def test_bench_store_fills_a_redis_and_says_what_a_message_takes() -> None:
    code, out = await openclaw(
        "bench", "store", "--messages", "200", "--chats", "50", "--week", "700", "--answer-tokens", "20", COLUMNS="200"
    )
    assert code == 0, out
    report = json.loads(out.strip().splitlines()[-1])
    assert (report["messages"], report["until_records_go"]) == (200, False)
    kept = {kind: row["keys"] for kind, row in report["kinds"].items()}
    assert (kept["task"], kept["chat"], kept["turns"]) == (200, 50, 50)
    assert (kept["seen"], kept["msg"]) == (200, 200), "two days of 700 a week"
    assert "answer" not in kept
    assert report["bytes_a_message"] > 500
    assert "there is room" in out
