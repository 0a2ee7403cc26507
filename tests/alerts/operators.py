"""Prometheus, Alertmanager and the operators' chat beside a real bot: what the operators are told of a fault, and when.

Rules and configuration are those of the cluster. Only times are shorter, all by the same factor: waits, ranges, and thresholds in seconds.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from openclaw_standin.bot_api import BotApi
from tests.alerts.rule_files import Rule, write_alertmanager, write_rules
from tests.alerts.runbook import commands
from tests.alerts.servers import free_port, process
from tests.manifests.rendering import tool

TOKEN = "5151:operators-bot"
OPS_CHAT = -1000000000000
"""As environment.yaml has it."""
FASTER = float(os.environ.get("OPENCLAW_ALERTS_FASTER", "60"))
"""How many times shorter all times are: a minute of the rules is a second here. 1 leaves them as they are."""
SCRAPE_S = 30.0
WITHIN_S = 90.0
"""How long a message may take beyond the rule's own wait: a busy machine is slow, not wrong."""
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
THRESHOLDS_IN_SECONDS = {"AgentsWanted", "AnswersSlow", "DeliveryBehind", "InboxStuck"}
"""Alerts that compare how long something has waited. KubernetesNotHeard stays: a quiet watch is heard each 45 s."""


def seconds(duration: str) -> float:
    """A duration of Prometheus of one unit, such as `15m`."""
    return float(duration[:-1]) * UNITS[duration[-1]]


def shortened(duration_s: float, faster: float) -> str:
    """A duration of Prometheus."""
    return f"{max(1, round(1000 * duration_s / faster))}ms"


def shorten(rule: Rule, faster: float = FASTER) -> None:
    """Make the times of *rule* so many times shorter. Days until something ends are no waits and stay."""

    def less(found: re.Match[str]) -> str:
        return shortened(seconds(found[0]), faster)

    rule["expr"] = re.sub(r"(?<=\[)\d+[smhd](?=\])|(?<=offset )\d+[smhd]", less, rule["expr"])
    if rule.get("alert") in THRESHOLDS_IN_SECONDS:
        rule["expr"] = re.sub(r"(?<=> )\d+$", lambda found: f"{int(found[0]) / faster:g}", rule["expr"])
    if "for" in rule:
        rule["for"] = shortened(seconds(rule["for"]), faster)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the operators' chat got of an alert."""

    alert: str
    after_s: float
    """From the fault to the message."""
    text: str
    """The lines of this alert in the message."""


@dataclass
class Operators:
    """Who reads the operators' chat."""

    api: BotApi
    folder: Path
    prometheus: "asyncio.subprocess.Process"
    prometheus_log: Path
    prometheus_url: str
    told_of: list[Told] = field(default_factory=list)

    def logged(self, alert: str) -> str:
        """What the section's `kubectl -n monitoring logs` would print: the last lines of these servers' logs. They run in no pod here."""
        printed = []
        for command in commands(alert):
            if found := re.fullmatch(r"kubectl -n monitoring logs (\w+)-\S+ .*--tail=(\d+)", command):
                file = self.prometheus_log.with_name(f"{found[1]}.log")
                printed += file.read_text(errors="replace").splitlines()[-int(found[2]) :]
        assert printed, f"docs/alerts.md#{alert.lower()} names no log of Prometheus or Alertmanager"
        return "\n".join(printed)

    def texts(self) -> list[str]:
        return self.api.bot_texts(OPS_CHAT)

    async def told(self, alert: str, *, since: float, within_s: float = WITHIN_S) -> Told:
        """Wait for the message that *alert* fires. *since*: when the fault began, by `time.monotonic`."""
        text = await self._line(rf"^. staging: {alert}\n.*$", within_s=within_s)
        told = Told(alert=alert, after_s=time.monotonic() - since, text=text)
        self.told_of.append(told)
        self._write_down(told)
        return told

    async def over(self, *alerts: str, within_s: float = WITHIN_S) -> None:
        """Wait for the messages that these are over."""
        for alert in alerts:
            await self._line(rf"^🟢 staging: {alert} is over.*$", within_s=within_s)

    async def _line(self, pattern: str, *, within_s: float) -> str:
        deadline = time.monotonic() + within_s
        while True:
            for text in self.texts():
                if found := re.search(pattern, text, re.MULTILINE):
                    return found[0]
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"no message with {pattern!r} within {within_s} s; there are:\n" + "\n---\n".join(self.texts())
                )
            await asyncio.sleep(0.1)

    async def read_rules_again(self) -> None:
        """As the operator of Prometheus does after a change in Git."""
        loaded, before = "Completed loading of configuration file", self.prometheus_log.read_text()
        self.prometheus.send_signal(signal.SIGHUP)
        async with asyncio.timeout(WITHIN_S):
            while self.prometheus_log.read_text().count(loaded) == before.count(loaded):
                await asyncio.sleep(0.1)

    async def page_targets(self, job: str) -> str:
        """What Prometheus' page Targets says of *job*: the errors of its last scrapes."""
        async with httpx.AsyncClient() as client:
            found = (await client.get(f"{self.prometheus_url}/api/v1/targets")).raise_for_status().json()
        targets = found["data"]["activeTargets"]
        return "\n".join(one["lastError"] for one in targets if one["labels"]["job"] == job)

    def _write_down(self, told: Told) -> None:
        """Add a row to the file that OPENCLAW_ALERTS_TABLE names: the rows of the table in docs/alerts.md."""
        if path := os.environ.get("OPENCLAW_ALERTS_TABLE"):
            with Path(path).open("a") as table:
                table.write(f"{told.alert}\t{told.after_s:.1f}\t{' '.join(told.text.split())}\n")


def alertmanager_config(folder: Path, api_url: str) -> Path:
    file = write_alertmanager(folder, "staging", token=TOKEN, api_url=api_url)
    config = yaml.safe_load(file.read_text())
    for route in (config["route"], *config["route"]["routes"]):
        for name in ("group_wait", "group_interval"):
            if name in route:
                route[name] = shortened(max(1.0, seconds(route[name])), FASTER)
    file.write_text(yaml.safe_dump(config, allow_unicode=True))
    return file


def prometheus_config(folder: Path, jobs: Sequence[Mapping[str, Any]], alertmanager: int, port: int) -> Path:
    """Prometheus scrapes *jobs*, Alertmanager and itself."""
    own = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]}
        for name, at in (("monitoring-alertmanager", alertmanager), ("monitoring-prometheus", port))
    ]
    pace = shortened(SCRAPE_S, FASTER)
    config = {
        "global": {"scrape_interval": pace, "evaluation_interval": pace, "scrape_timeout": pace},
        "rule_files": [str(folder / "*.rules.yaml"), *(str(file) for file in write_rules(folder, shorten))],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [*jobs, *own],
    }
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def brain_job(port: int) -> dict[str, Any]:
    """A scrape of a brain on this machine, with the labels that a PodMonitor gives."""
    labels = {"namespace": "openclaw-staging", "container": "brain"}
    return {"job_name": "monitoring/brain", "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]}


@asynccontextmanager
async def operators(folder: Path, *jobs: Mapping[str, Any]) -> AsyncIterator[Operators]:
    """Both servers, which scrape *jobs* and tell the operators' chat; it has heard that alerts are on."""
    program = {name: tool(name) for name in ("prometheus", "alertmanager")}
    files = {name: folder / name for name in ("rules", "alertmanager")}
    for one in files.values():
        one.mkdir(parents=True)
    port, alerts_port = free_port(), free_port()
    async with (
        BotApi.open(token=TOKEN) as api,
        process(
            folder / "alertmanager.log",
            program["alertmanager"], f"--config.file={alertmanager_config(files['alertmanager'], api.url)}",
            f"--storage.path={folder / 'alerts'}", f"--web.listen-address=127.0.0.1:{alerts_port}", "--cluster.listen-address=",
        ),
        process(
            folder / "prometheus.log",
            program["prometheus"], f"--config.file={prometheus_config(files['rules'], jobs, alerts_port, port)}",
            f"--storage.tsdb.path={folder / 'metrics'}", f"--web.listen-address=127.0.0.1:{port}",
            f"--rules.alert.resend-delay={shortened(60, FASTER)}",
        ) as prometheus,
    ):  # fmt: skip
        api.users.add_group(OPS_CHAT, title="Operators")
        found = Operators(
            api=api,
            folder=files["rules"],
            prometheus=prometheus,
            prometheus_log=folder / "prometheus.log",
            prometheus_url=f"http://127.0.0.1:{port}",
        )
        await found._line(r"^💚 staging: alerts are on$", within_s=WITHIN_S)
        yield found
