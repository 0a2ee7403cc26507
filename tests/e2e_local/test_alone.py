"""The agent by itself: the environment is its whole contract, and a repeat of the same task id is harmless."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from openclaw_core.tasks.outcome import Exit
from tests.e2e_local.world import ROOT, TOKEN, World, world

pytestmark = pytest.mark.timeout(300)


async def alone(bot: World, **settings: str) -> tuple[int, str]:
    env = {
        "PATH": os.environ["PATH"], "TELEGRAM_TOKEN": TOKEN, "GROQ_API_KEY": "k", "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(bot.redis.port),
        "TELEGRAM_BASE_URL": bot.api.url, "GROQ_BASE_URL": bot.model.url, **settings,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "openclaw_agent",
        env=env,
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    _, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, errors.decode()


async def test_one_task_from_the_environment_and_its_repeat(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.api.users.write(5, "/help")
        task = {"TASK": "lonely question", "ROLE": "coder", "CHAT_ID": "5", "TASK_ID": "t1"}
        assert (await alone(bot, **task))[0] == Exit.DONE
        await bot.answered(5, "lonely question")
        assert (await alone(bot, **task))[0] == Exit.DONE
        assert bot.model.seen == ["lonely question"]
        assert bot.verdict({5: ["lonely question"]})["twice"] == []


async def test_two_starts_at_the_same_time_answer_once(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.api.users.write(5, "/help")
        task = {"TASK": "lonely question", "ROLE": "coder", "CHAT_ID": "5", "TASK_ID": "t1"}
        codes = [code for code, _ in await asyncio.gather(*(alone(bot, **task) for _ in range(2)))]
        assert codes == [Exit.DONE, Exit.DONE]
        await bot.answered(5, "lonely question")
        assert bot.verdict({5: ["lonely question"]})["twice"] == []


async def test_a_wrong_token_is_told_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        task = {"TASK": "secret words", "ROLE": "coder", "CHAT_ID": "5", "TELEGRAM_TOKEN": f"{TOKEN}-but-wrong"}
        async with asyncio.timeout(60):
            code, errors = await alone(bot, **task)
        assert (code, "TELEGRAM_TOKEN is refused by Telegram" in errors) == (Exit.MISCONFIGURED, True)
        assert "secret" not in errors
        assert bot.model.seen == []


async def test_what_is_wrong_is_said_without_the_task(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        code, errors = await alone(bot, TASK="secret words", ROLE="coder", CHAT_ID="five")
        assert code == Exit.MISCONFIGURED
        assert "CHAT_ID" in errors
        assert "secret" not in errors
        code, errors = await alone(bot, TASK="secret words", ROLE="poet", CHAT_ID="5")
        assert code == Exit.MISCONFIGURED
        assert "ROLE must be one of coder, researcher, summarizer" in errors
        code, errors = await alone(bot)
        assert (code, "TASK is missing" in errors) == (Exit.MISCONFIGURED, True)
