"""What a message to a role without tools costs Redis, on top of what is asked with nothing to do.

Counted are calls of scripts, and bytes to and from all clients.
"""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from openclaw_cli.bench.costs import Costs, costs_of
from openclaw_cli.bench.roles import folder_without_tools
from tests.e2e_local.world import ROOT, World, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
SCRIPT_CALLS, KB = 12, 10
WORDS = 100
IDLE_S = 12.0
"""Three rounds of what agents ask while they wait."""
CHATS = range(20, 26)


async def _settled(bot: World) -> None:
    await bot.nothing_to_put_again()
    await asyncio.sleep(2)  # an agent that has left is followed by another one, which waits


async def _asked(bot: World) -> None:
    """One message after the other, each in a chat of its own."""
    for chat in CHATS:
        bot.api.users.write(chat, f"/code m{chat}")
        await bot.answered(chat, f"m{chat}")
        await asyncio.sleep(1)  # the end is written down, and the next agent waits


async def _a_message(bot: World) -> dict[str, float]:
    assert bot.brain is not None
    bot.model.words, bot.model.word_s = WORDS, 0.01
    bot.api.users.write(5, "/code first")  # the role's prompt is not a message's own
    await bot.answered(5, "first")
    await _settled(bot)
    idle: Costs = await costs_of(partial(asyncio.sleep, IDLE_S), bot.script, bot.brain.pid)
    spent = await costs_of(partial(_asked, bot), bot.script, bot.brain.pid)
    return spent.without_idle(idle).each(len(CHATS))


# Where an agent does one task, its process is new with each message: it connects, reads the role's prompt, and is seen to come and go.
@pytest.mark.parametrize("tasks_per_job", ["1", "50"])
async def test_a_short_message_costs_few_calls_and_little_traffic(tmp_path: Path, tasks_per_job: str) -> None:
    roles = str(folder_without_tools(ROOT / "platform/openclaw/base", tmp_path / "roles"))
    async with world(tmp_path, TASKS_PER_JOB=tasks_per_job, WARM_AGENTS="1", ROLES_DIR=roles) as bot:
        cost = await _a_message(bot)
    assert cost["script_calls"] <= SCRIPT_CALLS, cost
    assert cost["kb"] <= KB, cost
