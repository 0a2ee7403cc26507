"""The page of a report in a real browser: on a phone, from right to left, light and dark. Its pictures are those of docs/evals.md."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from openclaw_cli.eval.answers.page import page_of
from tests.evals.answered_pairs import a_worse_summarizer
from tests.standin.chat_browser import IN_A_BROWSER, browser, shot

pytestmark = IN_A_BROWSER
DESKTOP, PHONE = {"width": 1100, "height": 1560}, {"width": 390, "height": 844}


@asynccontextmanager
async def opened(folder: Path, **context: Any) -> AsyncIterator[Page]:
    path = folder / "page.html"
    path.write_text(page_of(a_worse_summarizer()), encoding="utf-8")
    async with browser() as chromium:
        profile = await chromium.new_context(**context)
        page = await profile.new_page()
        faults: list[str] = []
        page.on("console", lambda said: faults.append(said.text))
        page.on("request", lambda asked: faults.append(asked.url) if not asked.url.startswith("file:") else None)
        await page.goto(path.as_uri())
        yield page
        assert faults == []


async def test_on_a_phone_nothing_is_cut_off_and_both_answers_stand_below_each_other(tmp_path: Path) -> None:
    async with opened(tmp_path, viewport=PHONE, device_scale_factor=2, color_scheme="dark") as page:
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        hebrew = page.locator("details", has_text="garden_1_he").first
        await hebrew.locator("summary").click()
        before, after = [await one.bounding_box() for one in await hebrew.locator("section").all()]
        assert before is not None
        assert after is not None
        assert before["y"] + before["height"] <= after["y"]
        await hebrew.evaluate("one => one.scrollIntoView()")
        await shot(page, "eval-answers-phone")


async def test_hebrew_stands_at_the_right_and_english_at_the_left(tmp_path: Path) -> None:
    async with opened(tmp_path, viewport=DESKTOP) as page:
        hebrew = page.locator("details", has_text="garden_1_he").first
        await hebrew.locator("summary").click()
        before, after = hebrew.locator("section .text").first, hebrew.locator("section .text").last
        assert await before.evaluate("one => getComputedStyle(one).direction") == "rtl"
        left, right = await after.bounding_box(), await before.bounding_box()
        assert left is not None
        assert right is not None
        assert left["x"] < right["x"]
        assert await after.evaluate("one => getComputedStyle(one).textAlign") == "start"
        english = page.locator("details", has_text="garden_0").first.locator("section .text").first
        assert await english.evaluate("one => getComputedStyle(one).direction") == "ltr"


async def test_light_and_dark_follow_the_reader(tmp_path: Path) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        async with opened(tmp_path, viewport=DESKTOP, color_scheme=scheme) as page:
            colours[scheme] = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            if scheme == "light":
                await shot(page, "eval-answers")

    assert colours["light"] != colours["dark"]
