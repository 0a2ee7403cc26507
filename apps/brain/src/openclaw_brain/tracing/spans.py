"""The spans of one task, as a pure function of its run record.

Numbers, our own ids of tasks, and names of closed sets: no word of a user.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from openclaw_core.ports import CallFault
from openclaw_core.records import whole
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.outcome import Cause, Decision, Delivery, TaskState
from openclaw_core.tasks.timings import Part, Timing, timings_from
from openclaw_core.trace_ids import span_id, trace_id

OTHER = "other"
"""For a name that this brain does not know: of a role that was removed, of another release, or of an agent that is taken over."""
FAULTS = frozenset({"failed", "not_run", "timed_out", "crashed", "unknown_name", *CallFault, *Cause})
Service = Literal["brain", "agent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span. Times are Unix milliseconds. *parent* is empty for the root."""

    trace: str
    id: str
    parent: str
    name: str
    service: Service
    start_ms: int
    end_ms: int
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    fault: str = ""
    """Why it failed; empty if it did not."""
    calls_out: bool = False
    """Whether it waits for a server outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The closed sets of this configuration."""

    roles: Collection[str]
    models: Collection[str]
    tools: Collection[str]


def spans_of(record: RunRecord, names: Names, *, bot_id: int) -> list[Span]:
    """The spans of *record*, the root first; none for a record without the times of a trace, such as one of the release before."""
    admitted, ended = whole(record.admitted_ms), whole(record.ended_ms)
    if not (record.task and 0 < admitted <= ended):
        return []
    trace = trace_id(bot_id, record.task)
    failed = _one_of(record.cause, Cause) if record.state == TaskState.FAILED else ""
    root = Span(
        trace=trace, id=span_id(trace, "message"), parent="", name="message", service="brain", start_ms=admitted, end_ms=ended,
        attributes=_without_empty(
            {
                "openclaw.task_id": record.task,
                "openclaw.role": _one_of(record.role, names.roles),
                "openclaw.decision": _one_of(record.decision, Decision),
                "openclaw.state": _one_of(record.state, TaskState),
                "openclaw.cause": _one_of(record.cause, Cause),
                "openclaw.delivery": _one_of(record.delivery, Delivery),
                "openclaw.attempts": whole(record.attempt),
            }
        ), fault=failed,
    )  # fmt: skip
    spans = [root]
    for name, start_ms, end_ms, attributes in _phases(record, names):
        if admitted <= start_ms <= end_ms <= ended:
            service: Service = "agent" if name == "answer" else "brain"
            spans.append(
                Span(
                    trace=trace, id=span_id(trace, name), parent=root.id, name=name, service=service, start_ms=start_ms, end_ms=end_ms,
                    attributes=_without_empty(attributes), fault=failed if name == "answer" else "",
                )
            )  # fmt: skip
    answer = next((span for span in spans if span.name == "answer"), None)
    if answer is not None:
        parts = enumerate(timings_from(record.timings), 1)
        spans += [_of_agent(answer, n, timing, names) for n, timing in parts]
    return spans


Phase = tuple[str, int, int, Mapping[str, str | int]]


def _phases(record: RunRecord, names: Names) -> list[Phase]:
    """What follows each other between admission and end. The last one that began lasts until the end was known."""
    queued, released, ready = whole(record.queued_ms), whole(record.released_ms), whole(record.ready_ms)
    claimed = whole(record.attempt_ms) or whole(record.claimed_ms)
    through, ended = whole(record.through_ms) or whole(record.ended_ms), whole(record.ended_ms)
    again = whole(record.attempt) > 1 and bool(claimed)
    route: dict[str, str | int] = {
        "openclaw.decision": _one_of(record.decision, Decision),
        "openclaw.route_ms": whole(record.route_ms),
        "openclaw.route_tokens": whole(record.route_tokens),
    }
    # Of earlier attempts only their causes are known: when one begins, the times of the one before are overwritten.
    before: dict[str, str | int] = {"openclaw.lost": _one_of(record.lost, Cause)}
    began: list[tuple[str, int, Mapping[str, str | int]]] = [
        ("inbox", whole(record.admitted_ms), {}),
        ("lane", queued, {}),
        ("earlier attempts", released, before) if again else ("route", released, route),
        ("wait for an agent", ready, {}),
        ("answer", claimed, {"openclaw.warm": record.warm == "1"}),
    ]
    known = [one for one in began if 0 < one[1] <= through]
    ends = [start_ms for _, start_ms, _ in known[1:]] + [through]
    phases = [(name, start_ms, end_ms, more) for (name, start_ms, more), end_ms in zip(known, ends, strict=True)]
    return [*phases, ("deliver", through, ended, {})]


def _of_agent(answer: Span, n: int, timing: Timing, names: Names) -> Span:
    """A part of the answer, within the answer's time: an agent that is taken over may have written any numbers."""
    start_ms = min(answer.start_ms + timing.at_ms, answer.end_ms)
    end_ms = answer.end_ms if timing.part is Part.HAND_OVER else min(start_ms + timing.ms, answer.end_ms)
    name, attributes = timing.part.value.replace("_", " "), dict[str, str | int]()
    if timing.part is Part.MODEL:
        model = _one_of(timing.of, names.models)
        name = f"chat {model}"
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": timing.prompt_tokens,
            "gen_ai.usage.output_tokens": timing.answer_tokens,
        }
    elif timing.part is Part.TOOL:
        tool = _one_of(timing.of, names.tools)
        name = f"execute_tool {tool}"
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
    return Span(
        trace=answer.trace, id=span_id(answer.trace, f"answer {n}"), parent=answer.id, name=name, service="agent",
        start_ms=start_ms, end_ms=end_ms,
        attributes=_without_empty(attributes), fault=_one_of(timing.fault, FAULTS), calls_out=timing.part is Part.MODEL,
    )  # fmt: skip


def _one_of(value: str, known: Iterable[str]) -> str:
    """*value* if it is known, `other` if it is not, empty if there is none."""
    return value if not value or value in set(known) else OTHER


def _without_empty(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: value for name, value in attributes.items() if value != ""}
