"""Telegram's flood limits, kept for all processes of the bot in one place."""

import math
from enum import IntEnum

from openclaw_core.store.client import Script
from openclaw_core.task import ChatKind

# Telegram's published limits (telegram.constants.FloodLimit): 30 messages/s for a bot, 1/s in a chat with short bursts, 20/min in a group.
BOT_RATE_PER_S, BOT_BURST = 30.0, 30
CHAT_RATE_PER_S = {"private": 1.0, "group": 20 / 60}
CHAT_BURST = {"private": 3, "group": 5}


class Priority(IntEnum):
    """Who goes first when calls have to wait."""

    FINAL = 0
    RESERVE = 1
    FIRST_TEXT = 2
    PREVIEW = 3


# Tokens that a priority leaves for those before it.
BOT_RESERVE = (0, 4, 8, 12)
CHAT_RESERVE = (0, 0, 1, 1)


class Flood:
    """Buckets in Redis: `take` before each message, edit or file; `refused` after a 429."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def take(self, chat_id: int, kind: ChatKind, priority: Priority) -> float:
        """0 if the call may go now, else seconds after which to ask again."""
        wait_ms = await self._script.step(
            "flood_take",
            chat=str(chat_id),
            priority=int(priority),
            bot_rate=BOT_RATE_PER_S,
            bot_burst=BOT_BURST,
            chat_rate=CHAT_RATE_PER_S[kind],
            chat_burst=CHAT_BURST[kind],
            bot_reserve=BOT_RESERVE,
            chat_reserve=CHAT_RESERVE,
        )
        return float(wait_ms) / 1000

    async def refused(self, chat_id: int, *, retry_after_s: float) -> None:
        """A 429: the chat rests; three chats within a second let all rest."""
        await self._script.step("flood_refused", chat=str(chat_id), retry_after_ms=math.ceil(retry_after_s * 1000))
