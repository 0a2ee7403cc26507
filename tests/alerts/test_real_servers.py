"""Prometheus and Alertmanager as processes, with the rules and the configuration of the cluster; Telegram is the strict stand-in.

Only the waits are shorter: `for` of a rule, and Alertmanager's waits for a group.
"""

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from openclaw_standin.bot_api import BotApi
from tests.alerts.rule_files import Rule, write_alertmanager, write_rules
from tests.alerts.servers import free_port, process
from tests.manifests.rendering import ROOT, tool

TOKEN = "4242:operators-bot"
OPS_CHAT = -1000000000000
WITHIN_S = 90
"""A busy machine; alone each step takes a few seconds."""

WELL = {
    "openclaw_leader": "1",
    "openclaw_store_up": "1",
    'openclaw_queue_age_seconds{queue="inbox"}': "0",
    'openclaw_queue_age_seconds{queue="notices"}': "0",
}
ILL = WELL | {
    "openclaw_store_up": "0",
    'openclaw_queue_age_seconds{queue="inbox"}': "600",  # follows from the line above, so it is not told of
    'openclaw_template_fallback{template="agent"}': "1",
}


class Brain:
    """A scrape target that is well or ill."""

    figures = WELL

    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text="".join(f"{name} {value}\n" for name, value in self.figures.items()))

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[int]:
        app = web.Application()
        app.add_routes([web.get("/metrics", self.page)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()


def shorter(rule: Rule) -> None:
    if "for" in rule:
        rule["for"] = "2s"


def alertmanager_config(folder: Path, api_url: str) -> Path:
    file = write_alertmanager(folder, "staging", token=TOKEN, api_url=api_url)
    config = yaml.safe_load(file.read_text())
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "3s", "group_interval": "3s"}
    file.write_text(yaml.safe_dump(config, allow_unicode=True))
    return file


def prometheus_config(folder: Path, brain: int, alertmanager: int) -> Path:
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(file) for file in write_rules(folder, shorter)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [
            {
                "job_name": "monitoring/brain",
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{brain}"],
                        "labels": {"namespace": "openclaw-staging", "container": "brain"},
                    }
                ],
            }
        ],
    }
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.mark.timeout(400)
async def test_operators_are_told_once_of_what_is_ill_then_that_it_is_over_and_that_prometheus_is_gone(
    tmp_path: Path,
) -> None:
    program = {name: tool(name) for name in ("prometheus", "alertmanager")}
    files = {name: tmp_path / name for name in ("rules", "alertmanager")}
    for folder in files.values():
        folder.mkdir()
    brain, port, alerts_port = Brain(), free_port(), free_port()

    async with BotApi.open(token=TOKEN) as telegram, brain.serve() as target:
        telegram.users.add_group(OPS_CHAT, title="Operators")

        async def told(wanted: Callable[[list[str]], bool]) -> list[str]:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WITHIN_S):
                    while not wanted(telegram.bot_texts(OPS_CHAT)):
                        await asyncio.sleep(0.1)
            return telegram.bot_texts(OPS_CHAT)

        async with (
            process(
                tmp_path / "alertmanager.log",
                program["alertmanager"], f"--config.file={alertmanager_config(files['alertmanager'], telegram.url)}",
                f"--storage.path={tmp_path / 'alerts'}", f"--web.listen-address=127.0.0.1:{alerts_port}", "--cluster.listen-address=",
            ),
            process(
                tmp_path / "prometheus.log",
                program["prometheus"], f"--config.file={prometheus_config(files['rules'], target, alerts_port)}",
                f"--storage.tsdb.path={tmp_path / 'metrics'}", f"--web.listen-address=127.0.0.1:{port}", "--rules.alert.resend-delay=1s",
            ) as prometheus,
        ):  # fmt: skip
            texts = await told(lambda texts: len(texts) == 1)
            assert [text.splitlines()[0] for text in texts] == ["💚 staging: alerts are on"]

            brain.figures = ILL
            texts = await told(lambda texts: len(texts) == 2)
            assert len(texts) == 2, "one message for all that is ill"
            assert sorted(re.findall(r"^(.) staging: (\w+)$", texts[1], re.MULTILINE)) == [
                ("🔴", "RedisDown"), ("🟠", "AgentTemplateFallsBack"),
            ]  # fmt: skip
            assert "A brain in openclaw-staging gets no answer from Redis." in texts[1]
            links = [
                entity["url"]
                for message in telegram.messages(OPS_CHAT)
                for entity in message["entities"]
                if "url" in entity
            ]
            assert "https://github.com/doronsun/openclaw/blob/main/docs/alerts.md#redisdown" in links

            brain.figures = WELL
            texts = await told(lambda texts: "RedisDown is over" in texts[-1])
            assert "🟢 staging: RedisDown is over · openclaw-staging" in texts[-1]
            assert "🟢 staging: AgentTemplateFallsBack is over" in texts[-1]
            assert len(texts) == 3  # InboxStuck ends with what it followed from, and is named there as well

            prometheus.send_signal(signal.SIGKILL)
            texts = await told(lambda texts: len(texts) == 4)
            assert [text.splitlines()[0] for text in texts[3:]] == ["🔴 staging: Heartbeat"]
            assert "Prometheus has stopped sending." in texts[3]
    page = (ROOT / "docs/alerts.md").read_text()
    assert all(f"### {link.partition('#')[2]}" in page.lower() for link in links)
