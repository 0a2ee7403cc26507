"""Code that ran and documents that were read, as the chat page shows them. The pictures of docs/ are made here (tests/artifacts)."""

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e_local.small_web import pages
from tests.e2e_local.test_code import coder, run_code
from tests.e2e_local.test_documents import REPORT, bot_with_a_runner, reading
from tests.e2e_local.test_research import answer_of, numbers, opens, researching
from tests.e2e_local.world import World
from tests.runner import documents as made
from tests.runner.runners import needs_sealing
from tests.standin.chat_browser import IN_A_BROWSER, browser, shot

pytestmark = [*IN_A_BROWSER, pytest.mark.slow, pytest.mark.timeout(300), needs_sealing]
BROKEN = """\
import matplotlib.pyplot as plt


def moving_mean(numbers, width):
    return [sum(numbers[n : n + width]) / width for n in range(len(numbers) - width)]


degrees = [12, 14, 13, 17, 21, 20, 24, 27, 25, 29]
smooth = moving_mean(degrees, 3)
print("smooth:", *(f"{value:.1f}" for value in smooth))
plt.plot(degrees, "o", label="measured")
plt.plot(range(1, len(smooth) + 1), smooth, label="mean of three")
plt.legend()
plt.show()
"""
REPAIRED = BROKEN.replace("range(len(numbers) - width)", "range(len(numbers) - width + 1)")
TEST = "from main import moving_mean\n\n\ndef test_all_of_it():\n    assert moving_mean([1, 2, 3], 3) == [2]\n"


async def opened(bot: World, page: Page) -> Locator:
    """The one chat, on the page; gives the bot's last message."""
    await page.goto(bot.api.page_url)
    await page.locator(".chat").first.click()
    last = page.locator(".message.theirs").last
    await expect(last).to_be_visible()
    await page.wait_for_timeout(400)  # reactions pop in
    return last


async def test_the_page_shows_what_ran_and_its_plot(tmp_path: Path) -> None:
    async with coder(tmp_path) as (bot, model), browser() as chromium:
        text = f"A mean of three smooths the curve. The first try left out the last window.\n\n```python\n{REPAIRED}```"
        turns = [run_code(BROKEN, test=TEST), run_code(REPAIRED, test=TEST), {"text": text}]
        model.scripts.add({"when": "temperatures", "turns": turns})
        bot.api.users.write(1, "/code smooth these temperatures and draw them")
        await bot.until(lambda: any("photo" in one for one in bot.api.messages(1)))
        await bot.all_ended(1)
        page = await chromium.new_page(viewport={"width": 960, "height": 1460})
        plot = await opened(bot, page)
        picture = plot.locator("img")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("image => image.naturalWidth") > 300
        answer = page.locator(".message.theirs").filter(has_text="What ran")
        await expect(answer).to_contain_text("test failed")
        await expect(answer).to_contain_text("test passed")
        await shot(page, "code-en")


async def test_the_page_shows_which_pages_were_read_and_what_is_wrong_with_a_document(tmp_path: Path) -> None:
    async with bot_with_a_runner(tmp_path) as (bot, model), browser() as chromium:
        turns = [
            reading(1),
            reading(11),
            {"text": "The report follows **sixty keepers** of lights, who trim the wicks of their lamps."},
        ]
        model.scripts.add({"when": "report about", "turns": turns})
        bot.api.users.upload(
            1, "report.pdf", REPORT, mime_type="application/pdf", caption="/sum what is this report about?"
        )
        await bot.until(lambda: any("of 60" in text for text in bot.texts(1)))
        bot.api.users.upload(
            1,
            "locked.pdf",
            made.encrypted_pdf(user="secret"),
            mime_type="application/pdf",
            caption="/sum and this one?",
        )
        await bot.until(lambda: len(bot.texts(1)) == 2)
        await bot.all_ended(2)
        page = await chromium.new_page(viewport={"width": 960, "height": 680})
        last = await opened(bot, page)
        await expect(page.locator(".message.theirs").first).to_contain_text("report.pdf: pages 1–")
        await expect(last).to_contain_text("password")
        await shot(page, "document-en")


async def test_the_page_shows_the_summary_of_a_link(tmp_path: Path) -> None:
    async with researching(tmp_path) as (bot, model, _), browser() as chromium:
        text = "המגדלור של כף אלמוג מתנשא לגובה **41 מטרים** והודלק לראשונה במאי 1931 [{{museum}}]."
        turns = [opens(pages.HEBREW_MUSEUM), {"take": numbers(("museum", pages.HEBREW_MUSEUM)), "text": text}]
        model.scripts.add({"when": "סכם את הדף", "turns": turns})
        bot.api.users.write(1, f"/sum סכם את הדף {pages.HEBREW_MUSEUM}", language_code="he")
        await answer_of(bot, 1, "המגדלור של כף אלמוג")
        await bot.all_ended(1)
        page = await chromium.new_page(viewport={"width": 960, "height": 420})
        last = await opened(bot, page)
        assert pages.HEBREW_MUSEUM in [await link.get_attribute("href") for link in await last.locator("a").all()]
        await shot(page, "link-he")
