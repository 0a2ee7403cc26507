"""`openclaw eval tasks`: check the tasks of a folder in seconds, without a model, and count them."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from openclaw_cli.eval.answers.tasks import AnswerTask, BadTasks, load_tasks


def main(args: argparse.Namespace, _env: Mapping[str, str]) -> int:
    console = Console()
    try:
        tasks = load_tasks(args.folder)
    except BadTasks as exc:
        console.print(str(exc), markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print(table(tasks))
    return 0


def table(tasks: Sequence[AnswerTask]) -> Table:
    """How many tasks each role has: in both languages, and held out."""
    shown = Table("role", "tasks", "en", "he", "held out", "checks")
    for role in sorted({task.role for task in tasks}):
        own = [task for task in tasks if task.role == role]
        langs = Counter(task.lang for task in own)
        held_out, checks = sum(task.held_out for task in own), sum(len(task.checks) for task in own)
        shown.add_row(role, *map(str, (len(own), langs["en"], langs["he"], held_out, checks)))
    return shown
