"""Stand-in for Telegram's Bot API, with a chat page for people, faults on request and a journal of all calls.

The scripted model server is in `openclaw_standin.model`.
"""

from openclaw_standin.bot_api.server import BotApi

__all__ = ["BotApi"]
