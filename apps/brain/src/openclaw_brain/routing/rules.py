"""Sure rules: what a message says of itself, added up for each role; they speak only when one role is clearly ahead."""

from collections.abc import Mapping

from openclaw_brain.routing.lexicon import CUES
from openclaw_brain.routing.parsed_text import Reading

SURE_SCORE = 3.0
SURE_LEAD = 2.0
CODE = 2.5
"""Weight of source code or error output in the message; a second kind of it adds half."""
PASTE_WORDS = 14
"""A pasted text of this many words that is no code speaks for making it shorter."""
OF_A_PASTE = 0.35
"""Weight of the words of a pasted text against those of the request above it."""


def scores(reading: Reading) -> dict[str, float]:
    """How much speaks for each role that the lexicon knows."""
    total = {"researcher": 0.0, "coder": 0.0, "summarizer": 0.0}
    for cue in CUES:
        if cue.pattern.search(reading.ask):
            total[cue.role] += cue.weight
        elif reading.material_words and cue.role == "coder" and not cue.start and cue.pattern.search(reading.whole):
            total[cue.role] += cue.weight * OF_A_PASTE
    if reading.code_signs:
        total["coder"] += CODE + CODE / 2 * min(reading.code_signs - 1, 2)
    elif reading.material_words >= PASTE_WORDS:
        total["summarizer"] += 1.5
    if total["summarizer"] >= 2 and reading.material_words >= 8:
        total["summarizer"] += 1
    if reading.url and total["summarizer"]:
        total["summarizer"] += 1
    return total


def sure_role(scored: Mapping[str, float]) -> str | None:
    """The role that is clearly ahead, or None."""
    first, second = sorted(scored.items(), key=lambda item: -item[1])[:2]
    if first[1] >= SURE_SCORE and first[1] - second[1] >= SURE_LEAD:
        return first[0]
    return None
