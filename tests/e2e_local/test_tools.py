"""The shipped Researcher, by the whole bot as processes: what the chat sees, an agent that is killed between two steps, and Stop."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from aiohttp import web

from openclaw_cli.runs.timeline import moments
from openclaw_core.store import RunRecords
from openclaw_standin.model import ScriptedModel
from tests.e2e_local.world import World, world
from tests.timing import is_done_within

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RESULTS = {"results": [{"title": "Tides", "url": "https://a.org/tides", "content": "High at noon."}]}
FIRST, SECOND = (
    {"calls": [{"name": "web_search", "arguments": {"query": query}}]} for query in ("first tide", "second tide")
)


@dataclass
class Searches:
    """A search service that answers the first query, and holds the second one back until it may go on."""

    port: int = 0
    queries: list[str] = field(default_factory=list)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        self.queries.append(request.query["q"])
        if request.query["q"].startswith("second"):
            await self.goes_on.wait()
        return web.json_response(RESULTS)


@asynccontextmanager
async def search_service() -> AsyncIterator[Searches]:
    searches = Searches()
    app = web.Application()
    app.router.add_get("/search", searches.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        searches.port = runner.addresses[0][1]
        yield searches
    finally:
        searches.goes_on.set()
        await runner.cleanup()


@asynccontextmanager
async def bot_with_tools(folder: Path) -> AsyncIterator[tuple[World, ScriptedModel, Searches]]:
    async with (
        search_service() as searches,
        ScriptedModel.open(first_token_s=0.01, tokens_per_s=2000, chunk_s=0.01) as model,
        world(folder, GROQ_BASE_URL=model.url, SEARCH_URL=f"http://127.0.0.1:{searches.port}") as bot,
    ):
        yield bot, model, searches


def searching(bot: World, searches: Searches) -> list[psutil.Process]:
    """Agents that wait for the search service."""
    return bot.agents_at(searches.port)


async def test_an_agent_that_is_killed_between_steps_is_followed_by_one_that_goes_on(tmp_path: Path) -> None:
    async with bot_with_tools(tmp_path) as (bot, model, searches):
        model.scripts.add({"when": "tide", "turns": [FIRST, SECOND, {"text": "High water is at noon."}]})
        bot.api.users.write(1, "/research when is the tide?")
        await bot.until(lambda: len(searches.queries) == 2)
        await bot.until(lambda: any("second tide" in text for text in bot.texts(1)))
        [agent] = searching(bot, searches)
        agent.kill()
        searches.goes_on.set()  # for the next one
        await bot.until(lambda: any(text.startswith("High water is at noon.") for text in bot.texts(1)))
        assert len(bot.texts(1)) == 1
        asked = [sum(one["role"] == "tool" for one in call.messages) for call in model.calls if call.kind == "answer"]
        assert asked == [0, 1, 1, 2]
        assert searches.queries == ["first tide", "second tide", "second tide"]
        await bot.all_ended(1)
        [run] = await RunRecords(bot.script).newest(count=5)
        steps = json.loads(run.run)["steps"]
        assert [[call["tool"] for call in step["calls"]] for step in steps] == [["web_search"], ["web_search"]]
        assert (run.attempt, run.lost) == ("2", "crash")
        shown = [one.what for one in moments(run) if one.what.startswith("step")]
        assert [re.sub(r"\d+ ms", "t", one) for one in shown] == [
            f"step {n}: model t, then web_search t" for n in (1, 2)
        ]
        bot.api.users.write(1, "/why")
        await bot.until(
            lambda: any("It searched the web 2 times" in text and " in 2 steps and " in text for text in bot.texts(1))
        )


async def test_stop_ends_an_answer_in_two_seconds_while_a_tool_works(tmp_path: Path) -> None:
    async with bot_with_tools(tmp_path) as (bot, model, searches):
        model.scripts.add({"when": "tide", "turns": [SECOND, {"text": "Never."}]})
        stopped = 0

        async def stop() -> float:
            nonlocal stopped
            stopped += 1
            bot.api.users.write(stopped, "/research when is the tide?")
            await bot.until(lambda: any("second tide" in text for text in bot.texts(stopped)))
            await bot.until(lambda: searching(bot, searches))
            began = time.monotonic()
            bot.api.users.write(stopped, "/stop")
            await bot.until(lambda: not searching(bot, searches))
            took_s = time.monotonic() - began
            await bot.until(lambda: any("Stopped" in text for text in bot.texts(stopped)))
            return took_s

        await is_done_within(2, stop)
        assert len(model.calls) == stopped
