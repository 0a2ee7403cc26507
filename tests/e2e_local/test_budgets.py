"""A budget as users meet it: a word when it is nearly used, a sentence when it is, /usage in between, and another brain that knows of all of it."""

import shutil
from pathlib import Path

import pytest

from openclaw_core.store import RunRecords
from tests.e2e_local.world import ROOT, world

pytestmark = pytest.mark.timeout(300)  # a busy machine is slow, not wrong


async def test_a_user_is_warned_then_refused_and_an_answer_is_never_cut_off(tmp_path: Path) -> None:
    base = shutil.copytree(ROOT / "platform/openclaw/base", tmp_path / "base")
    budgets = base / "config/budgets.yaml"
    async with world(tmp_path) as bot:
        bot.api.users.write(5, "/code first")
        await bot.answered(5, "first")
        await bot.all_ended(1)
        tokens = int((await bot.script.read("HGET", bot.script.keys("spent", "user", 5), "day_tokens")) or 0)
        assert tokens > 0, "what is spent is counted without any limit"
        assert await bot.script.read("EXISTS", bot.script.keys("budget.reserved")) == 0

        await bot.stop_brain()
        budgets.write_text(f"user:\n  day: {{tokens: {2 * tokens - 1}}}\n", encoding="utf-8")
        await bot.start_brain(ROLES_DIR=str(base))
        bot.api.users.write(5, "/usage")
        await bot.until(
            lambda: any(f"{tokens - 1:,} of {2 * tokens - 1:,} tokens left" in text for text in bot.texts(5))
        )
        bot.api.users.write(5, "/code second")
        await bot.answered(5, "second")
        await bot.until(lambda: any("Your budget for today is 100% used" in text for text in bot.texts(5)))

        asked = len(bot.model.prompts)
        bot.api.users.write(5, "/code third")
        await bot.until(lambda: any("Your budget for today is used up. It goes on at" in text for text in bot.texts(5)))
        bot.api.users.write(6, "/code of another")
        await bot.answered(6, "of another")

        assert len(bot.model.prompts) == asked + 1, "the third one reached no model"
        await bot.all_ended(4)
        runs = await RunRecords(bot.script).newest(count=9)
        assert sorted(run.cause for run in runs) == ["", "", "", "budget"]
        counted = await bot.script.read("HGET", bot.script.keys("spent", "all"), "day_tokens")
        assert sum(int(run.tokens or 0) for run in runs) == int(counted or 0) == 3 * tokens
        assert await bot.script.read("ZCARD", bot.script.keys("budget.reserved")) == 0
        log = bot.log.read_text(errors="replace")
        assert '"task.over_budget"' in log


async def test_who_waits_for_a_budget_in_many_groups_holds_up_nobody_else(tmp_path: Path) -> None:
    base = shutil.copytree(ROOT / "platform/openclaw/base", tmp_path / "base")
    (base / "config/budgets.yaml").write_text("user:\n  day: {tokens: 1000}\n", encoding="utf-8")
    groups = [-100501, -100502, -100503, -100504]
    async with world(tmp_path, ROLES_DIR=str(base), RUNNING_CAP="2") as bot:
        bot.model.first_s = 2
        for group in groups:
            bot.api.users.add_group(group)
            bot.api.users.write(group, f"/code of {group}", user_id=5)
        await bot.until(lambda: bot.model.seen)
        bot.api.users.write(6, "/code of another")
        await bot.answered(6, "of another")
        assert len(bot.model.seen) <= 3, "of the user who is near a limit one question is answered at a time"
        for group in groups:
            await bot.answered(group, f"of {group}")
        assert await bot.script.read("ZCARD", bot.script.keys("budget.reserved")) == 0
