"""The page in a real browser, and the bot behind it; each test has a fresh profile."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect
from telegram import BotCommand

from openclaw_standin.bot_api import BotApi
from tests.standin.chat_browser import EchoBot, browser
from tests.standin.conftest import TOKEN, bot_for

expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong


@pytest_asyncio.fixture(loop_scope="module")
async def api() -> AsyncIterator[BotApi]:
    async with BotApi.open(token=TOKEN, flood=False, notice="A small English demo model answers here.") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def bot(api: BotApi) -> AsyncIterator[EchoBot]:
    async with bot_for(api.url) as client:
        await client.set_my_commands([BotCommand("start", "Say hello"), BotCommand("stop", "Stop the answer")])
        await client.set_my_commands([BotCommand("start", "לומר שלום")], language_code="he")
        echo = EchoBot(client)
        running = asyncio.create_task(echo.run(), name="echo bot")
        yield echo
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context(viewport={"width": 1100, "height": 720})
    context.set_default_timeout(60_000)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(api: BotApi, bot: EchoBot, context: BrowserContext) -> AsyncIterator[Page]:
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    await page.goto(api.page_url)
    await expect(page.locator("#link")).to_have_text("Connected")
    yield page
    # A lost connection is logged by the browser itself; anything else is our own fault.
    assert [fault for fault in faults if "net::" not in fault and "Failed to load resource" not in fault] == []
