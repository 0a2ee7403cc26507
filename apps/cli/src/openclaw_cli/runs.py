"""`openclaw runs`: what ran, how it ended, what it took. No user text is kept in a run record."""

import argparse
import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from openclaw_cli.backends import LOCAL_BOT_ID
from openclaw_cli.local_redis import local_redis
from openclaw_core.environment import Environment
from openclaw_core.store import Lanes, RedisSettings, RunRecords, open_script
from openclaw_core.store.run_records import RunRecord

OF_ITS_JOB = ("job_cause", "job_detail", "log_tail")
"""What became of an agent that was lost. It stands in the task's record, since at times it is heard after the run's own end."""


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    return asyncio.run(_main(args, env))


async def _main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    _, bot_id = Environment({"TELEGRAM_TOKEN": f"{LOCAL_BOT_ID}:of-any-run", **env}).token()
    async with (
        local_redis(Path(args.data).resolve() / "redis", redis_url=env.get("REDIS_URL")) as url,
        open_script(RedisSettings(url=url), bot_id=bot_id) as script,
    ):
        runs = await RunRecords(script).newest(count=args.count)
        records = await Lanes(script).fields([run.task for run in runs], *OF_ITS_JOB)
    rows = [
        row_of(run) | {name: of_job[name] or "" for name in OF_ITS_JOB}
        for run, of_job in zip(runs, records, strict=True)
    ]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    table = Table(
        "task", "role", "picked by", "ended", "cause", "delivery", "its job", "try", "waited", "took", "tokens", "USD"
    )
    for row in rows:
        table.add_row(
            *(
                str(row[name])
                for name in (
                    "task",
                    "role",
                    "decision",
                    "state",
                    "cause",
                    "delivery",
                    "job_detail",
                    "attempt",
                    "waited_s",
                    "took_s",
                    "tokens",
                    "usd",
                )
            )
        )
    Console().print(table)
    return 0


def row_of(run: RunRecord) -> dict[str, Any]:
    """A run as people read it; its cost by the prices of its time, empty where the model had none."""
    usage = json.loads(run.run or "{}")
    admitted, claimed, first, ended = (
        float(at or 0) for at in (run.admitted_ms, run.claimed_ms, run.first_text_ms, run.ended_ms)
    )
    return {
        **{name: getattr(run, name) for name in ("task", "role", "decision", "state", "cause", "delivery", "attempt")},
        "model": usage.get("model", ""),
        "waited_s": round((claimed - admitted) / 1000, 2) if claimed and admitted else "",
        "first_text_s": round((first - admitted) / 1000, 2) if first and admitted else "",
        "took_s": round((ended - admitted) / 1000, 2) if ended and admitted else "",
        "tokens": usage.get("prompt_tokens", 0) + usage.get("answer_tokens", 0),
        "usd": int(run.micro_usd) / 1e6 if run.micro_usd else "",
    }
