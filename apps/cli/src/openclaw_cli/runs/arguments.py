"""The options of `openclaw runs`. Nothing heavy is imported here: every `openclaw` command reads this module."""

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openclaw_core.tasks.outcome import ENDED, Cause

UNITS_S = {"m": 60, "h": 3600, "d": 86400}


def since(text: str) -> float:
    """Unix seconds of `30m`, `12h`, `7d` ago, or of a day such as `2026-11-30` (UTC). For argparse."""
    if found := re.fullmatch(r"(\d{1,5})([mhd])", text):
        return datetime.now(UTC).timestamp() - int(found[1]) * UNITS_S[found[2]]
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 30m, 12h, 7d, or a day such as 2026-11-30"
        ) from None


def add_arguments(runs: argparse.ArgumentParser) -> None:
    _add_shared(runs, first=True)
    runs.add_argument("--count", type=int, default=20, help="how many to list at most (default 20)")
    runs.add_argument("-f", "--follow", action="store_true", help="go on with each run that ends; Ctrl-C stops")
    what = runs.add_subparsers(dest="what", metavar="stats | show | replay")
    stats = what.add_parser("stats", help="count by day and role: success, times, tokens, cost")
    stats.add_argument(
        "--by-prompt", action="store_true", help="by role and prompt instead, as where a role has a canary"
    )
    _add_shared(stats)
    show = what.add_parser("show", help="show one run as a time line, with its steps and its cause")
    show.add_argument("task", metavar="ID", help="the task, as the list names it")
    _add_shared(show, choice=False)
    replay = what.add_parser(
        "replay",
        help="rebuild the request of one run from what is kept, and say what has expired; exit status 3 if it is not the same as then",
    )
    replay.add_argument("task", metavar="ID", help="the task, as the list names it")
    replay.add_argument("--text", action="store_true", help="print the messages: they are a user's words")
    replay.add_argument("--ask", action="store_true", help="ask a model again, and print its answer; without tools")
    replay.add_argument("--model", help="with --ask: another model than those of the role then")
    replay.add_argument("--prompt", type=Path, metavar="FILE", help="another prompt than then")
    _add_shared(replay, choice=False)


def _add_shared(parser: argparse.ArgumentParser, *, first: bool = False, choice: bool = True) -> None:
    """Options of all forms. What is before the subcommand counts too: only the *first* parser may have defaults."""

    def add(*names: str, default: Any = "", **how: Any) -> None:
        parser.add_argument(*names, default=default if first else argparse.SUPPRESS, **how)

    add("--json", default=False, action="store_true", help="JSON; with --follow an object for each line")
    add("--cluster", metavar="ENV", help="ask that environment's Redis, by kubectl and its Secrets; as in staging")
    add("--data", default=".openclaw", help="folder of `openclaw up`, if neither --cluster nor REDIS_URL is given")
    if choice:
        add("--role", help="only runs of this role")
        add("--state", choices=sorted(ENDED), help="only runs that ended so")
        add("--cause", choices=sorted(Cause), metavar="CAUSE", help="only runs that ended for this cause")
        add(
            "--since",
            default=0.0,
            type=since,
            metavar="TIME",
            help="only runs that ended since: 30m, 12h, 7d, 2026-11-30",
        )
