"""Alerts of what the bot stands on: its node, the API server, and the parts that give metrics. Each is provoked and its section followed."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.operators import FASTER, operators
from tests.e2e.cluster import api_server_is_ready, kubectl, until
from tests.e2e.watched_cluster import follow
from tests.e2e.watched_parts import brain_job, cluster_figures, kubelet_job, node
from tests.e2e.world import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(1500)]

TOOL = os.environ.get("OPENCLAW_CLUSTER_TOOL", "")
needs_tool = pytest.mark.skipif(not TOOL, reason="OPENCLAW_CLUSTER_TOOL is not set: it stops the kubelet")
STOP, START = (os.environ.get(f"OPENCLAW_APISERVER_{what}", "") for what in ("STOP", "START"))
needs_stop = pytest.mark.skipif(not (STOP and START), reason="OPENCLAW_APISERVER_STOP and _START are not set")


def too_little_memory(deployment: Any) -> None:
    """So little that the kernel ends a brain while it starts."""
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"requests": {"cpu": "250m", "memory": "32Mi"}, "limits": {"memory": "32Mi"}}


@pytest.mark.skipif(FASTER > 30, reason="a kubelet waits 10 s, then 20 s: OPENCLAW_ALERTS_FASTER=30 or less")
async def test_a_brain_that_restarts_again_and_again_is_told(bot: World, tmp_path: Path) -> None:
    async with cluster_figures(tmp_path / "figures") as figures, operators(tmp_path / "watch", figures.job) as chat:
        await asyncio.sleep(3)
        fault = bot.cluster.changed("Deployment", "brain", too_little_memory)
        await asyncio.to_thread(fault.__enter__)
        since = time.monotonic()
        try:
            await chat.told("BrainRestarts", since=since, within_s=180)
            shown = await follow("BrainRestarts")
            assert "OOMKilled" in shown, shown
        finally:
            await asyncio.to_thread(fault.__exit__, None, None, None)
        await chat.over("BrainRestarts", within_s=180)


@contextmanager
def without_kubelet() -> Iterator[None]:
    subprocess.run([TOOL, "stop", "kubelet"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([TOOL, "start", "kubelet"], check=True, capture_output=True)
        until(lambda: ready() == "True", within_s=120, what="the node")


def ready() -> str:
    return kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.conditions[?(@.type=='Ready')].status}")


@needs_tool
@pytest.mark.usefixtures("bot")
async def test_a_node_whose_kubelet_has_ended_is_told(tmp_path: Path) -> None:
    async with cluster_figures(tmp_path / "figures") as figures:
        jobs = (figures.job, kubelet_job(tmp_path / "kubelet"))
        async with operators(tmp_path / "watch", *jobs) as chat:
            await asyncio.sleep(3)
            fault = without_kubelet()
            await asyncio.to_thread(fault.__enter__)
            since = time.monotonic()
            try:
                await chat.told("TargetDown", since=since)
                await chat.told("NodeNotReady", since=since, within_s=180)
                shown = await follow("NodeNotReady", NODE=node())
                assert "Kubelet stopped posting node status" in shown, shown
            finally:
                await asyncio.to_thread(fault.__exit__, None, None, None)
            await chat.over("TargetDown", "NodeNotReady", within_s=120)


@pytest.mark.usefixtures("bot")
async def test_a_part_that_gives_no_metrics_is_told_and_page_targets_says_why(tmp_path: Path) -> None:
    async with cluster_figures(tmp_path / "figures") as figures, operators(tmp_path / "watch", figures.job) as chat:
        await asyncio.sleep(3)
        os.kill(figures.pid, signal.SIGKILL)
        since = time.monotonic()

        told = await chat.told("TargetDown", since=since)

        assert "cannot read kube-state-metrics" in told.text
        assert "connection refused" in await chat.page_targets("kube-state-metrics")


@contextmanager
def without_api_server() -> Iterator[None]:
    subprocess.run(STOP.split(), check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(START.split(), check=True, capture_output=True)
        until(api_server_is_ready, within_s=90, what="the API server")


@needs_stop
@pytest.mark.usefixtures("bot")
async def test_an_api_server_that_does_not_answer_the_brain_is_told(tmp_path: Path) -> None:
    async with operators(tmp_path, brain_job()) as chat:
        await asyncio.sleep(3)
        fault = without_api_server()
        await asyncio.to_thread(fault.__enter__)
        since = time.monotonic()
        try:
            await chat.told("KubernetesNotHeard", since=since, within_s=300)  # 180 s are not shortened
            shown = await follow("KubernetesNotHeard")
            assert "refused" in shown, shown
        finally:
            await asyncio.to_thread(fault.__exit__, None, None, None)
        await chat.over("KubernetesNotHeard", within_s=120)
