"""The drill of docs/disaster.md, "The bot's token is stolen": the old token ends, messages wait, and a brain with the new one answers them."""

import time
from pathlib import Path

import pytest

from tests.e2e_local.world import TOKEN, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # a busy machine is slow, not wrong
NEW = f"{TOKEN.partition(':')[0]}:marker-new-token-never-logged"


async def test_messages_that_wait_for_a_new_token_are_answered_once(tmp_path: Path) -> None:
    async with world(tmp_path) as bot:
        bot.model.words, bot.model.word_s = 60, 0.05
        bot.api.users.write(1, "/code q1")
        await bot.answered(1, "q1")
        bot.api.users.write(2, "/code q2")
        await bot.until(lambda: len(bot.model.seen) == 2)

        bot.api.state.token = NEW  # /revoke at BotFather, in the middle of an answer
        revoked = time.monotonic()
        for chat in range(3, 7):
            bot.api.users.write(chat, f"/code q{chat}")
        await bot.until(lambda: "updates.unauthorized" in bot.log.read_text())
        noticed_s = time.monotonic() - revoked
        assert bot.brain is not None
        assert bot.brain.returncode is None, "it asks on"

        replaced = time.monotonic()
        assert await bot.stop_brain() == 0  # as a brain in a cluster does by itself: tests/brain/test_secret_files.py
        ended_s = time.monotonic() - replaced
        await bot.start_brain(TELEGRAM_TOKEN=NEW)
        for chat in range(2, 7):
            await bot.answered(chat, f"q{chat}")
        answered_s = time.monotonic() - replaced
        await bot.all_ended(6)

        assert all(len(bot.texts(chat)) == 1 for chat in range(1, 7))
        log = bot.log.read_text()
        assert TOKEN.partition(":")[2] not in log
        assert NEW.partition(":")[2] not in log
    print(
        f"refused after {noticed_s:.1f} s, ended within {ended_s:.1f} s, all answered {answered_s:.1f} s after the new token"
    )
