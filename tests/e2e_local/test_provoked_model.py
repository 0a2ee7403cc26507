"""Alerts of models and of a tried prompt, each by its fault: the model server, its list, its headers, and roles.yaml."""

import asyncio
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from openclaw_core.roles.canary import is_inside
from openclaw_core.store import RunRecords
from openclaw_core.tasks.receipt import digest
from tests.e2e_local.watched_bot import follow, full, watched
from tests.e2e_local.world import ROOT, World

pytestmark = [full, pytest.mark.timeout(600)]  # a busy machine is slow, not wrong
TRIED = "You write code, and you are being tried."


def roles_folder(folder: Path) -> Path:
    """The shipped roles, but for a model that ends within 30 days and a prompt that the coder tries in half of the chats."""
    base = shutil.copytree(ROOT / "platform/openclaw/base", folder / "base")
    file = base / "config/roles.yaml"
    roles = yaml.safe_load(file.read_text())
    roles["models"]["openai/gpt-oss-20b"]["ends"] = datetime.now(tz=UTC).date() + timedelta(days=20)
    roles["roles"]["coder"]["canary"] = {"prompt": "coder-next.md", "percent": 50}
    file.write_text(yaml.safe_dump(roles, allow_unicode=True, sort_keys=False))
    (base / "prompts/coder-next.md").write_text(TRIED)
    return base


async def ask(bot: World, chats: "list[int]", question: str) -> None:
    for chat_id in chats:
        bot.api.users.write(chat_id, f"/code {question}")
        await asyncio.sleep(0.1)


async def test_a_tried_prompt_does_harm_and_a_model_ends_and_is_near_its_limit(tmp_path: Path) -> None:
    base = roles_folder(tmp_path)
    async with watched(tmp_path, ROLES_DIR=str(base), DEMO_MODEL="no") as (bot, chat):
        started = time.monotonic()
        inside = [n for n in range(1, 200) if is_inside(digest(TRIED), str(n), 50)][:25]
        outside = [n for n in range(1, 200) if not is_inside(digest(TRIED), str(n), 50)][:25]
        bot.model.refused_prompt = TRIED
        bot.model.headers = {"x-ratelimit-limit-requests": "1000", "x-ratelimit-remaining-requests": "40"}
        harmed = asyncio.create_task(ask(bot, inside, "in tried chats"), name="ask in chats that try")
        await ask(bot, outside, "in the others")
        await harmed
        await asyncio.gather(
            chat.told("ModelEnds", since=started),
            chat.told("ModelNearLimit", since=started),
            chat.told("CanaryEnded", since=started),
        )
        failed = next(run for run in await RunRecords(bot.script).newest(count=50) if run.state == "failed")
        assert "refused" in await follow(bot, "CanaryEnded", ROLE="coder", ID=failed.task)

        shutil.rmtree(base)
        shutil.copytree(ROOT / "platform/openclaw/base", base)
        await bot.kill_brain()
        await bot.start_brain()
        await chat.over("ModelEnds", "ModelNearLimit", "CanaryEnded")


async def test_a_model_is_listed_no_more_and_another_is_limited(tmp_path: Path) -> None:
    async with watched(tmp_path, DEMO_MODEL="no") as (bot, chat):
        bot.model.listed = ["openai/gpt-oss-20b", "qwen/qwen3.8-27b"]
        since = time.monotonic()
        await bot.kill_brain()
        await bot.start_brain()  # it reads the list when it leads, then each hour
        bot.model.limited = {"openai/gpt-oss-20b"}
        limited = asyncio.create_task(ask(bot, list(range(300, 340)), "of many"), name="ask while the key is limited")
        await asyncio.gather(chat.told("ModelGone", since=since), chat.told("ModelLimited", since=since))
        await limited

        bot.model.limited, bot.model.listed = set(), []
        await bot.kill_brain()
        await bot.start_brain()
        await chat.over("ModelGone", "ModelLimited")
