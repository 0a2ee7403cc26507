"""A script of lists and watch lines over real HTTP in place of an API server, and a launcher that listens to it.

What a real API server decides, tests/e2e asks a real one.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from openclaw_brain.agents.ports import JobEnded, Pool
from openclaw_brain.kubernetes.api import KubernetesApi
from openclaw_brain.kubernetes.jobs import KubernetesJobs
from openclaw_brain.loops import Heartbeats, Loop

POOL = Pool.of("agent", pod={"spec": {"containers": [{"name": "agent", "image": "i"}]}}, env={}, deadline_s=600)


def job(name: str, version: int, **status: Any) -> dict[str, Any]:
    labels = {"openclaw.io/pool": POOL.id}
    return {"metadata": {"name": name, "labels": labels, "resourceVersion": str(version)}, "status": status}


def pod(name: str, version: int, **state: Any) -> dict[str, Any]:
    labels = {"batch.kubernetes.io/job-name": name, "openclaw.io/pool": POOL.id}
    return {
        "metadata": {"name": f"{name}-x", "labels": labels, "resourceVersion": str(version)},
        "spec": {"nodeName": "n"},
        "status": {"startTime": "2026-01-01T00:00:00Z", "containerStatuses": [{"name": "agent", "state": state}]},
    }


class ApiServer:
    """Lists by kind; for each kind, watches one after another, each a list of lines. A watch without lines hangs."""

    def __init__(self) -> None:
        self.lists: dict[str, list[list[dict[str, Any]]]] = {"jobs": [[]], "pods": [[]], "events": [[]]}
        self.watches: dict[str, list[list[dict[str, Any]]]] = {"jobs": [], "pods": [], "events": []}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.posted: list[dict[str, Any]] = []
        self.patched: list[tuple[str, Any]] = []
        self.refusal: tuple[int, str] | None = None
        self.refusals_left = -1
        """After so many it lets creates in again; a negative number never ends."""
        self.patches_lost = 0
        self.pod_of_job: list[dict[str, Any]] | None = []
        """What a look for one Job's pod finds; None: the server does not answer it."""
        self.templates: dict[str, dict[str, Any]] = {}
        self.logs = asyncio.Event()
        """While it is not set, logs are on their way."""
        self.logs.set()
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> "AsyncIterator[ApiServer]":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, host="127.0.0.1", port=0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.shutdown()
            await runner.cleanup()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        kind = request.path.split("/namespaces/there/")[-1].split("/")[0]
        self.asked.append((request.method + " " + request.path, dict(request.query)))
        if kind == "podtemplates":
            name = request.path.split("/")[-1]
            there = name in self.templates
            return web.json_response(
                {"template": self.templates.get(name)} if there else {}, status=200 if there else 404
            )
        if request.path.endswith("/log"):
            await self.logs.wait()
            return web.Response(text='{"event":"last words"}\n')
        if request.method == "POST":
            if self.refusal:
                status, message = self.refusal
                self.refusals_left -= 1
                self.refusal = self.refusal if self.refusals_left else None
                return web.json_response({"message": message}, status=status)
            self.posted.append(await request.json())
            return web.json_response(self.posted[-1])
        if request.method != "GET":
            if request.method == "PATCH" and self.patches_lost:
                self.patches_lost -= 1
                return web.json_response({"message": "away"}, status=503)
            if request.method == "PATCH":
                self.patched.append((request.content_type, await request.json()))
            return web.json_response({})
        if "job-name" in request.query.get("labelSelector", ""):
            if self.pod_of_job is None:
                return web.json_response({"message": "away"}, status=503)
            return web.json_response({"metadata": {"resourceVersion": "100"}, "items": self.pod_of_job})
        if "watch" not in request.query:
            items = self.lists[kind].pop(0) if len(self.lists[kind]) > 1 else self.lists[kind][0]
            return web.json_response({"metadata": {"resourceVersion": "100"}, "items": items})
        response = web.StreamResponse()
        await response.prepare(request)
        if self.watches[kind]:
            for line in self.watches[kind].pop(0):
                await response.write(json.dumps(line).encode() + b"\n")
            return response
        await asyncio.sleep(3600)
        return response

    def since(self, kind: str) -> list[str]:
        """Resource versions that watches of *kind* began at."""
        return [q["resourceVersion"] for path, q in self.asked if path.endswith(f"/{kind}") and "watch" in q]

    def listed(self, kind: str) -> int:
        return sum(
            1 for path, q in self.asked if path == f"GET {path[4:]}" and path.endswith(f"/{kind}") and "watch" not in q
        )


@asynccontextmanager
async def launcher(
    server: ApiServer, kubeconfig: Path, heartbeats: Heartbeats | None = None, heard: list[str] | None = None
) -> AsyncIterator[KubernetesJobs]:
    heartbeats, heard = heartbeats or Heartbeats(), [] if heard is None else heard
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": {"server": server.url}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    async with KubernetesApi.open("there", kubeconfig=str(kubeconfig)) as api:
        jobs = KubernetesJobs(api=api)
        watching = asyncio.create_task(
            jobs.watch(loop_of=lambda name: Loop(on_heartbeat=heartbeats.of(name)), confirmed=heard.append)
        )
        try:
            yield jobs
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await jobs.close()


async def next_end(jobs: KubernetesJobs) -> JobEnded:
    async with asyncio.timeout(20):
        return await jobs.next_end()
