"""Alerts of budgets, and of the way to the operators, each by its fault."""

import asyncio
import re
import shutil
import time
from pathlib import Path

import pytest
import yaml

from tests.e2e_local.watched_bot import follow, full, watched
from tests.e2e_local.world import ROOT, World

pytestmark = [full, pytest.mark.timeout(600)]  # a busy machine is slow, not wrong


async def ask(bot: World, chats: "list[int]", question: str) -> None:
    for chat_id in chats:
        bot.api.users.write(chat_id, f"/code {question}")
        await asyncio.sleep(0.1)


async def test_a_budget_is_spent_a_rule_fails_and_messages_to_the_operators_are_lost(tmp_path: Path) -> None:
    base = shutil.copytree(ROOT / "platform/openclaw/base", tmp_path / "base")
    async with watched(tmp_path, ROLES_DIR=str(base)) as (bot, chat):
        await ask(bot, [5], "first")
        await bot.all_ended(1)
        spent = int(await bot.script.read("HGET", bot.script.keys("spent", "all"), "day_tokens"))
        (base / "config/budgets.yaml").write_text(f"all: {{day: {{tokens: {round(spent * 1.1)}}}}}\n")
        since = time.monotonic()
        await bot.kill_brain()
        await bot.start_brain()
        await chat.told("BudgetNearlySpent", since=since)
        assert "coder" in await follow(bot, "BudgetNearlySpent")
        since = time.monotonic()
        await ask(bot, [6], "second")
        await chat.told("BudgetSpent", since=since)
        (base / "config/budgets.yaml").write_text(f"all: {{day: {{tokens: {spent * 10}}}}}\n")
        await bot.kill_brain()
        await bot.start_brain()
        await chat.over("BudgetNearlySpent", "BudgetSpent")

        wrong = {"alert": "Wrong", "expr": "openclaw_queue_length * on (namespace) openclaw_queue_age_seconds"}
        file = chat.folder / "wrong.rules.yaml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "wrong", "rules": [wrong]}]}))
        chat.api.faults.next("sendMessage", "unauthorized", times=None)  # the operators' token is refused meanwhile
        since = time.monotonic()
        await chat.read_rules_again()
        lost = r"Notify for alerts failed.*Unauthorized"  # it gives up when the group's next message is due
        await bot.until(lambda: re.search(lost, chat.logged("MessagesToOperatorsFail")))
        assert not any("RuleFails" in text for text in chat.texts())
        chat.api.faults.clear()
        await asyncio.gather(*(chat.told(name, since=since) for name in ("RuleFails", "MessagesToOperatorsFail")))
        assert "wrong.rules.yaml" in chat.logged("RuleFails"), chat.logged("RuleFails")
        file.unlink()
        await chat.read_rules_again()
        await chat.over("RuleFails", "MessagesToOperatorsFail")
