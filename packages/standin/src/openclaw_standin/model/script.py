"""The text that the scripted model answers: pure functions, repeatable."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_WORDS = {
    "en": [
        "water", "river", "stone", "light", "green", "north", "paper", "garden", "letter", "winter", "bridge", "market", "simple", "answer",
        "reason", "number", "window", "circle", "method", "signal", "harbor", "summer", "engine", "mirror", "planet",
        "basket", "copper", "valley",
    ],
    "he": [
        "מים", "נהר", "אבן", "אור", "ירוק", "צפון", "נייר", "גינה", "מכתב", "חורף", "גשר", "שוק", "פשוט", "תשובה",
        "סיבה", "מספר", "חלון", "עיגול",
        "שיטה", "אות", "נמל", "קיץ", "מנוע", "מראה",
    ],
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class ScriptCall:
    """One call as the server saw it. Times are seconds of the monotonic clock; None for what did not happen."""

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
    """Digest of the last user message. The answer holds it too."""
    refusal: str = ""
    """Why the request was refused (`refused`), or which turn its script has not (`script`)."""
    messages: list[dict[str, Any]] = field(default_factory=list, repr=False)


def short_digest(text: str) -> str:
    """Eight characters that tell texts apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def content_text(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def last_said(messages: list[dict[str, Any]], role: str) -> str:
    return next((content_text(m.get("content")) for m in reversed(messages) if m.get("role") == role), "")


def answer_tokens(user_text: str, *, system_prompt: str = "", tokens: int = 120) -> list[str]:
    """The pieces of the answer to *user_text*: the digests of the text and the prompt, then words in the text's language.

    The same input gives the same answer; another text gives another one.
    """
    chance = random.Random(f"0:{user_text}")
    hebrew = sum("א" <= char <= "ת" for char in user_text) > len(user_text) / 4
    opening = ["תשובה " if hebrew else "Answer ", short_digest(user_text), " לפי הנחיה " if hebrew else " by prompt "]
    pieces = [*opening, short_digest(system_prompt), ":"]
    words = _WORDS["he" if hebrew else "en"]
    while len(pieces) < tokens:
        count = len(pieces)
        pieces.append(("\n\n" if count % 60 == 0 else " ") + chance.choice(words) + ("." if count % 12 == 11 else ""))
    return pieces[:tokens]


def answer_for(user_text: str, *, system_prompt: str = "", tokens: int = 120) -> str:
    """The whole answer that `answer_tokens` streams."""
    return "".join(answer_tokens(user_text, system_prompt=system_prompt, tokens=tokens))


def matching(schema: Mapping[str, Any], chance: random.Random) -> Any:
    """A random value that fits *schema*: an object, a choice of values, or a text, as routing asks for.

    No accuracy can be measured with it.
    """
    if schema.get("enum"):
        return chance.choice(list(schema["enum"]))
    if schema.get("type") == "object":
        return {name: matching(part, chance) for name, part in schema.get("properties", {}).items()}
    return "scripted"


def count_tokens(text: str) -> int:
    """Tokens of *text*, at four characters a token."""
    return (len(text) + 3) // 4
