"""The arguments of `openclaw eval answers`."""

import argparse
import math
from pathlib import Path


def _dollars(text: str) -> float:
    """Raises ArgumentTypeError, with which argparse ends with 2, and so does a comparison that could not run."""
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not (math.isfinite(limit) and limit >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount in dollars, such as 1.50")
    return limit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--role", action="append", default=[], help="of this role alone; may be repeated (default: all that differ)"
    )
    parser.add_argument(
        "--against", metavar="REV", help="compare with this commit (default: where the work tree left main)"
    )
    parser.add_argument("--of", metavar="REV", help="judge this commit (default: the work tree)")
    parser.add_argument(
        "--model", help="ask this one model instead of the role's (default MODEL_OVERRIDE, else the role's)"
    )
    parser.add_argument(
        "--limit",
        type=_dollars,
        metavar="USD",
        help="ask nothing more once answers have cost so much; a repeat goes on",
    )
    parser.add_argument(
        "--judge",
        metavar="MODEL",
        help="also ask this model the tasks' `judge` questions; shown, no part of the verdict",
    )
    parser.add_argument("--all", action="store_true", help="also ask roles that do not differ: what chance alone does")
    parser.add_argument("--parallel", type=int, default=2, help="pairs at a time (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it as Markdown, as for a comment")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write it as one page that needs nothing else")
    parser.add_argument("--tasks", type=Path, default=Path("evals"), help="folder of the tasks (default %(default)s)")
    parser.add_argument(
        "--cache", type=Path, default=Path(".openclaw/answers"), help="folder of answers (default %(default)s)"
    )
