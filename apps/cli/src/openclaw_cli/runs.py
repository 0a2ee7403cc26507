"""`openclaw runs`: list the newest runs, with their ends, times and costs, or show one with its steps. No record holds text of a user."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from openclaw_cli.up.backends import LOCAL_BOT_ID
from openclaw_cli.up.local_redis import local_redis
from openclaw_core.environment import Environment
from openclaw_core.store import Lanes, RedisSettings, RunRecords, open_script
from openclaw_core.store.run_records import RunRecord

OF_ITS_JOB = ("job_cause", "job_detail", "log_tail")
"""What became of a lost agent. It stands in the task's record, since it can become known after the run has ended."""
COLUMNS = {
    "task": "task", "role": "role", "picked by": "decision", "ended": "state", "cause": "cause", "delivery": "delivery",
    "its job": "job_detail", "try": "attempt", "waited": "waited_s", "took": "took_s", "tokens": "tokens", "USD": "usd",
}  # fmt: skip
"""Titles of the table, with the fields below them."""


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    return asyncio.run(_main(args, env))


async def _main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    _, bot_id = Environment({"TELEGRAM_TOKEN": f"{LOCAL_BOT_ID}:of-any-run", **env}).token()
    async with (
        local_redis(Path(args.data).resolve() / "redis", redis_url=env.get("REDIS_URL")) as url,
        open_script(RedisSettings(url=url), bot_id=bot_id) as script,
    ):
        if args.what == "show":
            found = await RunRecords(script).find(args.task)
            runs = [] if found is None else [found]
        else:
            runs = await RunRecords(script).newest(count=args.count)
        records = await Lanes(script).fields([run.task for run in runs], *OF_ITS_JOB)
    rows = [
        row_of(run) | {name: of_job[name] or "" for name in OF_ITS_JOB}
        for run, of_job in zip(runs, records, strict=True)
    ]
    if args.what == "show":
        return _show(args, rows, runs)
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*(str(row[name]) for name in COLUMNS.values()))
    Console().print(table)
    return 0


def _show(args: argparse.Namespace, rows: list[dict[str, Any]], runs: list[RunRecord]) -> int:
    """Print the one run, with its steps. Returns 1 if there is none."""
    if not runs:
        print(f"no run of {args.task}: it has not ended, or its record has gone", file=sys.stderr)
        return 1
    steps = steps_of(runs[0])
    if args.json:
        print(json.dumps(rows[0] | {"steps": steps}, indent=2))
        return 0
    fields = Table.grid(padding=(0, 2))
    for name, value in rows[0].items():
        if value not in ("", None):
            fields.add_row(name, str(value))
    console = Console()
    console.print(fields)
    if steps:
        table = Table("step", "model ms", "tool", "tool ms", "fault")
        for n, step in enumerate(steps, 1):
            for at, call in enumerate(step["calls"]):
                first = (str(n), str(step["model_ms"])) if at == 0 else ("", "")
                table.add_row(*first, call["tool"], str(call["ms"]), call["fault"])
        console.print(table)
    return 0


def steps_of(run: RunRecord) -> list[dict[str, Any]]:
    """The steps of an answer with tools: how long the model took for each, and its calls with their times and faults."""
    usage = json.loads(run.run or "{}")
    return [
        {
            "model_ms": step.get("model_ms", 0),
            "calls": [
                {"tool": call.get("tool", ""), "ms": call.get("ms", 0), "fault": call.get("fault", "")}
                for call in step.get("calls", ())
            ],
        }
        for step in usage.get("steps", ())
    ]


def row_of(run: RunRecord) -> dict[str, Any]:
    """A run as people read it; its cost by the prices of its time, empty where the model had none."""
    fields = run.row
    usage = json.loads(fields.get("run", "{}"))
    admitted, claimed, first, ended = (
        float(fields.get(name, 0) or 0) for name in ("admitted_ms", "claimed_ms", "first_text_ms", "ended_ms")
    )
    copied = ("task", "role", "decision", "state", "cause", "delivery", "attempt")
    return {
        **{name: fields.get(name, "") for name in copied},
        "model": usage.get("model", ""),
        "waited_s": round((claimed - admitted) / 1000, 2) if claimed and admitted else "",
        "first_text_s": round((first - admitted) / 1000, 2) if first and admitted else "",
        "took_s": round((ended - admitted) / 1000, 2) if ended and admitted else "",
        "tokens": usage.get("prompt_tokens", 0) + usage.get("answer_tokens", 0),
        "usd": int(fields["micro_usd"]) / 1e6 if "micro_usd" in fields else "",
    }
