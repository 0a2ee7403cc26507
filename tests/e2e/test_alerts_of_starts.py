"""AgentsCannotStart on the cluster: by the quota, and by an admission policy."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import without
from tests.e2e.watched_cluster import follow, watched
from tests.e2e.world import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(700)]


async def test_the_quota_and_then_a_policy_let_no_agent_start(bot: World, tmp_path: Path) -> None:
    def none_left(quota: Any) -> None:
        quota["spec"]["hard"]["count/jobs.batch"] = "0"

    faults: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "quota": lambda: bot.cluster.changed("ResourceQuota", "openclaw", none_left),
        "admission": lambda: without(bot.cluster, "ConfigMap", "agent-policy"),
    }
    for cause, begin in faults.items():
        folder = tmp_path / cause
        folder.mkdir()
        async with watched(folder) as chat:
            fault = begin()
            await asyncio.to_thread(fault.__enter__)
            since = time.monotonic()
            try:
                asked = [
                    await asyncio.to_thread(bot.ask, bot.new_chat(), f"in spite of {cause} {n}")
                    for n in range(4)  # the agents that waited take two
                ]
                told = await chat.told("AgentsCannotStart", since=since)
                assert told.text.count(cause), told.text
                printed = await follow("AgentsCannotStart")
                assert {"quota": "exceeded quota: openclaw", "admission": "ValidatingAdmissionPolicy"}[
                    cause
                ] in printed, printed
            finally:
                await asyncio.to_thread(fault.__exit__, None, None, None)
            await chat.over("AgentsCannotStart", within_s=180)
            await asyncio.to_thread(bot.settled, asked, within_s=120)
