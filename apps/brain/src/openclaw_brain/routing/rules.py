"""Rules: scores of each role from the cues in a message. They decide only if one role is clearly ahead."""

from collections.abc import Mapping

from openclaw_brain.routing.lexicon import CUES
from openclaw_brain.routing.parsed_text import ParsedText

SURE_SCORE = 3.0
SURE_LEAD = 2.0
CODE = 2.5
"""Weight of source code or error output in the message. A second pattern adds half."""
PASTE_WORDS = 14
"""A pasted text of this many words, without code, speaks for the summarizer."""
PASTED_WEIGHT = 0.35
"""Weight of cues in pasted text, relative to cues in the request."""


def scores(parsed: ParsedText) -> dict[str, float]:
    """Return the score of each role that the lexicon knows."""
    total = {"researcher": 0.0, "coder": 0.0, "summarizer": 0.0}
    for cue in CUES:
        if cue.pattern.search(parsed.request):
            total[cue.role] += cue.weight
        elif parsed.pasted_words and cue.role == "coder" and not cue.start and cue.pattern.search(parsed.whole):
            total[cue.role] += cue.weight * PASTED_WEIGHT
    if parsed.code_patterns:
        total["coder"] += CODE + CODE / 2 * min(parsed.code_patterns - 1, 2)
    elif parsed.pasted_words >= PASTE_WORDS:
        total["summarizer"] += 1.5
    if total["summarizer"] >= 2 and parsed.pasted_words >= 8:
        total["summarizer"] += 1
    if parsed.has_url and total["summarizer"]:
        total["summarizer"] += 1
    return total


def sure_role(scored: Mapping[str, float]) -> str | None:
    """Return the role that is clearly ahead, or None."""
    first, second = sorted(scored.items(), key=lambda item: -item[1])[:2]
    if first[1] >= SURE_SCORE and first[1] - second[1] >= SURE_LEAD:
        return first[0]
    return None
