"""Alerts of answers that do not come, come late or are refused, each by its fault on the cluster: the model, its key, a cap."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from tests.alerts.operators import Operators
from tests.e2e.cluster import metric
from tests.e2e.watched_cluster import follow, watched
from tests.e2e.world import Asked, World

pytestmark = [pytest.mark.full, pytest.mark.timeout(700)]


def ask(bot: World, count: int, question: str, *, command: str = "/code ") -> list[Asked]:
    """One question in each of *count* new chats."""
    return [bot.ask(bot.new_chat(), f"{question} {n}", command=command) for n in range(count)]


async def test_the_model_is_silent_then_slow_then_refuses_the_key(bot: World, tmp_path: Path) -> None:
    faults = bot.standins.model.faults
    async with watched(tmp_path) as chat:
        await asyncio.to_thread(bot.standins.do, lambda: faults.next("hang", times=None))
        since = time.monotonic()
        asked = await asyncio.to_thread(ask, bot, 4, "what a silent model is asked")
        await chat.told("NothingAnswered", since=since)
        printed = await follow("NothingAnswered")
        assert all(one.task in printed for one in asked), printed  # agents work on them, so the model's service is next
        for one in asked:
            await asyncio.to_thread(bot.stop, one.chat_id)
        await asyncio.to_thread(bot.standins.do, faults.clear)
        await chat.over("NothingAnswered")

        await slow(bot, chat)

        await asyncio.to_thread(bot.standins.do, lambda: faults.next("unauthorized", times=None))
        since = time.monotonic()
        asked = await asyncio.to_thread(ask, bot, 6, "refused")
        assert "model_key" in (await chat.told("TasksFail", since=since)).text
        assert '"cause": "model_key"' in await follow("TasksFail")
        await asyncio.to_thread(bot.standins.do, faults.clear)  # the right key again
        await chat.over("TasksFail")


async def slow(bot: World, chat: Operators) -> None:
    """The model takes 4 s until its first word: of the shortened threshold of 1 s more than enough."""
    assert not [text for text in chat.texts() if "AnswersSlow" in text]
    bot.pace(first_token_s=4)
    since = time.monotonic()

    async def go_on_asking() -> None:
        for n in range(1000):
            await asyncio.to_thread(ask, bot, 1, f"slow {n}")
            await asyncio.sleep(2)

    asking = asyncio.create_task(go_on_asking(), name="ask")
    await chat.told("AnswersSlow", since=since)
    printed = await follow("AnswersSlow", ID=(await asyncio.to_thread(newest, bot)).task)
    asking.cancel()
    shown = re.search(r"(\d+\.\d+).*first words", printed)
    assert shown, printed
    assert float(shown[1]) >= 4, printed
    bot.pace(first_token_s=0.1)  # as after a faster model has become the first
    await chat.over("AnswersSlow", within_s=180)


def newest(bot: World) -> Asked:
    """The newest question whose run has ended."""
    return next(one for one in reversed(bot.asked) if bot.run_record(one))


async def test_as_many_agents_with_tools_run_as_may(bot: World, tmp_path: Path) -> None:
    async with watched(tmp_path) as chat:
        fault = bot.cluster.settings(TOOL_AGENTS_CAP="1")
        await asyncio.to_thread(fault.__enter__)
        try:
            await asyncio.to_thread(bot.standins.do, lambda: bot.standins.model.faults.next("hang", times=None))
            since = time.monotonic()
            asked = await asyncio.to_thread(ask, bot, 3, "what needs tools", command="/code_tools ")
            await chat.told("AgentsWanted", since=since)
            printed = await follow("AgentsWanted")
            assert printed.count("agent-agent-tools-") == 1, printed
            states = await asyncio.to_thread(metric, "openclaw_jobs")
            assert any('state="claimed",template="agent-tools"' in one and one.endswith(" 1.0") for one in states), (
                states
            )
            await asyncio.to_thread(bot.standins.do, bot.standins.model.faults.clear)
        finally:
            await asyncio.to_thread(fault.__exit__, None, None, None)  # the cap is raised
        for one in asked:
            await asyncio.to_thread(bot.stop, one.chat_id)
        await chat.over("AgentsWanted", within_s=180)
