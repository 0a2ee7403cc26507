"""`openclaw ask` and `bench local` as processes, as people run them."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from openclaw_core.roles.check import load_roles
from openclaw_standin.model import ScriptedModel
from openclaw_standin.model.script import answer_for, short_digest

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
    assert short_digest(question) in out
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
