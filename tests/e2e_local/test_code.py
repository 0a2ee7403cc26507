"""The Coder that proves its code, by the whole bot as processes: the sealed runner runs what the scripted model writes."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from openclaw_core.store import RunRecords
from openclaw_standin.model import ScriptedModel
from tests.e2e_local.world import World, world
from tests.runner.runners import needs_sealing
from tests.timing import is_done_within

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), needs_sealing]
BROKEN = """\
import matplotlib.pyplot as plt


def mean(numbers):
    return sum(numbers) / len(number)


print(mean([1, 2, 6]))
plt.plot([1, 2, 6])
plt.show()
"""
REPAIRED = BROKEN.replace("len(number)", "len(numbers)")
TEST = "from main import mean\n\n\ndef test_mean():\n    assert mean([1, 2, 6]) == 3\n"


def run_code(code: str, **more: str) -> dict[str, Any]:
    return {"calls": [{"name": "run_code", "arguments": {"language": "python", "code": code, **more}}]}


def photos(bot: World, chat_id: int) -> list[bytes]:
    """The pictures that stand in a chat."""
    state = bot.api.state
    found = (message["photo"][-1]["file_id"] for message in state.messages(chat_id) if "photo" in message)
    return [stored[3] for file_id in found if (stored := state.storage.stored_file(file_id))]


@asynccontextmanager
async def coder(folder: Path, **settings: str) -> AsyncIterator[tuple[World, ScriptedModel]]:
    """The bot with its shipped roles, and a model that calls by script."""
    async with (
        ScriptedModel.open(first_token_s=0.01, tokens_per_s=2000, chunk_s=0.01) as model,
        world(folder, GROQ_BASE_URL=model.url, DEMO_MODEL="no", **settings) as bot,
    ):
        yield bot, model


async def test_a_program_with_a_bug_is_repaired_in_the_second_round(tmp_path: Path) -> None:
    async with coder(tmp_path) as (bot, model):
        model.scripts.add(
            {"when": "mean", "turns": [run_code(BROKEN, test=TEST), run_code(REPAIRED, test=TEST), {"text": f"It adds and divides.\n\n```python\n{REPAIRED}```"}]}
        )  # fmt: skip
        bot.api.users.write(1, "/code the mean of three numbers")
        await bot.until(lambda: any("What ran" in text for text in bot.texts(1)))
        [answer] = bot.texts(1)
        assert "Try 1: python, exit 1" in answer
        assert "NameError: name 'number' is not defined" in answer
        assert "Try 2: python, exit 0" in answer
        assert "test passed" in answer
        assert answer.count("return sum(numbers)") == 1
        assert "Its picture follows." in answer
        await bot.all_ended(1)
        [picture] = photos(bot, 1)
        assert picture.startswith(b"\x89PNG")
        [run] = await RunRecords(bot.script).newest(count=5)
        assert [[call.get("fault") for call in step["calls"]] for step in json.loads(run.run)["steps"]] == [
            ["failed"],
            [None],
        ]


async def test_an_agent_that_is_killed_between_runs_is_followed_by_one_that_goes_on(tmp_path: Path) -> None:
    async with coder(tmp_path) as (bot, model):
        model.scripts.add(
            {"when": "mean", "turns": [run_code(REPAIRED), {**run_code("print('slow')"), "delay_s": 6.0}, {"text": f"Done.\n\n```python\n{REPAIRED}```"}]}
        )  # fmt: skip
        bot.api.users.write(1, "/code the mean of three numbers")
        await bot.until(lambda: len(model.calls) == 2)
        [agent] = bot.agents_at(int(model.url.rpartition(":")[2]))
        agent.kill()
        await bot.until(lambda: any("What ran" in text for text in bot.texts(1)), timeout_s=120)
        [answer] = [text for text in bot.texts(1) if "What ran" in text]
        assert "Try 2: python, exit 0" in answer
        assert "slow" in answer
        await bot.all_ended(1)
        assert len(photos(bot, 1)) == 1  # of the run before the kill


async def test_stop_ends_running_code_within_two_seconds(tmp_path: Path) -> None:
    async with coder(tmp_path) as (bot, model):
        model.scripts.add({"when": "endless", "turns": [run_code("while True: pass"), {"text": "Never."}]})
        stopped = 0

        async def stop() -> float:
            nonlocal stopped
            stopped += 1
            bot.api.users.write(stopped, "/code endless")
            await bot.until(lambda: spinning(bot))
            began = time.monotonic()
            bot.api.users.write(stopped, "/stop")
            await bot.until(lambda: not spinning(bot))
            took_s = time.monotonic() - began
            await bot.until(lambda: any("Stopped" in text for text in bot.texts(stopped)))
            return took_s

        await is_done_within(2, stop)
        assert len(model.calls) == stopped


async def test_a_loop_and_a_flood_are_ended_and_told(tmp_path: Path) -> None:
    flood = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    async with coder(tmp_path) as (bot, model):
        model.scripts.add(
            {"when": "endless", "turns": [run_code("while True: pass"), run_code(flood), {"text": "Neither ends."}]}
        )
        bot.api.users.write(1, "/code endless")
        await bot.until(lambda: any("What ran" in text for text in bot.texts(1)), timeout_s=90)
        [answer] = bot.texts(1)
        assert "Try 1: python, stopped at the time limit" in answer
        assert "Try 2: python, stopped: too much output" in answer
        assert "while True: sys" in answer
        assert not spinning(bot)


def spinning(bot: World) -> list[psutil.Process]:
    """Sealed processes of this bot: what the handlers of its runners have forked."""
    assert bot.brain is not None
    found = []
    for process in psutil.Process(bot.brain.pid).children(recursive=True):
        try:
            above = process.parents()[:2]
            if len(above) == 2 and all("openclaw_runner" in one.cmdline() for one in above):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
