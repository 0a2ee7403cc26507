"""Faults of the scripted model on request: error replies, broken streams, and answers that are not answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from openclaw_standin.fault_queue import FaultQueue

THOUGHT = "The user wants an answer. I plan it in secret."
THINKS: Mapping[str, tuple[str, str]] = {
    "thoughts": (f"<think>\n{THOUGHT}\n</think>\n\n", ""),
    "thoughts_unopened": (f"{THOUGHT}\n</think>\n\n", ""),
    "thoughts_in_channels": (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|return|>",
    ),
}
"""The text before and after the answer."""
FINISHES: Mapping[str, str] = {"thoughts_alone": "length", "tool_call": "tool_calls", "filtered": "content_filter"}
"""The `finish_reason` of answers that are not answers."""
SAID_BEFORE = ["Let", " me", " look."]

ERRORS: Mapping[str, tuple[int, str, str, str]] = {
    "unauthorized": (401, "Invalid API Key", "invalid_request_error", "invalid_api_key"),
    "model_gone": (
        404,
        "The model does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    "bad_request": (
        400,
        "Please reduce the length of the messages or completion.",
        "invalid_request_error",
        "context_length_exceeded",
    ),
    "bad_parameter": (
        400,
        "A parameter is not supported with this model.",
        "invalid_request_error",
        "invalid_parameter",
    ),
    "too_large": (413, "Request too large for model: Limit 8000, Requested 32979", "tokens", "rate_limit_exceeded"),
    "rate_limited": (429, "Rate limit reached for model", "tokens", "rate_limit_exceeded"),
    "capacity": (498, "Flex tier capacity exceeded", "capacity", "capacity_exceeded"),
    "server_error": (500, "Internal Server Error", "internal_server_error", "internal_server_error"),
    "unavailable": (503, "Service Unavailable", "internal_server_error", "service_unavailable"),
}
"""HTTP status, message, type and code as Groq sends them."""

FAULT_KINDS = (*ERRORS, "hang", "hang_mid", "cut", "error_event", "empty", "garbage", "bad_json", *THINKS, *FINISHES)
"""`hang`: no headers come.

`hang_mid`, `cut`, `error_event`: after some tokens. `garbage`: the reply is not JSON. `bad_json`: the content is not
the JSON that was asked for. `thoughts…`: the text holds thoughts, between two marks or before one. `thoughts_alone`:
all tokens are thoughts, in a field of their own. `tool_call`, `filtered`: the answer ends after a few words.
"""


@dataclass(slots=True, kw_only=True)
class ModelFault:
    """What the next *times* calls meet: of *model*, if given; of answers or of JSON calls *only*; with a system prompt
    that holds *prompt*. *times* None means all until cleared.
    """

    kind: str
    times: int | None = 1
    model: str | None = None
    only: Literal["answer", "json"] | None = None
    prompt: str = ""
    retry_after_s: float | None = None
    after_tokens: int = 10
    hold_s: float = 300.0


def model_fault(kind: str, **details: Any) -> ModelFault:
    """A fault for a test; *details* are fields of `ModelFault`. Raises ValueError for an unknown kind."""
    if kind not in FAULT_KINDS:
        raise ValueError(f"unknown kind of fault; use one of {', '.join(FAULT_KINDS)}")
    return ModelFault(kind=kind, **details)


class ModelFaults(FaultQueue[ModelFault]):
    """The faults of the scripted model."""

    def next(self, kind: str, **details: Any) -> ModelFault:
        """Order a fault for the next calls; *details* are fields of `ModelFault`."""
        return self.add(model_fault(kind, **details))

    def take(self, model: str, kind: Literal["answer", "json"], prompt: str) -> ModelFault | None:
        """The fault that this call meets. *prompt* is its system prompt."""
        return self.first(
            lambda fault: fault.model in (None, model) and fault.only in (None, kind) and fault.prompt in prompt
        )
