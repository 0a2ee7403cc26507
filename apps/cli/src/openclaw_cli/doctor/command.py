"""`openclaw doctor`: check all that a run needs, and say what to do about each fault. One line for each result.

Each area has a module with a `check`, which takes the same variables and defaults as `openclaw up`.
"""

import argparse
import asyncio
import importlib
import sys
from collections.abc import Iterable

from openclaw_cli.doctor.findings import Env, Finding, Level
from openclaw_core.errors import SettingsError

AREAS = ("machine", "settings", "roles", "redis", "telegram", "model", "search")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=AREAS, action="append", help="look at this alone (may be repeated)")


def main(args: argparse.Namespace, env: Env) -> int:
    """Print what was found; 1 if anything is wrong."""
    findings = asyncio.run(examine(args.only or AREAS, env))
    _print(findings)
    return 1 if any(finding.level is Level.FAULT for finding in findings) else 0


async def examine(areas: Iterable[str], env: Env) -> list[Finding]:
    """Check *areas*, all of which may wait on something, at the same time."""
    return [finding for found in await asyncio.gather(*(_examine(area, env) for area in areas)) for finding in found]


async def _examine(area: str, env: Env) -> list[Finding]:
    check = importlib.import_module(f"openclaw_cli.doctor.{area}").check  # each imports only what it needs
    try:
        return [Finding(level, area, text) async for level, text in check(env)]
    except SettingsError as exc:
        head, *faults = str(exc).splitlines()
        return [Finding(Level.FAULT, area, fault.strip().removeprefix("- ")) for fault in faults or [head]]


def _print(findings: list[Finding]) -> None:
    faults = sum(finding.level is Level.FAULT for finding in findings)
    end = f"{faults} to repair" if faults else "all well"
    if not sys.stdout.isatty():
        for finding in findings:
            print(f"{finding.level.name.lower():8}{finding.area:10}{finding.text}")
        print(end)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    colours = {Level.OK: "green", Level.WARNING: "yellow", Level.FAULT: "red"}
    table = Table(box=None, show_header=False, padding=(0, 1))
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in findings:
        colour = colours[finding.level]
        table.add_row(f"[{colour}]{finding.level.value}[/]", finding.area, escape(finding.text))
    console = Console()
    console.print(table, highlight=False)
    console.print(f"[{'red' if faults else 'green'}]{end}[/]")
