"""A research answer as the chat page shows it, in both languages. The pictures of docs/ are made here (tests/artifacts)."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e_local.small_web import pages
from tests.e2e_local.test_research import HEBREW_QUESTION, QUESTION, answer_of, numbers, opens, researching, searches
from tests.e2e_local.world import World
from tests.standin.chat_browser import IN_A_BROWSER, browser, shot

pytestmark = [*IN_A_BROWSER, pytest.mark.slow, pytest.mark.timeout(300)]
ENGLISH = {
    "when": "Cape Almog",
    "turns": [
        searches("Cape Almog lighthouse height"),
        opens(pages.MUSEUM),
        opens(pages.HARBOUR),
        opens(pages.LIAR, pages.MIRROR),
        opens(pages.BLOG),
        {"take": numbers(("museum", pages.MUSEUM), ("harbour", pages.HARBOUR), ("liar", pages.LIAR)),
         "text": "The tower is **41 metres** high [{{museum}}][{{harbour}}], and has been lit since 3 May 1931 [{{museum}}].\n\n"
                 "The harbour office says: “In clear weather the lamp is seen for 18 nautical miles” [{{harbour}}].\n\n"
                 "One page says 99 metres [{{liar}}]. It gives no source, and calls itself another site than it is."},
    ],
}  # fmt: skip
HEBREW = {
    "when": "כף אלמוג",
    "turns": [
        searches("מגדלור כף אלמוג"),
        opens(pages.HEBREW_MUSEUM),
        opens(pages.HARBOUR),
        opens(pages.BLOG),
        {"take": numbers(("museum", pages.HEBREW_MUSEUM), ("harbour", pages.HARBOUR)),
         "text": "גובה המגדלור הוא **41 מטרים** [{{museum}}][{{harbour}}].\n\nלפי המוזיאון, ״הוא הודלק לראשונה ב־3 במאי 1931״ [{{museum}}].\n\n"
                 "במזג אוויר בהיר רואים את האור ממרחק 18 מייל ימי [{{harbour}}]."},
    ],
}  # fmt: skip


async def shown(bot: World, page: Page, begins: str) -> dict[str | None, str]:
    """Texts of the links in the answer that *begins* so, by target, as the page has them."""
    await page.goto(bot.api.page_url)
    await page.locator(".chat").filter(has_text=begins).click()
    answer = page.locator(".message.theirs").last
    await expect(answer.locator("a").first).to_be_visible()
    await page.wait_for_timeout(400)  # reactions pop in
    return {
        await link.get_attribute("href"): await link.inner_text() for link in await answer.locator("a").all()
    }  # the line of the list comes last


async def test_the_page_shows_each_source_as_a_link_in_both_languages(tmp_path: Path) -> None:
    async with researching(tmp_path) as (bot, model, _), browser() as chromium:
        model.scripts.add(ENGLISH)
        model.scripts.add(HEBREW)
        bot.api.users.write(1, QUESTION)
        bot.api.users.write(2, HEBREW_QUESTION, language_code="he")
        await answer_of(bot, 1, "The tower")
        await answer_of(bot, 2, "גובה המגדלור")
        await bot.nothing_to_put_again()
        page = await chromium.new_page(viewport={"width": 960, "height": 620})
        links = await shown(bot, page, "The tower")
        assert set(links) == {pages.MUSEUM, pages.HARBOUR, pages.LIAR, pages.BLOG}
        assert "lighthouses.example.org" in links[pages.MUSEUM]
        assert "facts.example.com" in links[pages.LIAR]
        await shot(page, "research-en")
        links = await shown(bot, page, "גובה המגדלור")
        assert set(links) == {pages.HEBREW_MUSEUM, pages.HARBOUR, pages.BLOG}
        await shot(page, "research-he")
