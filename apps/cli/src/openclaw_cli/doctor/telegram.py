"""Check that Telegram knows the bot's token."""

from openclaw_cli.doctor.findings import SETTINGS_FIRST, Env, Level, Results, is_set
from openclaw_core.chat.telegram.messenger import TelegramMessenger
from openclaw_core.environment import Environment
from openclaw_core.errors import MessengerUnauthorized, OpenClawError


async def check(env: Env) -> Results:
    if not is_set(env, "TELEGRAM_TOKEN"):
        yield Level.OK, "no TELEGRAM_TOKEN: the chat page of `openclaw up`"
        return
    read = Environment(env)
    token, _ = read.token()
    base_url = read.url("TELEGRAM_BASE_URL")
    if read.faults:
        yield Level.FAULT, SETTINGS_FIRST
        return
    where = base_url or "api.telegram.org"
    try:
        async with TelegramMessenger.open(token, base_url) as messenger:
            me = await messenger.get_me()
    except MessengerUnauthorized:
        yield Level.FAULT, "TELEGRAM_TOKEN is refused: copy it again from @BotFather (/token)"
    except OpenClawError as exc:
        unreachable = f"{where} does not answer ({type(exc).__name__})"
        yield Level.FAULT, f"{unreachable}: check the network, a proxy, TELEGRAM_BASE_URL"
    else:
        yield Level.OK, f"@{me.username} on {where}"
