"""One run as a time line: what happened when, and why it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from openclaw_cli.runs.causes import in_words
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.outcome import TaskState
from openclaw_core.tasks.run_usage import StepUsage, read_usage

ENDS: Mapping[str, str] = {
    TaskState.CLOSED: "answered and shown",
    TaskState.FAILED: "failed, and the chat was told",
    TaskState.CANCELLED: "stopped by the user",
}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened.

    *at_s* is counted from the message's admission; None: between those beside it, at a time that is not kept.
    """

    at_s: float | None
    what: str


def moments(run: RunRecord) -> list[TimelineEntry]:
    """What is known of *run*, in order."""
    began = _ms(run.admitted_ms)

    def at(text: str) -> float | None:
        return round((_ms(text) - began) / 1000, 3) if text and began else None

    found = []
    if began:
        found.append(
            TimelineEntry(0.0, f"message admitted ({datetime.fromtimestamp(began / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC)")
        )
    if run.queued_ms:
        found.append(TimelineEntry(at(run.queued_ms), "put into the queue of its chat"))
    if run.ready_ms:
        routing = f"; routing took {run.route_ms} ms, {run.route_tokens or 0} tokens" if run.route_ms else ""
        found.append(
            TimelineEntry(at(run.ready_ms), f"given to agents: role {run.role}, picked by {run.decision}{routing}")
        )
    if run.lost:
        found.append(TimelineEntry(None, f"an agent before was lost: {in_words(run.lost)}"))
    if run.claimed_ms:
        kind = "a waiting agent" if run.warm == "1" else "a new agent"
        found.append(TimelineEntry(at(run.claimed_ms), f"claimed by {kind}, {run.job}, attempt {run.attempt}"))
    found += [TimelineEntry(None, _words(n, step)) for n, step in enumerate(read_usage(run.run).steps, 1)]
    if run.first_text_ms:
        found.append(TimelineEntry(at(run.first_text_ms), "first words"))
    if run.answered_ms:
        found.append(TimelineEntry(at(run.answered_ms), "the agent was through"))
    if run.ended_ms:
        end = ENDS.get(run.state, run.state)
        cause = f": {in_words(run.cause)}" if run.cause else ""
        found.append(TimelineEntry(at(run.ended_ms), f"{end}{cause} (delivery: {run.delivery or 'unknown'})"))
    return found


def _words(n: int, step: StepUsage) -> str:
    calls = ", ".join(f"{call.tool} {call.ms} ms" + (f" ({call.fault})" if call.fault else "") for call in step.calls)
    return f"step {n}: model {step.model_ms} ms" + (f", then {calls}" if calls else "")


def _ms(text: str) -> float:
    return float(text or 0)
