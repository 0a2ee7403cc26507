"""What a run took and was made of: model, tokens, times, steps with tools, receipt. No word of a user or a model is in it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from openclaw_core.records import UNREADABLE, parsed, read
from openclaw_core.tasks.receipt import Receipt

ASSUMED = {"cached_tokens": 0, "counted": True, "first_token_ms": None}
"""Fields of a run that are left out with these values: most runs have some of them, and all readers assume them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUsage:
    """A call of a tool: its name, how long it took in milliseconds, and its fault, if any (`CallResult.fault`)."""

    tool: str = ""
    ms: int = 0
    fault: str = ""
    arguments: str = ""
    """Digest of what the model gave to the tool, such as code."""
    result: str = ""
    """Digest of the result as the model read it: of a page, a document, the output of code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUsage:
    """A step with tools: how long the model took, in milliseconds, and what it called."""

    model_ms: int = 0
    calls: tuple[CallUsage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTokens:
    """Tokens of one model, as in `RunUsage`."""

    model: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    answer_tokens: int = 0


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
    receipt: Receipt = field(default_factory=Receipt)
    others: tuple[ModelTokens, ...] = ()
    """Tokens of steps that other models have made. They are in the sums too, and are paid at the prices of their models."""


def usage_fields(usage: RunUsage) -> dict[str, Any]:
    """*usage* as stored. What readers assume where it is missing is left out."""
    fields = asdict(usage)
    steps = [
        step | {"calls": [{k: v for k, v in call.items() if v or k in ("tool", "ms")} for call in step["calls"]]}
        for step in fields.pop("steps")
    ]
    receipt = {name: value for name, value in fields.pop("receipt").items() if value}
    others = list(fields.pop("others"))
    for name, assumed in ASSUMED.items():
        if fields[name] == assumed:
            del fields[name]
    fields |= {"others": others} if others else {}
    return fields | ({"steps": steps} if steps else {}) | ({"receipt": receipt} if receipt else {})


def read_usage(raw: str) -> RunUsage:
    """Read the field `run` of a record; an empty value where it holds nothing or cannot be read."""
    try:
        fields = parsed(raw or "{}")
        steps = tuple(_step(step) for step in fields.get("steps", ()))
        others = tuple(read(ModelTokens, one) for one in fields.get("others", ()))
        return read(RunUsage, fields, steps=steps, receipt=_receipt(fields.get("receipt", {})), others=others)
    except UNREADABLE:
        return RunUsage()


def _receipt(fields: Mapping[str, Any]) -> Receipt:
    return read(Receipt, fields, tools=tuple(map(str, fields.get("tools", ()))))


def _step(step: Mapping[str, Any]) -> StepUsage:
    return read(StepUsage, step, calls=tuple(read(CallUsage, call) for call in step.get("calls", ())))
