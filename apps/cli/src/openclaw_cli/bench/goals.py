"""The goals of `openclaw bench cluster`, and whether the figures of a phase reach them."""

import math
from collections.abc import Mapping
from typing import Any

TO_PROCESS, TO_CLAIM = (f"claim p95 by the bare pod's created → {end}" for end in ("process", "could claim"))
GOALS: Mapping[str, Mapping[str, float]] = {
    "warm": {"first sign p95": 0.05, "claim p95": 0.05, "overhead p95": 0.06},
    "cold": {TO_PROCESS: 1.2, TO_CLAIM: 1.2},
    "burst": {"all done": 20},
    "burst-many": {"all done": 6},
    # Two calls a message at Telegram's 30 calls a second, and a tenth.
    "thousand": {"all done": 73, "lost": 0, "twice": 0, "out of order": 0},
    "cpu-limit": {},
}
"""The most that each figure of a phase may be, in seconds where it is a time; the bare pod's are how often its p95 fits
into the claim's.
"""


def goal_results(phase: str, figures: Mapping[str, Any]) -> dict[str, str]:
    """For each goal of *phase*: met, missed, or not measured."""
    measured, out = _measured(figures), {}
    for goal, most in GOALS[phase].items():
        value = measured[goal]
        word = "not measured" if value is None else f"{value:.3g}, {'met' if value <= most else 'MISSED'}"
        out[f"{goal} ≤ {most:g}"] = word
    return out


def _measured(figures: Mapping[str, Any]) -> dict[str, float | None]:
    def p95(*path: str) -> float | None:
        found: Any = figures
        for name in path:
            found = found.get(name, {})
        return found.get("p95")  # type: ignore[no-any-return]

    def by_a_bare_pods(step: str) -> float | None:
        claim, bare = p95("split", "agents", "ready → claimed"), p95("split", "bare_pods", f"pod {step}")
        return claim / bare if claim and bare else None

    return {
        "first sign p95": p95("seconds", "first_sign"),
        "claim p95": p95("seconds", "agent_has_the_task"),
        "overhead p95": p95("seconds", "overhead"),
        TO_PROCESS: by_a_bare_pods("created → process"),
        TO_CLAIM: by_a_bare_pods("created → could claim"),
        "all done": math.inf if figures.get("lost") else figures.get("all_done_s"),
        **{name: figures.get(name.replace(" ", "_")) for name in ("lost", "twice", "out of order")},
    }
