"""`openclaw bench cluster`: measure staging on a test cluster, with the stand-ins of the cluster tests, and a Job beside a bare pod.

It installs what the cluster tests install (`staging`: the same overlay, images and addresses), so it runs at the root of a checkout, by
`make bench-cluster`, and removes all of it at the end.
"""

import argparse
import asyncio
import base64
import copy
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psutil
from rich.console import Console

from openclaw_cli.bench import staging
from openclaw_cli.bench.figures import quantile_table, rate_per_s, routing_summary, summary
from openclaw_cli.bench.goals import GOALS, goal_results
from openclaw_cli.bench.kubectl import NAMESPACE, Unmet
from openclaw_cli.bench.pods import PodWatch, Timeline
from openclaw_cli.bench.questions import Question, add_results, send
from openclaw_cli.bench.steps import agent_steps, pod_steps
from openclaw_cli.bench.waits import until_quiet, until_warm, waiting_agents
from openclaw_cli.port_forward import forwarded
from openclaw_core.errors import SettingsError
from openclaw_core.store import RedisSettings, Script, open_script
from openclaw_gitops.errors import CommandError
from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel

MANY_TASKS = 20
"""`TASKS_PER_JOB` where an agent may take several tasks in a row."""
CPU_LIMITS = ("none", "1", "500m", "250m")
console = Console(highlight=False, soft_wrap=True)


def main(args: argparse.Namespace, _env: Mapping[str, str]) -> int:
    try:
        values = dict(pair.split("=", 1) for pair in args.set)
        report = asyncio.run(_run(args.phases.split(","), values=values, count=args.messages, timeout_s=args.timeout_s))
    except (Unmet, CommandError) as exc:
        print(exc, file=sys.stderr)
        return 1
    print(json.dumps(report))
    return int(any(phase["lost"] or phase["twice"] or phase["out_of_order"] for phase in report["phases"].values()))


async def _run(phases: Sequence[str], *, values: dict[str, str], count: int, timeout_s: float) -> dict[str, Any]:
    unknown = [name for name in phases if name not in GOALS]
    if unknown:
        raise SettingsError(f"no such phase: {', '.join(unknown)}; there are {', '.join(GOALS)}")
    if not staging.OVERLAY.is_dir():
        raise SettingsError(
            "openclaw bench cluster installs what the cluster tests do: run it at the root of a checkout"
        )
    objects = staging.adapted(staging.rendered(staging.OVERLAY), tools=False)
    token = _secret(staging.named(objects, "Secret", "telegram"), "token")
    password = _secret(staging.named(objects, "Secret", "redis"), "password")
    host = staging.stand_in_host()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(BotApi.open(host=host, port=8481, token=token, flood=True, hosts=[host]))
        model = await stack.enter_async_context(ScriptedModel.open(host=host, port=8482, hosts=[host]))
        cluster = await stack.enter_async_context(in_thread(staging.Cluster.installed(tools=False)))
        port = await stack.enter_async_context(forwarded(NAMESPACE, "pod/redis-0", 6379))
        redis = RedisSettings(url=f"redis://brain:{password}@127.0.0.1:{port}", timeout_s=30)
        script = await stack.enter_async_context(open_script(redis, bot_id=int(token.partition(":")[0])))
        watch = await stack.enter_async_context(PodWatch.open(NAMESPACE))
        bench = Bench(
            cluster=cluster, api=api, model=model, script=script, watch=watch, count=count, timeout_s=timeout_s,
            settings=values,
        )  # fmt: skip
        console.print("staging:", ", ".join(f"{name} {value}" for name, value in bench.conditions().items()))
        console.print(
            "model: 0.3 s to the first token, 100 tokens/s, 120 tokens; flood limits on;", os.cpu_count(), "cores"
        )
        report: dict[str, Any] = {"staging": bench.conditions(), "cores": os.cpu_count(), "phases": {}}
        for name in phases:
            report["phases"][name] = await bench.run_phase(name)
        return report


def _secret(secret: dict[str, Any], key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()


@asynccontextmanager
async def in_thread(block: AbstractContextManager[Any]) -> AsyncIterator[Any]:
    """Enter and leave *block* beside the loop, which serves the stand-ins meanwhile."""
    value = await asyncio.to_thread(block.__enter__)
    try:
        yield value
    finally:
        await asyncio.to_thread(block.__exit__, None, None, None)


@dataclass(kw_only=True)
class Bench:
    cluster: staging.Cluster
    api: BotApi
    model: ScriptedModel
    script: Script
    watch: PodWatch
    count: int
    timeout_s: float
    settings: dict[str, str]
    """The brain's settings for every phase, before what a phase itself sets."""
    _chats: int = 1
    _bare: int = 0

    def conditions(self) -> dict[str, str]:
        """The settings of staging that the figures depend on."""
        settings = self.cluster.find("ConfigMap", "brain-settings")["data"]
        pod = self.cluster.find("PodTemplate", "agent")["template"]["spec"]["containers"][0]["resources"]
        quota = self.cluster.find("ResourceQuota", "openclaw")["spec"]["hard"]
        return {
            "warm": settings["WARM_AGENTS"], "cap": settings["RUNNING_CAP"],
            "starting at a time": settings["STARTING_CAP"], "tasks a Job": settings["TASKS_PER_JOB"],
            "agent's CPU request": pod["requests"]["cpu"], "CPU limit": pod["limits"].get("cpu", "none"), "memory": pod["limits"]["memory"],
            "quota of Jobs": quota["count/jobs.batch"],
        }  # fmt: skip

    async def run_phase(self, name: str) -> dict[str, Any]:
        """Run one phase, print its figures and return them."""
        self.model.calls.clear()
        changes = self.settings | {
            "cold": {"WARM_AGENTS": "0"},
            "burst-many": {"TASKS_PER_JOB": str(MANY_TASKS)},
            "thousand": {"TASKS_PER_JOB": str(MANY_TASKS)},
        }.get(name, {})
        async with AsyncExitStack() as stack:
            if changes:
                await stack.enter_async_context(in_thread(self.cluster.settings(**changes)))
            if name == "cold":
                await self._use_up_warm_agents()
            else:
                await until_warm(self.script, int(changes.get("WARM_AGENTS", self.conditions()["warm"])))
            await until_quiet()
            load, began = os.getloadavg()[0], time.monotonic()
            psutil.cpu_percent()  # from here on
            figures: dict[str, Any] = {**changes}
            asked: list[Question] = []
            if name == "cpu-limit":
                figures["split"] = await self._with_cpu_limits()
            elif name in ("warm", "cold"):
                asked, split = await self._one_by_one(bare=name == "cold")
                figures["split"] = split
            else:
                messages, chats = (1000, 200) if name == "thousand" else (50, 50)
                asked = await self._ask(messages, chats)
                await self._until_ended(asked)
                await add_results(asked, self.script, self.api, self.model)
                figures["jobs"] = len({one.fields.get("job") for one in asked})
                figures["claims_per_s"] = rate_per_s(asked, "claimed_ms")
                figures["all_done_s"] = max((one.done_s or 0.0 for one in asked), default=0.0)
            figures |= {"took_s": round(time.monotonic() - began, 1), "cpu_percent": psutil.cpu_percent()}
            figures |= {"load_before": round(load, 1), "load_after": round(os.getloadavg()[0], 1)}
            figures |= summary(asked, self.api) | {"routing": routing_summary(asked, self.model)}
            figures["goals"] = goal_results(name, figures)
            show(name, figures)
            return figures

    async def _ask(self, messages: int, chats: int, *, first_text: int = 0) -> list[Question]:
        """Send *messages* at once, in chats that are new."""
        first, self._chats = self._chats, self._chats + chats
        return await send(self.api, messages=messages, chats=chats, per_s=0, first_chat=first, first_text=first_text)

    async def _one_by_one(self, *, bare: bool) -> tuple[list[Question], dict[str, Any]]:
        """One message after the other's end, each when enough agents wait; with *bare*, a bare pod before each."""
        asked, pods, jobs = [], [], []
        warm = 0 if bare else int(self.settings.get("WARM_AGENTS", self.conditions()["warm"]))
        spec = self.cluster.find("PodTemplate", "agent")["template"]["spec"]
        for n in range(self.count):
            if bare:
                self._bare += 1
                pods.append(await self.watch.bare_pod(f"bare-{self._bare}", spec))
            await until_warm(self.script, warm)
            [one] = await self._ask(1, 1, first_text=n)
            asked.append(one)
            await self._until_ended([one])
            await add_results([one], self.script, self.api, self.model)
            jobs.append(await self.watch.of_job(one.fields.get("job", "")))
        return asked, {"agents": agent_steps(asked, jobs), **({"bare_pods": pod_steps(pods)} if pods else {})}

    async def _with_cpu_limits(self) -> dict[str, Any]:
        """Bare pods without a CPU limit and with several, in turns."""
        spec = self.cluster.find("PodTemplate", "agent")["template"]["spec"]
        pods: dict[str, list[Timeline]] = {name: [] for name in CPU_LIMITS}
        for n in range(self.count):
            for name in CPU_LIMITS:
                limited = copy.deepcopy(spec)
                if name != "none":
                    limited["containers"][0]["resources"]["limits"]["cpu"] = name
                pods[name].append(await self.watch.bare_pod(f"limit-{name}-{n}", limited))
        return {f"CPU limit {name}": pod_steps(starts) for name, starts in pods.items()}

    async def _use_up_warm_agents(self) -> None:
        """Give the agents that still wait something to answer, so that none is warm."""
        while waiting := await waiting_agents(self.script):
            await self._until_ended(await self._ask(waiting, waiting))

    async def _until_ended(self, asked: Sequence[Question]) -> None:
        deadline = time.monotonic() + self.timeout_s
        keys = [self.script.keys("task", f"u{one.update_id}") for one in asked]
        while time.monotonic() < deadline:
            shown = await self.script.reads([("HGET", key, "delivery") for key in keys])
            if all(delivery and delivery != "pending" for delivery in shown):
                return
            await asyncio.sleep(0.25)


def show(name: str, figures: dict[str, Any]) -> None:
    console.rule(name, align="left")
    console.print(quantile_table(figures["seconds"]))
    for title, rows in figures.get("split", {}).items():
        console.print(title.replace("_", " "))
        console.print(quantile_table(rows))
    counted = (
        "lost",
        "twice",
        "out_of_order",
        "claims_warm",
        "jobs",
        "claims_per_s",
        "all_done_s",
        "took_s",
        "cpu_percent",
    )
    for what in (*counted, "load_before", "load_after"):
        if what in figures:
            console.print(f"{what.replace('_', ' ')}: {figures[what]}", end="  ")
    console.print()
    for goal, reached in figures["goals"].items():
        console.print(f"goal {goal}: {reached}")
