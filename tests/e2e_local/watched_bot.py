"""A bot of processes whose operators are told of its faults, and who follow docs/alerts.md."""

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.alerts.operators import Operators, brain_job, operators
from tests.alerts.runbook import commands, named
from tests.alerts.servers import free_port
from tests.e2e_local.world import ROOT, TOKEN, World, world

full = pytest.mark.skipif(os.environ.get("OPENCLAW_E2E") != "full", reason="takes minutes: make e2e-full")


@asynccontextmanager
async def watched(folder: Path, **settings: str) -> AsyncIterator[tuple[World, Operators]]:
    """The bot, and who reads the operators' chat."""
    port = free_port()
    (folder / "bot").mkdir()
    async with (
        world(folder / "bot", HEALTH_PORT=str(port), **settings) as bot,
        operators(folder / "operators", brain_job(port)) as chat,
    ):
        yield bot, chat


async def follow(bot: World, alert: str, **names: str) -> str:
    """Run the commands of the alert's section that work without a cluster, and give what they print.

    *names* stand in a command in capitals. `valkey-cli` is not there: the server gets the rest of the line. Raises AssertionError for a command
    that fails, or if none of the section's commands can be run here.
    """
    printed = []
    for command in commands(alert):
        program, *arguments = shlex.split(named(command.replace(" --cluster ENV", ""), **names))
        if program == "openclaw" and arguments[0] in ("runs", "doctor"):
            printed.append(await _openclaw(bot, *arguments))
        elif program == "valkey-cli" and "--memkeys" not in arguments:  # that is the program's own
            printed.append(str(await bot.script.read(*(arguments[2:] if arguments[0] == "--user" else arguments))))
    assert printed, f"docs/alerts.md#{alert.lower()} names no command for one machine"
    return "\n".join(printed)


async def _openclaw(bot: World, *arguments: str) -> str:
    env = {**bot.settings, "COLUMNS": "200", "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_BASE_URL": bot.api.url, "REDIS_URL": bot.redis.url, "GROQ_API_KEY": "k", "GROQ_BASE_URL": bot.model_url}  # fmt: skip
    asked = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openclaw_cli", *arguments, cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT
    )  # fmt: skip
    said, _ = await asked.communicate()
    text = said.decode()
    assert asked.returncode == 0 or arguments[0] == "doctor", f"openclaw {' '.join(arguments)}: {text}"
    return text
