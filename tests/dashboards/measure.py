"""A load run of the whole bot under a real Prometheus, and what it answers to the queries of every panel."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from openclaw_brain.queue.canary_watch import LOOK_EVERY_S
from openclaw_cli.bench.questions import send
from openclaw_cli.bench.roles import folder_without_tools
from openclaw_core.roles.canary import is_inside
from openclaw_core.store import RunRecords
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.receipt import digest
from openclaw_gitops.dashboards import Panel
from openclaw_standin.model import ScriptedModel
from tests.alerts.rule_files import Rule, write_rules
from tests.alerts.servers import free_port, process
from tests.e2e_local.world import ROOT, World, world
from tests.manifests.rendering import tool

KEY = "marker-key-never-logged"
NAMESPACE, ROLE = "openclaw-staging", "coder"
RATE_S = 15
"""`$__rate_interval` here: scrapes come each second."""
PERCENT = 50
CODER_CHATS = 1, 5
"""Chats whose questions all go to the coder: of eight, that take the questions of benchmarks in turn."""
NEXT = next(
    text
    for text in (f"You write code. Version {n}." for n in count())
    if [is_inside(digest(text), str(chat), PERCENT) for chat in CODER_CHATS] == [True, False]
)
"""A prompt that the coder tries in the first of these chats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a panel: its legend, and its finite values by the time of each in seconds."""

    legend: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A Prometheus that has scraped a brain under load since *began*, in seconds of the epoch."""

    url: str
    began: float
    ended: list[RunRecord] = field(default_factory=list)
    """What the store says of all its messages."""

    async def answers(self, panel: Panel) -> Sequence[Series]:
        """What the panel shows. A query that Prometheus refuses is an AssertionError with its words."""
        found: list[Series] = []
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as client:
            now = time.time()
            for legend, query in panel.queries.items():
                asked: dict[str, Any] = {"query": self.filled(query, now)}
                if panel.kind == "number":
                    reply = await client.post("/api/v1/query", data=asked | {"time": now})
                else:
                    step = max(1, round((now - self.began) / 80))
                    reply = await client.post(
                        "/api/v1/query_range", data=asked | {"start": self.began, "end": now, "step": step}
                    )
                assert reply.status_code == 200, f"{panel.title}: {reply.json()['error']}: {asked['query']}"
                for row in reply.json()["data"]["result"]:
                    values = row["values"] if "values" in row else [row["value"]]
                    points = [(float(at), float(value)) for at, value in values if isfinite(float(value))]
                    found.append(Series(legend=_filled(legend, row["metric"]), points=points))
        return found

    def filled(self, query: str, now: float) -> str:
        """*query* as Grafana sends it."""
        whole = f"{max(10, round(now - self.began))}s"
        for name, value in {
            "__rate_interval": f"{RATE_S}s",
            "__range": whole,
            "namespace": NAMESPACE,
            "role": ROLE,
        }.items():
            query = query.replace(f"${name}", value)
        return query


def _filled(legend: str, labels: Mapping[str, str]) -> str:
    text = legend.replace("$role", ROLE)
    for name, value in labels.items():
        text = text.replace("{{" + name + "}}", value)
    return "none" if "{{" in text else text


def _sooner(rule: Rule) -> None:
    """What is recorded of 15 minutes becomes that of 15 seconds, as the run is short."""
    if "record" in rule:
        rule["expr"] = rule["expr"].replace("15m", f"{RATE_S}s")


def _prometheus_config(folder: Path, brain: int) -> Path:
    labels = {"namespace": NAMESPACE, "container": "brain", "pod": "brain-0"}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(file) for file in write_rules(folder, _sooner)],
        "scrape_configs": [
            {"job_name": "monitoring/brain", "static_configs": [{"targets": [f"127.0.0.1:{brain}"], "labels": labels}]}
        ],
    }
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def _roles(folder: Path) -> Path:
    """The shipped roles without tools, with a limit of spending and a coder that tries another prompt."""
    roles = folder_without_tools(ROOT / "platform/openclaw/base", folder)
    (roles / "config/budgets.yaml").write_text("all: {day: {usd: 1}}\ntime_zone: UTC\n")
    (roles / "prompts/coder-next.md").write_text(NEXT)
    file = roles / "config/roles.yaml"
    line = "    prompt: coder.md\n"
    text = file.read_text()
    assert line in text
    file.write_text(text.replace(line, f"{line}    canary: {{prompt: coder-next.md, percent: {PERCENT}}}\n"))
    return roles


@asynccontextmanager
async def load_run(folder: Path, *, messages: int, per_s: float) -> AsyncIterator[Run]:
    """Send the questions of benchmarks to a whole bot whose coder tries another prompt.

    Two are refused by the model and one more by the tried prompt, agents are killed until one is lost with a task, and people judge two answers.
    """
    prometheus, port, health = tool("prometheus"), free_port(), free_port()
    files = folder / "prometheus"
    files.mkdir()
    (folder / "bot").mkdir()
    settings = {
        "GROQ_API_KEY": KEY, "DEMO_MODEL": "no", "ROLES_DIR": str(_roles(folder / "roles")), "HEALTH_PORT": str(health), "FEEDBACK_BUTTONS": "yes",
    }  # fmt: skip
    async with (
        ScriptedModel.open(api_key=KEY) as model,
        world(folder / "bot", GROQ_BASE_URL=model.url, **settings) as bot,
        process(
            folder / "prometheus.log",
            prometheus, f"--config.file={_prometheus_config(files, health)}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ),
    ):  # fmt: skip
        run = Run(url=f"http://127.0.0.1:{port}", began=time.time())
        await asyncio.sleep(3)  # a rate wants a look before the first message
        first = messages // 3
        await send(bot.api, messages=first, chats=8, per_s=per_s)
        model.faults.next("unauthorized", only="answer", times=2)
        model.faults.next("unauthorized", only="answer", prompt=NEXT)
        await send(bot.api, messages=first, chats=8, per_s=per_s, first_text=first)
        for chat, kind in zip(CODER_CHATS, ("up", "down"), strict=True):
            await _judge(bot, chat, kind)
        asking = asyncio.create_task(
            send(bot.api, messages=messages - 2 * first, chats=8, per_s=per_s, first_text=2 * first),
            name="send questions",
        )
        await _lose_an_agent(bot)
        await asking
        await bot.all_ended(messages, timeout_s=240)
        run.ended.extend(await RunRecords(bot.script).newest(count=messages))
        await asyncio.sleep(LOOK_EVERY_S + 3)  # the last ends are counted by prompt, and scraped
        yield run


async def _judge(bot: World, chat: int, kind: str) -> None:
    """Press 👍 or 👎 under an answer in *chat*, once there is one."""

    def pressed() -> bool:
        for message in bot.api.messages(chat):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if button["callback_data"].startswith(f"{kind}:"):
                        bot.api.users.press(chat, message["message_id"], button["callback_data"])
                        return True
        return False

    await bot.until(pressed)


async def _lose_an_agent(bot: World) -> None:
    async def lost() -> bool:
        counts = await bot.script.read("HKEYS", bot.script.keys("counts"))
        return any(str(name).startswith("lost:") for name in counts)

    async def killed_one() -> bool:
        if await lost():
            return True
        for agent in bot.agents()[:2]:
            try:
                agent.kill()
            except psutil.NoSuchProcess:
                continue
        await asyncio.sleep(1)
        return False

    await bot.until(killed_one, timeout_s=120)
