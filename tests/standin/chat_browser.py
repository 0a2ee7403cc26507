"""A browser for the chat page's tests, and a bot small enough to read that answers in it."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Message, MessageEntity
from telegram.error import NetworkError

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@cache
def browser_path() -> str | None:
    """`OPENCLAW_CHROMIUM`, else the first Chromium or Chrome on PATH, else Playwright's own, which is fetched once;
    None where none can be had.
    """
    found = os.environ.get("OPENCLAW_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        tool = [sys.executable, "-m", "playwright", "install"]
        asked = subprocess.run([*tool, "--dry-run", "chromium"], capture_output=True, text=True, check=False)
        places = [line.partition(":")[2].strip() for line in asked.stdout.splitlines() if "Install location" in line]
        if places and not any(_binaries(places)):
            subprocess.run([*tool, "chromium"], capture_output=True, timeout=300, check=False)
        found = next(iter(_binaries(places)), None)
    return found if found and Path(found).exists() else None


def _binaries(places: list[str]) -> list[str]:
    wanted = ("chrome", "Chromium", "headless_shell", "chrome-headless-shell")
    return [
        str(path)
        for place in places
        for path in Path(place).rglob("*")
        if path.name in wanted and path.is_file() and os.access(path, os.X_OK)
    ]


@asynccontextmanager
async def browser(*flags: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=browser_path(), args=[*FLAGS, *flags])
        try:
            yield opened
        finally:
            await opened.close()


IN_A_BROWSER = [
    pytest.mark.asyncio(loop_scope="module"),  # one browser for all tests, a fresh profile for each
    pytest.mark.browser,
    pytest.mark.skipif(
        browser_path() is None and not os.environ.get("OPENCLAW_REQUIRE_BROWSER"),
        reason="NO BROWSER: the chat page was NOT tested. Install Chromium or Chrome, or set OPENCLAW_CHROMIUM.",
    ),
]
"""Marks of a module whose tests need one."""


async def say(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Message").fill(text)
    await page.keyboard.press("Enter")


async def shot(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"{name}.png")


class EchoBot:
    """Polls as a real bot does. It answers in three edits, keeps a Stop button while it writes, and can be slowed down."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self.pressed: list[str] = []
        self.files: list[tuple[str, bytes]] = []
        self.go_on = asyncio.Event()
        """Cleared by a test that wants to look at an answer half-way."""
        self.go_on.set()

    async def run(self) -> None:
        offset = 0
        tasks: set[asyncio.Task[None]] = set()
        while True:
            try:
                updates = await self._bot.get_updates(offset=offset, timeout=20)
            except NetworkError:  # the stand-in is away: some tests do that to it
                await asyncio.sleep(0.05)
                continue
            for update in updates:
                offset = update.update_id + 1
                if update.callback_query is not None:
                    self.pressed.append(update.callback_query.data or "")
                    await update.callback_query.answer("Stopped.")
                elif update.message is not None:
                    task = asyncio.create_task(self._answer(update.message), name="answer")
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)

    async def _answer(self, message: Message) -> None:
        chat_id = message.chat_id
        await self._bot.set_message_reaction(chat_id, message.message_id, "👀")
        await self._bot.send_chat_action(chat_id, "typing")
        if message.document is not None:
            file = await message.document.get_file()
            content = bytes(await file.download_as_bytearray())
            self.files.append((message.document.file_name or "", content))
            await self._bot.send_document(chat_id, content.upper(), filename="LOUD.txt", caption="Here it is, louder.")
            return
        keys = InlineKeyboardMarkup([[InlineKeyboardButton("Stop", callback_data=f"stop:{message.message_id}")]])
        sent = await self._bot.send_message(chat_id, "…", reply_markup=keys)
        text = message.text or ""
        await self._bot.edit_message_text(f"You said: {text[:3]}", chat_id, sent.message_id, reply_markup=keys)
        await self.go_on.wait()
        code = "print('שלום')"
        full = f"You said: {text}\n{code}"
        size = len(full.encode("utf-16-le")) // 2
        length = len(code.encode("utf-16-le")) // 2
        entities = [MessageEntity("bold", 0, 8), MessageEntity("pre", size - length, length, language="python")]
        await self._bot.edit_message_text(full, chat_id, sent.message_id, entities=entities)
