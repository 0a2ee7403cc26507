"""What the scripted model says, and which faults it has been told to have: pure decisions, repeatable by seed."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FaultKind = Literal[
    "unauthorized",
    "model_gone",
    "bad_request",
    "too_large",
    "rate_limited",
    "capacity",
    "server_error",
    "unavailable",
    "hang",
    "hang_mid",
    "cut",
    "error_event",
    "empty",
    "garbage",
    "bad_json",
    "thoughts",
    "thoughts_unopened",
    "thoughts_in_channels",
    "thoughts_alone",
    "tool_call",
    "filtered",
]
"""`hang`: not even headers. `hang_mid`, `cut`, `error_event`: after some tokens. `garbage`: a reply that is not JSON.
`bad_json`: a proper reply whose content is not the JSON that was asked for. `thoughts…`: the model thinks in its text, between marks
or with the last one only; `thoughts_alone`: in a field of its own until its tokens are used up. `tool_call`, `filtered`: a few words,
and then no end of an answer."""

FAULT_KINDS: tuple[str, ...] = FaultKind.__args__  # type: ignore[attr-defined]

THOUGHT = "The user wants an answer. I plan it in secret."
THINKS: Mapping[str, tuple[str, str]] = {
    "thoughts": (f"<think>\n{THOUGHT}\n</think>\n\n", ""),
    "thoughts_unopened": (f"{THOUGHT}\n</think>\n\n", ""),
    "thoughts_in_channels": (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|return|>",
    ),
}
"""What stands before and behind the answer."""
FINISHES: Mapping[str, str] = {"thoughts_alone": "length", "tool_call": "tool_calls", "filtered": "content_filter"}
"""The end marks of answers that are none."""
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

_WORDS = {
    "en": [
        "water",
        "river",
        "stone",
        "light",
        "green",
        "north",
        "paper",
        "garden",
        "letter",
        "winter",
        "bridge",
        "market",
        "simple",
        "answer",
        "reason",
        "number",
        "window",
        "circle",
        "method",
        "signal",
        "harbor",
        "summer",
        "engine",
        "mirror",
        "planet",
        "basket",
        "copper",
        "valley",
    ],
    "he": [
        "מים",
        "נהר",
        "אבן",
        "אור",
        "ירוק",
        "צפון",
        "נייר",
        "גינה",
        "מכתב",
        "חורף",
        "גשר",
        "שוק",
        "פשוט",
        "תשובה",
        "סיבה",
        "מספר",
        "חלון",
        "עיגול",
        "שיטה",
        "אות",
        "נמל",
        "קיץ",
        "מנוע",
        "מראה",
    ],
}


@dataclass(slots=True, kw_only=True)
class ModelFault:
    """One order. *times* None means until it is cleared; *model* and *only* narrow it down."""

    kind: str
    times: int | None = 1
    model: str | None = None
    only: Literal["answer", "json"] | None = None
    retry_after_s: float | None = None
    after_tokens: int = 10
    hold_s: float = 300.0


class ModelFaults:
    """The orders that still stand, oldest first; a call meets at most one."""

    def __init__(self) -> None:
        self._orders: list[ModelFault] = []

    def next(
        self,
        kind: FaultKind,
        *,
        times: int | None = 1,
        model: str | None = None,
        only: Literal["answer", "json"] | None = None,
        retry_after_s: float | None = None,
        after_tokens: int = 10,
        hold_s: float = 300.0,
    ) -> ModelFault:
        """The next *times* calls (of *model*, if given; of answers or JSON calls *only*) meet this fault."""
        if kind not in FAULT_KINDS:
            raise ValueError(f"unknown kind of fault; use one of {', '.join(FAULT_KINDS)}")
        fault = ModelFault(
            kind=kind,
            times=times,
            model=model,
            only=only,
            retry_after_s=retry_after_s,
            after_tokens=after_tokens,
            hold_s=hold_s,
        )
        self._orders.append(fault)
        return fault

    def clear(self) -> None:
        self._orders.clear()

    def met_by(self, model: str, kind: Literal["answer", "json"]) -> ModelFault | None:
        """The fault that this call meets, counted down."""
        for fault in self._orders:
            if fault.model in (None, model) and fault.only in (None, kind):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._orders.remove(fault)
                return fault
        return None


@dataclass(slots=True, kw_only=True)
class Call:
    """One call as the server saw it; times are seconds of the monotonic clock, None if it did not come so far."""

    n: int
    model: str
    kind: Literal["answer", "json"]
    stream: bool
    start_s: float
    wall_s: float
    first_s: float | None = None
    end_s: float | None = None
    prompt_tokens: int = 0
    tokens: int = 0
    outcome: str = "open"
    """`ok`, `dropped` (the caller hung up), the kind of the fault, `refused`, `status …` of a script, or `script`."""
    user_digest: str = ""
    """Digest of the last user message, which stands in its answer too."""
    prompt_digest: str = ""
    """Digest of the system prompt."""
    refusal: str = ""
    """Why the request was refused (`refused`), or which turn its script has not (`script`)."""
    messages: list[dict[str, Any]] = field(default_factory=list, repr=False)


def digest(text: str) -> str:
    """Eight characters that tell texts apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def content_text(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def last_said(messages: list[dict[str, Any]], role: str) -> str:
    return next((content_text(m.get("content")) for m in reversed(messages) if m.get("role") == role), "")


def answer_tokens(user_text: str, *, system_prompt: str = "", tokens: int = 120, seed: int = 0) -> list[str]:
    """The pieces of the answer to *user_text*: it names the digests of the text and of the prompt, then goes on in the
    text's language. The same input gives the same answer, another text another one."""
    chance = random.Random(f"{seed}:{user_text}")
    hebrew = sum("א" <= char <= "ת" for char in user_text) > len(user_text) / 4
    opening = ["תשובה " if hebrew else "Answer ", digest(user_text), " לפי הנחיה " if hebrew else " by prompt "]
    pieces = [*opening, digest(system_prompt), ":"]
    words = _WORDS["he" if hebrew else "en"]
    while len(pieces) < tokens:
        count = len(pieces)
        pieces.append(("\n\n" if count % 60 == 0 else " ") + chance.choice(words) + ("." if count % 12 == 11 else ""))
    return pieces[:tokens]


def answer_for(user_text: str, *, system_prompt: str = "", tokens: int = 120, seed: int = 0) -> str:
    """The whole answer that `answer_tokens` streams."""
    return "".join(answer_tokens(user_text, system_prompt=system_prompt, tokens=tokens, seed=seed))


def matching(schema: Mapping[str, Any], chance: random.Random) -> Any:
    """A value that fits *schema*, chosen at random: no accuracy can come of it."""
    if schema.get("enum"):
        return chance.choice(list(schema["enum"]))
    if "const" in schema:
        return schema["const"]
    for variants in ("anyOf", "oneOf"):
        if schema.get(variants):
            return matching(chance.choice(schema[variants]), chance)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = chance.choice(kind)
    if kind == "object":
        return {name: matching(part, chance) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return []
    if kind == "integer":
        return chance.randint(int(schema.get("minimum", 0)), int(schema.get("maximum", 1)))
    if kind == "number":
        return round(chance.uniform(schema.get("minimum", 0.0), schema.get("maximum", 1.0)), 2)
    if kind == "boolean":
        return chance.random() < 0.5
    return None if kind == "null" else "scripted"


def count_tokens(text: str) -> int:
    """A fair guess: four characters are a token."""
    return (len(text) + 3) // 4
