"""A canary from its first chat to the change in Git: people write, the tried prompt does harm, the bot ends it and says so."""

import asyncio
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from openclaw_cli.bench.roles import folder_without_tools
from openclaw_core.roles.canary import is_inside
from openclaw_core.store import RunRecords
from openclaw_core.tasks.outcome import TaskState
from openclaw_core.tasks.receipt import digest
from openclaw_gitops.canary_command import ask
from openclaw_gitops.canary_verdicts import State, read_verdicts
from openclaw_gitops.smoke import Settings
from tests.e2e_local.world import ROOT, World, world
from tests.fakes.second_bot import SecondBot
from tests.gitops.smoke_bot import GROUP, SECOND_TOKEN, SMOKE_BOT, variables

pytestmark = pytest.mark.timeout(600)
NEXT = "You write code. A marker of the tried prompt."
SHIPPED = ROOT / "platform/openclaw/base"


def roles_that_try(folder: Path, percent: float) -> Path:
    """The shipped roles without tools, whose coder tries a prompt."""
    roles = folder_without_tools(SHIPPED, folder)
    (roles / "prompts/coder-next.md").write_text(NEXT)
    text = (roles / "config/roles.yaml").read_text()
    assert "    prompt: coder.md\n" in text
    tries = f"    prompt: coder.md\n    canary: {{prompt: coder-next.md, percent: {percent}}}\n"
    (roles / "config/roles.yaml").write_text(text.replace("    prompt: coder.md\n", tries))
    return roles


@dataclass(frozen=True, kw_only=True)
class Told:
    """What people went through, in runs and seconds."""

    inside: int
    """Chats that tried the prompt."""
    failed: int
    harm_s: float
    """From the first failure to the end of the canary."""


async def people_write(bot: World, *, chats: int, percent: float, at_a_time: int = 12) -> Told:
    """One question in each of *chats* chats, a few at a time, until all are through or the canary was ended."""
    records, numbers, began = RunRecords(bot.script), count(1), 0.0
    inside = 0

    async def ended() -> bool:
        return '"canary.ended"' in bot.log.read_text(errors="replace")

    for _ in range(chats):
        if await ended():
            break
        chat = next(numbers)
        inside += is_inside(digest(NEXT), str(chat), percent)
        bot.api.users.write(chat, f"/code question {chat}")

        async def room(written: int = chat) -> bool:
            nonlocal began
            outcomes = await records.outcomes()
            if not began and any(name.startswith(TaskState.FAILED) for name in outcomes):
                began = time.monotonic()
            return written - sum(outcomes.values()) < at_a_time

        await bot.until(room)
    await bot.until(ended)
    took_s = time.monotonic() - began
    failed = sum(n for name, n in (await records.outcomes()).items() if name.startswith(TaskState.FAILED))
    return Told(inside=inside, failed=failed, harm_s=took_s)


async def test_a_prompt_that_does_harm_is_ended_and_the_bot_says_so_to_its_second_bot(tmp_path: Path) -> None:
    roles = roles_that_try(tmp_path / "roles", 30)
    async with world(tmp_path, ROLES_DIR=str(roles), DEMO_MODEL="no", SMOKE_BOT_IDS=SMOKE_BOT) as bot:
        bot.api.users.add_group(GROUP, title="Smoke")
        SecondBot(bot.api, token=SECOND_TOKEN)
        bot.model.fails_prompt = NEXT

        told = await people_write(bot, chats=200, percent=30)

        assert told.failed <= 60
        assert told.harm_s < 120
        again = next(chat for chat in count(1000) if is_inside(digest(NEXT), str(chat), 30))
        bot.api.users.write(again, "/code is it over")
        await bot.answered(again, "is it over")

        [verdict] = read_verdicts(await asyncio.to_thread(ask, Settings.from_env(variables(bot.api)), within_s=30))
        assert (verdict.role, verdict.state, verdict.tried) == ("coder", State.ENDED, digest(NEXT))
        assert verdict.of_tried.harmed == verdict.of_tried.runs <= told.failed
        assert verdict.of_own.harmed == 0
