"""A stand-in with a real python-telegram-bot client in front of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from telegram import Bot

from openclaw_standin.bot_api import BotApi

TOKEN = "4242:test-token-of-nobody"


@asynccontextmanager
async def bot_for(url: str, token: str = TOKEN) -> AsyncIterator[Bot]:
    bot = Bot(token, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot")
    async with bot:
        yield bot


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi.open(token=TOKEN, flood=False) as opened:
        yield opened


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with bot_for(api.url) as opened:
        yield opened
