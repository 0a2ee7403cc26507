"""A run as people read it: the fields of its record, with times in seconds and its cost in dollars."""

from typing import Any

from openclaw_core.records import whole
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.feedback import Feedback
from openclaw_core.tasks.run_usage import read_usage

OF_ITS_JOB = ("job_cause", "job_detail", "log_tail")
"""What became of a lost agent. It is in the task's record, since it can become known after the run has ended."""
PARTS = {
    "routing": "route_micro_usd",
    "searches": "search_micro_usd",
    "recordings": "recording_micro_usd",
    "attempts without an answer": "lost_micro_usd",
}
"""What a run pays for beside its answer."""


NO_FEEDBACK = Feedback()


def row_of(run: RunRecord, feedback: Feedback = NO_FEEDBACK) -> dict[str, Any]:
    """A run as people read it, with the *feedback* on its answer; its cost by the prices of its time, as its budgets
    count it, empty where the model had none.
    """
    fields = run.row
    usage = read_usage(run.run)
    admitted, claimed, first, ended = (
        float(fields.get(name, 0) or 0) for name in ("admitted_ms", "claimed_ms", "first_text_ms", "ended_ms")
    )
    copied = ("task", "role", "decision", "state", "cause", "delivery", "attempt")
    return {
        **{name: fields.get(name, "") for name in copied},
        "model": usage.model,
        "waited_s": round((claimed - admitted) / 1000, 2) if claimed and admitted else "",
        "first_text_s": round((first - admitted) / 1000, 2) if first and admitted else "",
        "took_s": round((ended - admitted) / 1000, 2) if ended and admitted else "",
        "tokens": whole(run.tokens) or usage.prompt_tokens + usage.answer_tokens,
        "usd": int(fields["micro_usd"]) / 1e6 if "micro_usd" in fields else "",
        "feedback": ", ".join(feedback.kinds),
    }


def cost_parts(run: RunRecord) -> dict[str, float]:
    """What the parts of a run cost in dollars, the answer's own first, without those that cost nothing; empty where no cost is known."""
    if not run.micro_usd:
        return {}
    parts = {name: whole(run.row.get(field)) for name, field in PARTS.items()}
    found = {"answer": whole(run.micro_usd) - sum(parts.values()), **parts}
    return {name: micro_usd / 1e6 for name, micro_usd in found.items() if micro_usd > 0}
