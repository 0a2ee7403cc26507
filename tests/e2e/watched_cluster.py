"""The bot on the cluster, whose operators are told of its faults and follow docs/alerts.md.

Prometheus and Alertmanager are processes of this machine, with the repository's rules and configuration. They scrape the brain's pods.
"""

import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.alerts.operators import Operators, operators
from tests.alerts.runbook import changes_something, commands, named
from tests.e2e.cluster import NAMESPACE, pods
from tests.manifests.rendering import ROOT

IN_REDIS = 'REDISCLI_AUTH="$(cat /run/secrets/openclaw/redis/password)" exec "$@"'
"""As docs/alerts.md opens a shell in redis-0."""


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Operators]:
    """Who reads the operators' chat. The brain has been scraped."""
    async with pods_job(folder, "monitoring/brain", "brain", port=8080) as job, operators(folder, job) as chat:
        await asyncio.sleep(3)
        yield chat


@asynccontextmanager
async def pods_job(folder: Path, name: str, component: str, *, port: int) -> AsyncIterator[dict[str, Any]]:
    """The scrape of a component's pods from outside of the cluster, also of those that come later. A file in *folder* names them."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{component}.pods.json"
    naming = asyncio.create_task(_name_pods(file, component, port=port), name=f"name the pods of {component}")
    try:
        yield {"job_name": name, "file_sd_configs": [{"files": [str(file)], "refresh_interval": "1s"}]}
    finally:
        naming.cancel()


async def _name_pods(file: Path, component: str, *, port: int) -> None:
    """Write the pods into *file* again and again: Debian's Prometheus cannot ask Kubernetes itself."""
    while True:
        found = await asyncio.to_thread(targets, component, port=port)
        written = file.with_suffix(".new")
        written.write_text(json.dumps(found))
        written.rename(file)
        await asyncio.sleep(1)


def targets(component: str, *, port: int) -> list[dict[str, Any]]:
    """The pods that a component has now, with the labels that a PodMonitor gives."""
    return [
        {
            "targets": [f"{pod['status']['podIP']}:{port}"],
            "labels": {"namespace": NAMESPACE, "container": component, "pod": pod["metadata"]["name"]},
        }
        for pod in pods(component)
        if pod["status"].get("podIP")
    ]


async def follow(alert: str, **names: str) -> str:
    """Run the commands of the alert's section that look at something, and return what they print. *names* stand in them in capitals.

    What a `kubectl` asks for may be gone, so it may fail; what it says is returned too. Raises AssertionError for another command that fails.
    """
    return await _run([one for one in commands(alert) if not changes_something(one)], names)


async def follow_to_the_end(alert: str, **names: str) -> str:
    """Run the commands of the section that change something. Raises AssertionError if there are none, or one fails."""
    changes = [one for one in commands(alert) if changes_something(one)]
    assert changes, f"docs/alerts.md#{alert.lower()} names no command that changes something"
    return await _run(changes, names, may_fail=False)


async def _run(written: list[str], names: dict[str, str], *, may_fail: bool = True) -> str:
    printed = []
    for command in written:
        program, *arguments = shlex.split(
            named(command, NS=NAMESPACE, ENV=NAMESPACE.removeprefix("openclaw-"), **names)
        )
        if arguments[:2] == ["-n", "monitoring"]:
            continue  # the chart's pods are not on a test cluster
        line = {
            "kubectl": ["kubectl", *arguments],
            "openclaw": [sys.executable, "-m", "openclaw_cli", *arguments],
            "valkey-cli": ["kubectl", "-n", NAMESPACE, "exec", "redis-0", "--", "sh", "-ec", IN_REDIS, "sh", program, *arguments],
        }.get(program)  # fmt: skip
        if line is None:
            continue  # sudo: on a node
        done = await asyncio.to_thread(
            subprocess.run, line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90, cwd=ROOT
        )
        assert done.returncode == 0 or (may_fail and program == "kubectl"), f"{command}: {done.stdout}"
        printed.append(done.stdout)
    return "\n".join(printed)
