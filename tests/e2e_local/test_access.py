"""Two people and one bot, as processes: an owner lets a newcomer in by a button, and who asks to be forgotten is."""

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


async def test_who_asks_to_be_forgotten_leaves_no_word_in_redis(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        for user in (OWNER, NEWCOMER):
            bot.api.users.write(user, f"/code marker-{user}")
            await bot.answered(user, f"marker-{user}")
        bot.api.users.write(NEWCOMER, "/forget")
        question = await told(bot, NEWCOMER, "Delete what I keep of you")
        [[delete, _]] = question["reply_markup"]["inline_keyboard"]
        bot.api.users.press(NEWCOMER, question["message_id"], delete["callback_data"])
        await told(bot, NEWCOMER, "Done: what I kept of you is deleted")

        left: set[int] = set()
        for name in await bot.script.read("KEYS", bot.script.keys("*")):
            value = str(await _value(bot, name))
            left |= {user for user in (OWNER, NEWCOMER) if f"marker-{user}" in value}
        assert left == {OWNER}


async def _value(bot: World, name: str) -> Any:
    """What stands at a key, of whatever type."""
    reads: dict[str, tuple[Any, ...]] = {
        "string": ("GET", name), "hash": ("HGETALL", name), "list": ("LRANGE", name, 0, -1), "set": ("SMEMBERS", name),
        "zset": ("ZRANGE", name, 0, -1), "stream": ("XRANGE", name, "-", "+"), "none": ("GET", name),
    }  # fmt: skip
    return await bot.script.read(*reads[await bot.script.read("TYPE", name)])
