"""When each step of a pod happened: seen on a watch by our own clock, since the API's own times are whole seconds."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from openclaw_cli.bench.kubectl import kubectl as run_kubectl
from openclaw_core import child_process

PRINT_TIMES = """
import time
print(time.time(), flush=True)
import gc
gc.disable()
import openclaw_agent.app
print(time.time(), flush=True)
"""


async def kubectl(*args: str, stdin: str | None = None, check: bool = True) -> str:
    """`bench.kubectl.kubectl`, without holding up the loop."""
    return await asyncio.to_thread(run_kubectl, *args, stdin=stdin, check=check)


@dataclass(kw_only=True)
class Timeline:
    """Unix seconds of each step of one pod's start; None where it was not seen."""

    job_s: float | None = None
    """Its Job was created."""
    pod_s: float | None = None
    scheduled_s: float | None = None
    started_s: float | None = None
    """The kubelet's word on its container: a whole second, of which this is the middle, so half a second off at most."""
    process_s: float | None = None
    """Its process was executed."""
    ready_s: float | None = None
    """It has imported what a claim needs."""


@dataclass
class PodWatch:
    """First sightings of Jobs and pods in a namespace."""

    namespace: str
    jobs: dict[str, float] = field(default_factory=dict)
    pods: dict[str, float] = field(default_factory=dict)
    scheduled: dict[str, float] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    pod_of: dict[str, str] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(cls, namespace: str) -> AsyncIterator["PodWatch"]:
        watched = cls(namespace)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(watched._follow("jobs", ".metadata.name")),
                group.create_task(
                    watched._follow(
                        "pods",
                        r".metadata.name,J:.metadata.labels.batch\.kubernetes\.io/job-name,N:.spec.nodeName"
                        ",S:.status.containerStatuses[0].state.running.startedAt",
                    )
                ),
            ]
            await asyncio.sleep(1)  # what exists already is listed first
            yield watched
            for task in tasks:
                task.cancel()

    async def _follow(self, kind: str, columns: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "kubectl", "-n", self.namespace, "get", kind, "--watch", "--no-headers", "-o", f"custom-columns=M:{columns}",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while line := await _line(process):
                self._saw(kind, line.split(), time.time())
        finally:
            await child_process.end(process, within_s=10)

    def _saw(self, kind: str, row: list[str], now_s: float) -> None:
        if kind == "jobs" and row:
            self.jobs.setdefault(row[0], now_s)
        elif len(row) == 4:
            name, job, node, started = row
            self.pods.setdefault(name, now_s)
            if job != "<none>":
                self.pod_of[job] = name
            if node != "<none>":
                self.scheduled.setdefault(name, now_s)
            if started != "<none>":
                self.started.setdefault(name, datetime.fromisoformat(started).timestamp() + 0.5)

    def _seen(self, pod: str) -> dict[str, float | None]:
        return {
            "pod_s": self.pods.get(pod), "scheduled_s": self.scheduled.get(pod), "started_s": self.started.get(pod),
        }  # fmt: skip

    async def of_job(self, job: str) -> Timeline:
        """A Job of ours, whose agent's log is still there."""
        pod = self.pod_of.get(job, "")
        found = Timeline(job_s=self.jobs.get(job), **self._seen(pod))
        if pod:
            for line in (await kubectl("-n", self.namespace, "logs", pod)).splitlines():
                event = _event(line)
                if event.get("event") == "agent.started":
                    found.ready_s = datetime.fromisoformat(event["at"]).timestamp()
                    found.process_s = found.ready_s - event["since_exec_ms"] / 1000
        return found

    async def bare_pod(self, name: str, spec: Mapping[str, Any]) -> Timeline:
        """Start a pod like an agent's that prints when its Python runs and could claim, and delete it."""
        container = spec["containers"][0]
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                **spec,
                "containers": [{**container, "command": ["/app/venv/bin/python", "-c", PRINT_TIMES], "env": []}],
            },
        }
        await kubectl("apply", "-f", "-", stdin=json.dumps(pod))
        try:
            times: list[str] = []
            async with asyncio.timeout(120):
                while len(times) < 2:
                    await asyncio.sleep(0.5)
                    # Before there is a container, kubectl fails.
                    times = (await kubectl("-n", self.namespace, "logs", name, check=False)).split()
            process_s, ready_s = map(float, times)
            return Timeline(**self._seen(name), process_s=process_s, ready_s=ready_s)
        finally:
            await kubectl("-n", self.namespace, "delete", "pod", name)  # its end must not disturb what is measured next


async def _line(process: asyncio.subprocess.Process) -> str:
    return (await process.stdout.readline()).decode() if process.stdout else ""


def _event(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
