"""Count runs by day and role: how many were answered, how long they took, what they cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any

from openclaw_cli.runs.choose import ended_s
from openclaw_cli.runs.rows import NO_FEEDBACK, row_of
from openclaw_core.store.canaries import TriedPrompt
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.feedback import Feedback
from openclaw_core.tasks.outcome import TaskState
from openclaw_core.tasks.run_usage import read_usage


@dataclass(slots=True)
class Group:
    """The runs of one role on one day."""

    runs: int = 0
    answered: int = 0
    failed: int = 0
    stopped: int = 0
    took_s: list[float] = field(default_factory=list)
    """From the message to its shown answer, of those that were answered."""
    tokens: int = 0
    usd: float = 0
    unpriced: int = 0
    """Runs that used a model without a price, so they are missing in the sum."""
    retried: int = 0
    corrected: int = 0
    up: int = 0
    down: int = 0

    def add(self, run: RunRecord, feedback: Feedback) -> None:
        row = row_of(run)
        self.runs += 1
        self.answered += run.state == TaskState.CLOSED
        self.failed += run.state == TaskState.FAILED
        self.stopped += run.state == TaskState.CANCELLED
        if run.state == TaskState.CLOSED and row["took_s"] != "":
            self.took_s.append(row["took_s"])
        self.retried += feedback.retried
        self.corrected += feedback.corrected
        self.up += feedback.vote == "up"
        self.down += feedback.vote == "down"
        self.tokens += row["tokens"]
        if row["usd"] != "":
            self.usd += row["usd"]
        elif row["tokens"]:
            self.unpriced += 1

    def row(self) -> dict[str, Any]:
        """As it is shown. What the user stopped is no failure, so it does not count for success."""
        told = self.answered + self.failed
        return {
            "runs": self.runs, "answered": self.answered, "failed": self.failed, "stopped": self.stopped,
            "success_percent": round(100 * self.answered / told, 1) if told else "",
            "p50_s": percentile(self.took_s, 50), "p95_s": percentile(self.took_s, 95),
            "tokens": self.tokens, "usd": round(self.usd, 6), "unpriced": self.unpriced,
            "retried": self.retried, "corrected": self.corrected, "up": self.up, "down": self.down,
        }  # fmt: skip


def percentile(values: Sequence[float], percent: int) -> float | str:
    """The smallest value that *percent* of all do not exceed; empty where there is none."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1] if values else ""


NONE_GIVEN: Mapping[str, Feedback] = {}


def count_prompts(
    runs: Iterable[RunRecord], tried: Mapping[str, TriedPrompt], feedback: Mapping[str, Feedback] = NONE_GIVEN
) -> list[dict[str, Any]]:
    """One row for each role and prompt, by the prompt's digest, the one with the most runs first; *tried*: the newest
    canary of each role. *feedback* is by task.

    A run without an answer has no receipt. It had the prompt of an answer that was made with the same settings; where there is none, its
    prompt is not known and is empty.
    """
    runs = list(runs)
    prompts = {run.order: prompt for run in runs if (prompt := read_usage(run.run).receipt.prompt)}
    groups: dict[tuple[str, str], Group] = {}
    for run in runs:
        groups.setdefault((run.role, prompts.get(run.order, "")), Group()).add(run, feedback.get(run.task, NO_FEEDBACK))
    most = sorted(groups.items(), key=lambda group: (group[0][0], -group[1].runs))
    return [
        {"role": role or "none", "prompt": prompt, "canary": canary_state(tried.get(role), prompt), **group.row()}
        for (role, prompt), group in most
    ]


def canary_state(entry: TriedPrompt | None, prompt: str) -> str:
    """What the brain says of a prompt that is or was the newest canary: `tried`, `good` or `ended`; empty for any other."""
    if entry is None or entry.prompt != prompt:
        return ""
    return "ended" if entry.ended else "good" if entry.good else "tried"


def count(runs: Iterable[RunRecord], feedback: Mapping[str, Feedback] = NONE_GIVEN) -> list[dict[str, Any]]:
    """One row for each day (UTC) and role, the newest day first, and one for all together. *feedback* is by task."""
    groups: dict[tuple[str, str], Group] = {}
    everything = Group()
    for run in runs:
        day = datetime.fromtimestamp(ended_s(run), UTC).strftime("%Y-%m-%d")
        said = feedback.get(run.task, NO_FEEDBACK)
        groups.setdefault((day, run.role), Group()).add(run, said)
        everything.add(run, said)
    by_day = sorted(groups, key=lambda key: key[1])
    by_day.sort(key=lambda key: key[0], reverse=True)
    return [
        *({"day": day, "role": role or "none", **groups[day, role].row()} for day, role in by_day),
        {"day": "all", "role": "all", **everything.row()},
    ]
