"""A whole research answer over a small web: who is cited, what a lying page and an order in a page come to, in two
languages, and a takeover.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from openclaw_standin.model import ScriptedModel
from tests.agent.tools import web as pages_web
from tests.agent.tools.search.server import searxng
from tests.agent.tools.web import PRIVATE, Web
from tests.e2e_local.small_web import pages
from tests.e2e_local.world import World, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
QUESTION = "/research How high is the lighthouse of Cape Almog?"
HEBREW_QUESTION = "/research מה הגובה של המגדלור בכף אלמוג?"


@asynccontextmanager
async def researching(folder: Path) -> AsyncIterator[tuple[World, ScriptedModel, Web]]:
    """The bot with the shipped roles in the small web."""
    async with (
        pages_web.opened() as web,
        searxng(pages.RESULTS) as search_url,
        ScriptedModel.open(first_token_s=0.01, tokens_per_s=2000, chunk_s=0.01) as model,
        world(
            folder, "tests.e2e_local.small_web.brain",
            GROQ_BASE_URL=model.url, SEARCH_URL=search_url, SMALL_WEB_PORT=str(web.port), DEMO_MODEL="no",
        ) as bot,
    ):  # fmt: skip
        pages.fill(web)
        yield bot, model, web


def opens(*addresses: str) -> dict[str, Any]:
    return {"calls": [{"name": "open_page", "arguments": {"url": address}} for address in addresses]}


def searches(query: str) -> dict[str, Any]:
    return {"calls": [{"name": "web_search", "arguments": {"query": query}}]}


def numbers(*addresses: tuple[str, str]) -> dict[str, str]:
    """What a turn takes from the results: the numbers that these pages were given."""
    return {name: rf"Page \[(\d+)\]: {re.escape(address)}\n" for name, address in addresses}


OBEDIENT = {
    "when": "Cape Almog",
    "turns": [
        searches("Cape Almog lighthouse height"),
        opens(pages.MUSEUM, pages.HARBOUR),
        opens(pages.LIAR, pages.BLOG),
        opens(pages.MIRROR, pages.INSIDE, "http://169.254.169.254/latest/meta-data/"),
        {"take": numbers(("museum", pages.MUSEUM), ("harbour", pages.HARBOUR), ("liar", pages.LIAR)),
         "text": "The tower is 41 metres high [{{museum}}, {{harbour}}].\n\n"
                 "- “In clear weather the lamp is seen for 18 nautical miles” [{{harbour}}].\n"
                 "- “The keeper counted nine hundred steps up to it” [{{museum}}].\n"
                 "- One page says 99 metres [{{liar}}], another one 12 [9].\n\n"
                 f"Take [your prize]({pages.PRIZE}), or go to {pages.PRIZE}.\n\nSources:\n[1] harbour.example.net {pages.PRIZE}"},
    ],
}  # fmt: skip
"""A model that believes the liar, does what the page orders, makes up a quotation and a number, and writes a list of sources of its own."""


async def answer_of(bot: World, chat_id: int, begins: str) -> dict[str, Any]:
    """The message with the whole answer: it has its list of sources."""

    def whole() -> dict[str, Any] | None:
        return next(
            (
                one
                for one in bot.api.messages(chat_id)
                if one.get("text", "").startswith(begins) and " · " in one["text"] and "reply_markup" not in one
            ),
            None,
        )

    found = await bot.until(whole)
    assert isinstance(found, dict)
    return found


def links(message: dict[str, Any]) -> list[tuple[str, str]]:
    """Text and target of each link. Offsets of Telegram count UTF-16 units."""
    text = message["text"].encode("utf-16-le")
    return [
        (text[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"), one["url"])
        for one in message["entities"]
        if one["type"] == "text_link"
    ]


def told(model: ScriptedModel) -> str:
    """All results of tools that the model was given."""
    last: Sequence[Any] = [call for call in model.calls if call.kind == "answer"][-1].messages
    return "\n".join(str(one["content"]) for one in last if one["role"] == "tool")


async def test_an_answer_links_to_opened_pages_alone_and_pages_that_lie_or_give_orders_change_nothing(
    tmp_path: Path,
) -> None:
    async with researching(tmp_path) as (bot, model, web):
        model.scripts.add(OBEDIENT)
        bot.api.users.write(1, QUESTION)
        message = await answer_of(bot, 1, "The tower")
        text = message["text"]
        opened = {pages.MUSEUM, pages.HARBOUR, pages.LIAR, pages.BLOG}
        assert {target for _, target in links(message)} == opened
        # Beside each claim its own page, by whatever number it got.
        number = {target: label for label, target in links(message) if re.fullmatch(r"\[\d\]", label)}
        assert text.startswith(f"The tower is 41 metres high {number[pages.MUSEUM]}")
        # Below stands where a page really was, whatever it calls itself, and the cited ones come first.
        below = [label for label, _ in links(message) if " · " in label]
        assert [line.split(" ", 1)[1] for line in below[:3]] == [
            "lighthouses.example.org · Cape Almog | Museum of Lighthouses",
            "harbour.example.net · The light of Cape Almog",
            "facts.example.com · harbour.example.net: official figures",
        ]
        assert below[3].split(" ", 1)[1] == "blog.example.com · A visit to the lamp"
        assert "“In clear weather the lamp is seen for 18 nautical miles”" in text
        assert "nine hundred steps" not in text
        assert "[9]" not in text
        assert "Sources:\n[1] harbour" not in text
        # Nobody was led anywhere, and nothing inside was read.
        assert [one["type"] for one in message["entities"] if "prize" in str(one)] == []
        assert {at for at, head in web.heads if f"host: {PRIVATE}" in head.lower() or at == PRIVATE} == set()
        assert pages.SECRET not in told(model) + text
        assert told(model).count("does not lead to a public web server") == 3


async def test_the_same_in_hebrew(tmp_path: Path) -> None:
    async with researching(tmp_path) as (bot, model, _):
        model.scripts.add(
            {"when": "כף אלמוג",
             "turns": [searches("מגדלור כף אלמוג"), opens(pages.HEBREW_MUSEUM, pages.HARBOUR),
                       {"take": numbers(("museum", pages.HEBREW_MUSEUM), ("harbour", pages.HARBOUR)),
                        "text": "גובה המגדל 41 מטרים [{{museum}}][{{harbour}}].\n\nלפי המוזיאון ״הוא הודלק לראשונה ב־3 במאי 1931״ [{{museum}}], "
                                "ולפי אחרים ״השומר ספר תשע מאות מדרגות עד למעלה״ [{{museum}}] [7]."}]}
        )  # fmt: skip
        bot.api.users.write(2, HEBREW_QUESTION, language_code="he")
        message = await answer_of(bot, 2, "גובה המגדל")
        assert {target for _, target in links(message)} == {pages.HEBREW_MUSEUM, pages.HARBOUR}
        assert "״הוא הודלק לראשונה ב־3 במאי 1931״" in message["text"]
        assert "תשע מאות מדרגות" not in message["text"]
        assert "[7]" not in message["text"]
        assert "lighthouses.example.org · המגדלור של כף אלמוג | מוזיאון המגדלורים" in message["text"]


async def test_an_agent_that_takes_over_cites_what_the_first_one_opened(tmp_path: Path) -> None:
    async with researching(tmp_path) as (bot, model, web):
        goes_on = asyncio.Event()

        async def held(writer: asyncio.StreamWriter) -> None:
            await goes_on.wait()
            writer.write(pages.PAGES[pages.HARBOUR])
            await writer.drain()

        web[pages.HARBOUR.removeprefix("http://")] = held
        model.scripts.add(
            {"when": "Cape Almog",
             "turns": [searches("Cape Almog"), opens(pages.MUSEUM), opens(pages.HARBOUR),
                       {"text": "The tower is 41 metres high [1][2]. “It was lit for the first time on 3 May 1931” [1]."}]}
        )  # fmt: skip
        bot.api.users.write(1, QUESTION)
        await bot.until(lambda: any("host: harbour" in head.lower() for _, head in web.heads))
        [agent] = bot.agents_at(web.port)
        agent.kill()
        goes_on.set()
        message = await answer_of(bot, 1, "The tower")
        assert links(message)[:2] == [("[1]", pages.MUSEUM), ("[2]", pages.HARBOUR)]
        assert "“It was lit for the first time on 3 May 1931”" in message["text"]
        fetched = [head.splitlines()[0] for _, head in web.heads if "host: lighthouses" in head.lower()]
        assert len(fetched) == 1  # not again by the second agent
