"""👍 and 👎 under an answer, and a correction of one, from the chat to what `openclaw runs` shows."""

from pathlib import Path
from typing import Any

import pytest

from openclaw_core.store.feedback import FeedbackRecords
from openclaw_core.tasks.feedback import Feedback
from tests.e2e_local.world import World, world

pytestmark = pytest.mark.timeout(300)  # a busy machine is slow, not wrong


async def given(bot: World) -> list[Feedback]:
    return list((await FeedbackRecords(bot.script).by_task()).values())


async def test_buttons_under_an_answer_and_a_correction_are_kept_beside_its_run(tmp_path: Path) -> None:
    async with world(tmp_path, FEEDBACK_BUTTONS="yes") as bot:
        bot.api.users.write(5, "/code what is one and one?")
        await bot.answered(5, "what is one and one?")

        def votes() -> tuple[dict[str, Any], list[str]] | None:
            """The answer with its buttons, once delivery has put them there."""
            for message in bot.api.messages(5):
                rows = message.get("reply_markup", {}).get("inline_keyboard", [])
                data = [button["callback_data"] for row in rows for button in row]
                if data and data[0].startswith("up:"):
                    return message, data
            return None

        await bot.until(votes)
        shown = votes()
        assert shown is not None
        answer, [up, down] = shown
        for data in (up, down, down):
            bot.api.users.press(5, answer["message_id"], data)

        async def is_down() -> bool:
            return await given(bot) == [Feedback(vote="down")]

        await bot.until(is_down)
        await bot.until(lambda: not bot.api.state.open_callbacks)  # each press has its toast
        bot.api.users.write(5, "wrong, it is two")

        async def is_corrected() -> bool:
            return await given(bot) == [Feedback(vote="down", corrected=True)]

        await bot.until(is_corrected)
        assert "wrong, it is two" not in bot.log.read_text()
