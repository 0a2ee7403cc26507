"""What an operator sees of the whole bot: its pages over HTTP, and the list of runs."""

import socket
from pathlib import Path

import httpx
import pytest

from openclaw_cli.runs.rows import row_of
from openclaw_core.store import RunRecords
from tests.e2e_local.world import world

pytestmark = pytest.mark.timeout(300)  # a busy machine is slow, not wrong


async def test_an_answer_shows_on_the_pages_and_in_the_list_of_runs_with_its_cost(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with (
        world(tmp_path, HEALTH_PORT=str(port)) as bot,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        bot.model.fail.append(429)
        bot.api.users.write(5, "/code first question")
        await bot.answered(5, "first question")
        await bot.all_ended(1)
        for page in ("/healthz", "/readyz"):
            assert (await client.get(page)).text == "ok\n"
        lines = (await client.get("/metrics")).text.splitlines()
        for wanted in (
            "openclaw_leader 1.0",
            'openclaw_updates_admitted_total{stream="inbox"} 1.0',
            'openclaw_tasks_routed_total{decision="explicit"} 1.0',
            'openclaw_tasks_ended_total{cause="",state="closed"} 1.0',
            'openclaw_deliveries_total{outcome="delivered",text="answer"} 1.0',
            "openclaw_answer_seconds_count 1.0",
            'openclaw_model_requests_total{model="openai/gpt-oss-120b",outcome="limited"} 1.0',
            'openclaw_model_requests_total{model="openai/gpt-oss-120b",outcome="answered"} 1.0',
        ):
            assert wanted in lines
        assert any(line.startswith('openclaw_cost_microusd_total{role="coder"}') for line in lines)
        [run] = await RunRecords(bot.script).newest(count=1)
        assert row_of(run)["usd"] > 0
        assert await bot.stop_brain() == 0
