"""Asking a deployed bot what its roles try: through the stand-in, with a real brain whose coder tries a prompt."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openclaw_core.roles.check import load_roles
from openclaw_core.tasks.receipt import digest
from openclaw_gitops.canary_command import ask
from openclaw_gitops.canary_verdicts import CanaryVerdict, State, read_verdicts
from openclaw_gitops.errors import FAILED, USAGE, CommandError
from openclaw_gitops.smoke import Settings
from tests.e2e_local.world import World, world
from tests.fakes.second_bot import SecondBot
from tests.gitops.conftest import ROOT
from tests.gitops.smoke_bot import GROUP, SECOND_TOKEN, SMOKE_BOT, variables
from tests.workflows.workflow_files import workflows

BASE = ROOT / "platform/openclaw/base"
NEXT = "You write code, and you say first what it does."


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[World]:
    roles = tmp_path / "roles"
    shutil.copytree(BASE, roles)
    (roles / "prompts/coder-next.md").write_text(NEXT)
    text = (roles / "config/roles.yaml").read_text()
    tries = "    prompt: coder.md\n    canary: {prompt: coder-next.md, percent: 5}\n"
    (roles / "config/roles.yaml").write_text(text.replace("    prompt: coder.md\n", tries))
    async with world(tmp_path, SMOKE_BOT_IDS=SMOKE_BOT, ALLOWED_USER_IDS="1", ROLES_DIR=str(roles)) as up:
        up.api.users.add_group(GROUP, title="Smoke")
        SecondBot(up.api, token=SECOND_TOKEN)
        yield up


async def test_the_bot_tells_its_second_bot_what_it_tries(bot: World) -> None:
    said = await asyncio.to_thread(ask, Settings.from_env(variables(bot.api)), within_s=30)

    own = digest(load_roles(BASE).roles["coder"].prompt)
    assert read_verdicts(said) == [CanaryVerdict(role="coder", state=State.TRIED, tried=digest(NEXT), own=own)]
    assert SECOND_TOKEN not in bot.log.read_text()


async def test_the_workflow_keeps_what_the_bot_says(bot: World, tmp_path: Path) -> None:
    """Its step runs without a package, as on GitHub's machine."""
    [workflow] = [one for one in workflows() if one.name == "canaries.yaml"]
    [step] = [one for job, one in workflow.steps() if job == "ask" and "run" in one]
    given = {name: value for name, value in variables(bot.api).items() if name in {*step["env"], "TELEGRAM_BASE_URL"}}
    assert set(step["env"]) < set(given), "no variable that the script does not read"
    env = {"PATH": os.environ["PATH"], "PYTHON": str(bare_python(tmp_path)), "RUNNER_TEMP": str(tmp_path), **given}

    process = await asyncio.create_subprocess_exec(
        "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"], cwd=ROOT, env=env, stdout=subprocess.PIPE
    )
    printed, _ = await process.communicate()

    assert process.returncode == 0
    said = (tmp_path / "canaries/answer.txt").read_text()
    assert said == printed.decode()
    [verdict] = read_verdicts(said)
    assert (verdict.role, verdict.tried) == ("coder", digest(NEXT))


async def test_a_bot_that_is_not_listed_is_told_nothing(bot: World) -> None:
    await bot.stop_brain()
    await bot.start_brain(SMOKE_BOT_IDS="77")

    with pytest.raises(CommandError, match="is this bot in its SMOKE_BOT_IDS") as stopped:
        await asyncio.to_thread(ask, Settings.from_env(variables(bot.api)), within_s=6)
    assert stopped.value.code == FAILED


def bare_python(folder: Path) -> Path:
    """A Python without packages."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -s "$@"\n')
    python.chmod(0o755)
    return python


def test_it_runs_where_nothing_is_installed(tmp_path: Path) -> None:
    """Beside the bot's token no code of others is imported."""
    env = {"PATH": os.environ["PATH"], "PYTHON": str(bare_python(tmp_path))}
    done = subprocess.run(
        [ROOT / "scripts/canary-ask"], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == USAGE
    assert "SMOKE_BOT_TOKEN" in done.stderr
