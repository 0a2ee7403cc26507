"""Alerts of a cluster, each by its fault. The commands of docs/alerts.md are run as they are written."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.changes import image_that_is_nowhere, nobody
from tests.e2e.watched_cluster import follow, watched
from tests.e2e.world import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(1500)]


def released_nowhere(policy: Any) -> None:
    policy["data"] |= {"image.agent": "localhost/openclaw-agent:nowhere", "before.agent": "test"}


def fall_back(bot: World) -> AbstractContextManager[Any]:
    stack = ExitStack()
    stack.enter_context(bot.cluster.changed("ConfigMap", "agent-policy", released_nowhere))
    stack.enter_context(bot.cluster.changed("PodTemplate", "agent", image_that_is_nowhere))
    return stack


FAULTS: dict[str, tuple[Callable[[World], AbstractContextManager[Any]], str]] = {
    "AgentTemplateFallsBack": (fall_back, "ImagePull"),
    "BrainNotScraped": (lambda bot: bot.cluster.changed("Deployment", "brain", nobody), "Scaled down"),
    "RedisDown": (lambda bot: bot.cluster.changed("StatefulSet", "redis", nobody), "redis-0"),
}
"""By alert: its fault, and what the commands of its section show."""


@pytest.mark.parametrize("alert", FAULTS)
async def test_a_fault_of_the_cluster_is_told_and_its_section_shows_it(bot: World, alert: str, tmp_path: Path) -> None:
    begin, shows = FAULTS[alert]
    async with watched(tmp_path) as chat:
        fault = await asyncio.to_thread(begin, bot)
        await asyncio.to_thread(fault.__enter__)
        since = time.monotonic()
        try:
            await chat.told(alert, since=since)
            printed = await follow(alert)
            assert shows in printed, printed
        finally:
            await asyncio.to_thread(fault.__exit__, None, None, None)
        await chat.over(alert, within_s=120)
