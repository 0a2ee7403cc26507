"""A tried prompt whose answers come, and please nobody: 👎 under them ends it."""

import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from openclaw_core.roles.canary import is_inside
from openclaw_core.store import RunRecords
from openclaw_core.tasks.receipt import digest
from tests.e2e_local.test_canary import NEXT, roles_that_try
from tests.e2e_local.world import World, world

pytestmark = pytest.mark.timeout(600)
PERCENT = 30


def down_of(bot: World, chat: int) -> tuple[dict[str, Any], str] | None:
    """The answer in a chat and its 👎, once delivery has put that there."""
    for message in bot.api.messages(chat):
        for row in message.get("reply_markup", {}).get("inline_keyboard", []):
            for button in row:
                if button["callback_data"].startswith("down:"):
                    return message, button["callback_data"]
    return None


async def test_bad_feedback_ends_a_prompt_within_sixty_answers_and_two_minutes(tmp_path: Path) -> None:
    """Each chat that tries the prompt presses 👎 as soon as it can. Nobody else presses anything."""
    roles = roles_that_try(tmp_path / "roles", PERCENT)
    async with world(tmp_path, ROLES_DIR=str(roles), FEEDBACK_BUTTONS="yes") as bot:
        records, inside, pressed, began = RunRecords(bot.script), list[int](), set[int](), 0.0

        def press() -> None:
            nonlocal began
            for chat in inside:
                if chat not in pressed and (found := down_of(bot, chat)):
                    message, data = found
                    bot.api.users.press(chat, message["message_id"], data)
                    pressed.add(chat)
                    began = began or time.monotonic()

        def ended() -> bool:
            return '"canary.ended"' in bot.log.read_text(errors="replace")

        for chat in count(1):
            if ended():
                break
            if is_inside(digest(NEXT), str(chat), PERCENT):
                inside.append(chat)
            bot.api.users.write(chat, f"/code question {chat}")

            async def room(written: int = chat) -> bool:
                press()
                return ended() or written - sum((await records.outcomes()).values()) < 8

            await bot.until(room)

        took_s, shown = time.monotonic() - began, sum((await records.outcomes()).values())
        print(f"ended {took_s:.1f} s after the first press; {len(pressed)} pressed, of {shown} answers")
        assert len(pressed) <= 60
        assert took_s <= 120
