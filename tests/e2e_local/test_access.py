"""Two people and one bot, as processes: a newcomer asks, an owner lets them in by a button, and then they are answered."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e_local.world import ROOT, World, world

pytestmark = pytest.mark.timeout(300)  # a busy machine is slow, not wrong
OWNER, NEWCOMER = 5, 6


async def told(bot: World, chat: int, beginning: str) -> dict[str, Any]:
    """The bot's message in a chat whose text matches."""

    def found() -> dict[str, Any] | None:
        messages = bot.api.messages(chat)
        return next((one for one in messages if re.search(beginning, one.get("text", ""))), None)

    message = await bot.until(found)
    assert isinstance(message, dict)
    return message


async def test_a_newcomer_is_let_in_by_an_owner_and_answered_and_a_restart_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "roles"
    shutil.copytree(ROOT / "platform/openclaw/base/config", folder / "config")
    shutil.copytree(ROOT / "platform/openclaw/base/prompts", folder / "prompts")
    (folder / "config/access.yaml").write_text(f"owners: [{OWNER}]\n")
    async with world(tmp_path, ALLOWED_USER_IDS="", ROLES_DIR=str(folder)) as bot:
        bot.api.users.write(OWNER, "/code of the owner")
        await bot.answered(OWNER, "of the owner")
        bot.api.users.write(NEWCOMER, "/code may I?")
        code = re.findall(r"[A-Z2-9]{4}-[A-Z2-9]{4}", (await told(bot, NEWCOMER, "Your code is"))["text"])[0]
        request = await told(bot, OWNER, f"User {NEWCOMER} asks")
        assert code in request["text"]

        bot.api.users.press(OWNER, request["message_id"], f"pair:user:{NEWCOMER}:{code}")
        await told(bot, NEWCOMER, "You're in")
        bot.api.users.write(NEWCOMER, "/code of the newcomer")
        await bot.answered(NEWCOMER, "of the newcomer")

        await bot.stop_brain()
        await bot.start_brain()
        bot.api.users.write(NEWCOMER, "/code after a restart")
        await bot.answered(NEWCOMER, "after a restart")
        bot.api.users.write(OWNER, f"/remove {NEWCOMER}")
        await told(bot, OWNER, "may not use the bot any more")
        bot.api.users.write(NEWCOMER, "/code once more")
        await told(bot, NEWCOMER, "not open to you yet")

        log = bot.log.read_text(errors="replace")
        assert code not in log
        assert code.replace("-", "") not in log
