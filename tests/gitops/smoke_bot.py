"""A second bot that asks a deployed one: its token, its group, its variables."""

from openclaw_standin.bot_api import BotApi

SECOND_TOKEN = "5151:marker-second-token-never-logged"
GROUP = -100200
TARGET = "openclaw_local_bot"
SMOKE_BOT = SECOND_TOKEN.split(":")[0]


def variables(api: BotApi, **changes: str) -> dict[str, str]:
    return {
        "SMOKE_BOT_TOKEN": SECOND_TOKEN, "SMOKE_CHAT_ID": str(GROUP), "SMOKE_TARGET": TARGET, "TELEGRAM_BASE_URL": api.url, **changes,
    }  # fmt: skip
