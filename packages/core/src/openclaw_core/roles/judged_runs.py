"""What is kept of the runs with one prompt when a canary has been judged."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRuns:
    """Sums over the runs with one prompt, since the canary began."""

    runs: int = 0
    harmed: int = 0
    answered: int = 0
    took_ms: int = 0
    """From admission to the delivered answer, of all that were answered."""
    priced: int = 0
    """Answers of models whose price is known."""
    micro_usd: int = 0
    """What those cost, in millionths of a dollar."""
