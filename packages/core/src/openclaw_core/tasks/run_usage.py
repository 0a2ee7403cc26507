"""What a run took: its model, tokens and times, and those of its steps with tools. No word of a user or a model stands in it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from openclaw_core.records import UNREADABLE, parsed, read


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUsage:
    """A call of a tool: its name, how long it took in milliseconds, and its fault, if any (`CallResult.fault`)."""

    tool: str = ""
    ms: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUsage:
    """A step with tools: how long the model took, in milliseconds, and what it called."""

    model_ms: int = 0
    calls: tuple[CallUsage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUsage:
    """What all calls of models of one run took together, as in `docs/data.md`, field `run`."""

    model: str = ""
    """The one that answered."""
    calls: int = 0
    """How often a model was asked."""
    prompt_tokens: int = 0
    """With the cached ones."""
    cached_tokens: int = 0
    answer_tokens: int = 0
    counted: bool = True
    """Whether servers have counted the tokens; else some are estimated."""
    model_ms: int = 0
    first_token_ms: int | None = None
    steps: tuple[StepUsage, ...] = ()


def usage_fields(usage: RunUsage) -> dict[str, Any]:
    """*usage* as stored. What readers assume where it is missing is left out."""
    fields = asdict(usage)
    steps = [
        step | {"calls": [{k: v for k, v in call.items() if v or k != "fault"} for call in step["calls"]]}
        for step in fields.pop("steps")
    ]
    return fields | ({"steps": steps} if steps else {})


def read_usage(raw: str) -> RunUsage:
    """Read the field `run` of a record; an empty value where it holds nothing or cannot be read."""
    try:
        fields = parsed(raw or "{}")
        return read(RunUsage, fields, steps=tuple(_step(step) for step in fields.get("steps", ())))
    except UNREADABLE:
        return RunUsage()


def _step(step: Mapping[str, Any]) -> StepUsage:
    return read(StepUsage, step, calls=tuple(read(CallUsage, call) for call in step.get("calls", ())))
