"""`openclaw runs`: list, follow and count what became of messages, show one as a time line, or rebuild its request."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from openclaw_cli.runs.choose import Choice
from openclaw_cli.runs.receipts import receipt_rows
from openclaw_cli.runs.rows import NO_FEEDBACK, OF_ITS_JOB, cost_parts, row_of
from openclaw_cli.runs.source import opened
from openclaw_cli.runs.stats import NONE_GIVEN, count, count_prompts
from openclaw_cli.runs.timeline import moments
from openclaw_core.characters import cleaned
from openclaw_core.errors import StoreError
from openclaw_core.store import Lanes, RunRecords, Script
from openclaw_core.store.canaries import Canaries
from openclaw_core.store.feedback import FeedbackRecords
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.feedback import Feedback
from openclaw_core.tasks.run_usage import read_usage

COLUMNS = {
    "task": "task", "role": "role", "picked by": "decision", "ended": "state", "cause": "cause", "delivery": "delivery",
    "its job": "job_detail", "try": "attempt", "waited": "waited_s", "took": "took_s", "tokens": "tokens", "USD": "usd",
    "feedback": "feedback",
}  # fmt: skip
"""Titles of the table, with the fields below them."""
LOOKS_EACH_S = 1.0
"""How often `--follow` asks for new runs."""
UNREACHABLE = 69  # EX_UNAVAILABLE


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    try:
        return asyncio.run(_main(args, env))
    except StoreError as exc:
        print(f"the store does not answer ({exc}): is it running, and is REDIS_URL right?", file=sys.stderr)
        return UNREACHABLE


async def _main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    async with opened(args, env) as script:
        if args.what == "show":
            return await _show(args, script)
        if args.what == "replay":
            from openclaw_cli.runs.replay import replay  # here: it loads what an answer needs

            return await replay(args, env, script)
        choice = Choice(role=args.role, state=args.state, cause=args.cause, since_s=args.since)
        if args.what == "stats":
            return await _stats(args, script, choice)
        if args.follow:
            return await _follow(args, script, choice)
        runs = [run async for run in _chosen(script, choice, args.count)]
        rows = await _rows(script, runs, await FeedbackRecords(script).by_task())
        if args.json:
            print(json.dumps(rows, indent=2))
        else:
            Console().print(_table(list(COLUMNS), ([row[name] for name in COLUMNS.values()] for row in rows)))
        return 0


async def _chosen(script: Script, choice: Choice, most: int | None = None) -> AsyncIterator[RunRecord]:
    """The newest runs that fit, the newest first."""
    async for _, run in RunRecords(script).newest_first():
        if choice.is_before(run) or most == 0:
            return
        if choice.takes(run):
            yield run
            most = None if most is None else most - 1


async def _rows(
    script: Script, runs: Sequence[RunRecord], feedback: Mapping[str, Feedback] = NONE_GIVEN
) -> list[dict[str, Any]]:
    records = await Lanes(script).fields([run.task for run in runs], *OF_ITS_JOB)
    return [
        row_of(run, feedback.get(run.task, NO_FEEDBACK)) | {name: of_job[name] or "" for name in OF_ITS_JOB}
        for run, of_job in zip(runs, records, strict=True)
    ]


async def _follow(args: argparse.Namespace, script: Script, choice: Choice) -> int:
    """The last runs, then each one when it has ended, a line for each."""
    records, width = RunRecords(script), {name: max(len(name), 9) for name in COLUMNS}
    if not args.json:
        print("  ".join(f"{name:<{width[name]}}" for name in COLUMNS))
    seen = await records.last_id()
    runs = [run async for run in _chosen(script, choice, args.count)][::-1]
    while True:
        for row in await _rows(script, runs):
            if args.json:
                print(json.dumps(row), flush=True)
            else:
                print("  ".join(f"{cleaned(str(row[COLUMNS[name]])):<{width[name]}}" for name in COLUMNS), flush=True)
        await asyncio.sleep(LOOKS_EACH_S)
        new = await records.after(seen)
        seen = new[-1][0] if new else seen
        runs = [run for _, run in new if choice.takes(run)]


async def _stats(args: argparse.Namespace, script: Script, choice: Choice) -> int:
    runs = [run async for run in _chosen(script, choice)]
    feedback = await FeedbackRecords(script).by_task()
    rows = count_prompts(runs, await Canaries(script).all(), feedback) if args.by_prompt else count(runs, feedback)
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        Console().print(_table(list(rows[0]) if rows else ["role", "prompt"], (row.values() for row in rows)))
    return 0


async def _show(args: argparse.Namespace, script: Script) -> int:
    """Print the one run. Returns 1 if there is none."""
    run = await RunRecords(script).find(args.task)
    if run is None:
        print(f"no run of {args.task}: it has not ended, or its record has gone", file=sys.stderr)
        return 1
    [row] = await _rows(script, [run], await FeedbackRecords(script).by_task())
    usage = read_usage(run.run)
    if args.json:
        steps = [asdict(step) for step in usage.steps]
        line = [{"at_s": moment.at_s, "what": moment.what} for moment in moments(run)]
        receipt = asdict(usage.receipt)
        costs = {"usd_parts": cost_parts(run)}
        print(json.dumps(row | costs | {"receipt": receipt, "steps": steps, "timeline": line}, indent=2))
        return 0
    console = Console(soft_wrap=True, highlight=False, markup=False)
    made_of = receipt_rows(usage.receipt)
    for moment in moments(run):
        console.print(f"{'' if moment.at_s is None else f'{moment.at_s:.3f} s':>12}  {cleaned(moment.what)}")
    fields = Table.grid(padding=(0, 2))
    for name in ("model", "tokens", "usd", "feedback", *OF_ITS_JOB):
        if row[name] not in ("", None):
            fields.add_row(name, _plain(row[name]))
    if len(parts := cost_parts(run)) > 1:
        fields.add_row("of that", ", ".join(f"{name} {usd:.6f}" for name, usd in parts.items()))
    for name, text in made_of:
        fields.add_row(name, _plain(text))
    console.print(fields)
    return 0


def _table(titles: Sequence[str], rows: Iterable[Iterable[object]]) -> Table:
    table = Table(*titles)
    for row in rows:
        table.add_row(*map(_plain, row))
    return table


def _plain(value: object) -> Text:
    """*value* as it is. What an agent has written, such as its last lines, is neither Rich's markup nor an order to the terminal."""
    return Text(cleaned(str(value)))
