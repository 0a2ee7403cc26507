"""A bot that nobody asks keeps no agents, and a message wakes it."""

from pathlib import Path

import pytest

from openclaw_cli.bench.roles import folder_without_tools
from tests.e2e_local.world import ROOT, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # a busy machine is slow, not wrong


async def test_agents_go_when_nobody_asks_and_come_back_with_a_message(tmp_path: Path) -> None:
    roles = str(folder_without_tools(ROOT / "platform/openclaw/base", tmp_path / "roles"))
    async with world(tmp_path, SLEEP_AFTER_S="20", WARM_MAX_AGE_S="10", ROLES_DIR=roles) as bot:
        await bot.until(lambda: len(bot.agents()) >= 2)
        # An old agent and its successor may leave a moment without any, so the log comes first.
        await bot.until(lambda: "pool.sleeps" in bot.log.read_text(), timeout_s=90)
        await bot.until(lambda: not bot.agents(), timeout_s=90)

        bot.api.users.write(5, "first question")
        await bot.answered(5, "first question")

        assert "pool.wakes" in bot.log.read_text()
        await bot.until(lambda: len(bot.agents()) >= 2)
