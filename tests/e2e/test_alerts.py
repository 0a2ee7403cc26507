"""Alerts of a cluster, each by its fault. The commands of docs/alerts.md are run as they are written.

Prometheus and Alertmanager are processes of this machine, with the repository's rules and configuration. They scrape the brain's pods.
"""

import asyncio
import json
import shlex
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.operators import operators
from tests.alerts.runbook import commands
from tests.e2e.cluster import NAMESPACE, pods
from tests.e2e.world import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(1500)]


def brain_pods(file: Path) -> dict[str, Any]:
    """The scrape of platform/monitoring/base/brain.yaml, from outside of the cluster. *file* names the pods."""
    return {"job_name": "monitoring/brain", "file_sd_configs": [{"files": [str(file)], "refresh_interval": "1s"}]}


async def name_pods(file: Path) -> None:
    """Write the brain's pods into *file* again and again: Debian's Prometheus cannot ask Kubernetes itself."""
    labels = {"namespace": NAMESPACE, "container": "brain"}
    while True:
        found = await asyncio.to_thread(pods, "brain")
        targets = [f"{pod['status']['podIP']}:8080" for pod in found if pod["status"].get("podIP")]
        written = file.with_suffix(".new")
        written.write_text(json.dumps([{"targets": targets, "labels": labels}]))
        written.rename(file)
        await asyncio.sleep(1)


async def follow(alert: str) -> str:
    """Run the `kubectl` commands of the alert's section, and give what they print, also those that fail: what is asked for may be gone."""
    printed = []
    for command in commands(alert):
        if command.startswith("kubectl") and "rollout restart" not in command:
            arguments = shlex.split(command.replace(" NS ", f" {NAMESPACE} "))
            done = await asyncio.to_thread(
                subprocess.run, arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
            )
            printed.append(done.stdout)
    return "\n".join(printed)


def image_that_is_nowhere(template: Any) -> None:
    template["template"]["spec"]["containers"][0]["image"] = "localhost/openclaw-agent:nowhere"


def released_nowhere(policy: Any) -> None:
    policy["data"] |= {"image.agent": "localhost/openclaw-agent:nowhere", "before.agent": "test"}


def nobody(workload: Any) -> None:
    workload["spec"]["replicas"] = 0


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
    file = tmp_path / "pods.json"
    naming = asyncio.create_task(name_pods(file), name="name the brain's pods")
    try:
        async with operators(tmp_path, brain_pods(file)) as chat:
            await asyncio.sleep(3)  # the brain has been scraped
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
    finally:
        naming.cancel()
