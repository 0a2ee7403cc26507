"""Checks before the brain works: Redis answers, the bot's token is good, and a new leader has a pool for every template."""

import asyncio
import contextlib

from openclaw_brain.agents.rollout import Rollout
from openclaw_brain.inbox.access import Access
from openclaw_brain.loops import Loop
from openclaw_brain.settings import Settings
from openclaw_core import logs
from openclaw_core.budgets.values import Budgets
from openclaw_core.chat.telegram.messenger import BotIdentity, TelegramMessenger
from openclaw_core.errors import (
    MessengerUnauthorized,
    OpenClawError,
    SettingsError,
    StoreError,
    StoreMisconfigured,
)
from openclaw_core.roles.values import Roles
from openclaw_core.store import Lanes, Script
from openclaw_core.store.access import set_git_access
from openclaw_core.store.budgets import set_budgets
from openclaw_core.store.figures import set_prices
from openclaw_core.texts import wording
from openclaw_core.texts.language import LANGS

log = logs.get(__name__)
RETRY_S = 2.0


def warn_if_closed(settings: Settings) -> None:
    """Log that nobody may use the bot, if that is so."""
    listed = (*settings.access.owners, *settings.access.users, *settings.access.groups)
    if settings.allowed_user_ids is not None and not settings.allowed_user_ids and not listed:
        log.warning(
            "access.closed",
            hint="nobody may use the bot: set ALLOWED_USER_IDS to user ids (the bot tells each its own), or to * for "
            "everyone; or list owners in access.yaml",
        )


async def wait_for_store(script: Script, stop: asyncio.Event) -> None:
    """Wait until Redis answers, or until *stop*. Raises SettingsError for a Redis that only a person can repair."""
    while not stop.is_set():
        try:
            await script.check()
            return
        except StoreMisconfigured as exc:
            raise SettingsError(str(exc)) from None
        except StoreError:
            log.error(
                "store.unavailable",
                during="start",
                hint="is Redis running, and is REDIS_URL or REDIS_HOST right? Trying again",
            )
        await _pause(stop)


async def wait_for_telegram(messenger: TelegramMessenger, stop: asyncio.Event) -> BotIdentity | None:
    """Who the bot is, once Telegram answers; None after *stop*. Raises SettingsError for a token that is refused."""
    while not stop.is_set():
        try:
            return await messenger.get_me()
        except MessengerUnauthorized:
            raise SettingsError("TELEGRAM_TOKEN is refused by Telegram: copy it again from @BotFather") from None
        except OpenClawError as exc:
            log.warning("telegram.unavailable", during="start", error=type(exc).__name__)
        await _pause(stop)
    return None


async def _pause(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RETRY_S):
            await stop.wait()


async def prepare_lead(
    script: Script, lanes: Lanes, rollout: Rollout, roles: Roles, access: Access, budgets: Budgets, *, epoch: int
) -> None:
    """What every loop of a new leader needs. An outage of Redis is waited out, and the lead is kept meanwhile."""

    async def prepare() -> None:
        await lanes.reconcile(epoch=epoch)
        await rollout.refresh()
        search_micro_usd = budgets.prices.search_micro_usd
        await set_prices(script, roles.models, epoch=epoch, search_micro_usd=search_micro_usd)
        await set_budgets(script, budgets, epoch=epoch)
        await set_git_access(script, access.rights(), epoch=epoch)

    await Loop().run(prepare, outage="prepare", hint="the lead is kept; trying again")


async def set_commands(messenger: TelegramMessenger, roles: Roles) -> None:
    """Tell Telegram the bot's commands. A failure is logged: the commands work without being listed."""
    for lang in LANGS:
        try:
            await messenger.set_commands(lang, wording.commands(roles, lang))
        except OpenClawError as exc:
            log.warning("commands.not_set", lang=lang, error=type(exc).__name__)
