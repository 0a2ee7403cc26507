"""Simulations of the test that calls a tried prompt good, with all that is known of a run: failures at once, feedback a while later, some too late."""

import random
from collections import Counter
from dataclasses import dataclass
from math import exp

import pytest

from openclaw_brain.queue.canary_evidence import JUDGED_AFTER_MS, CanaryEvidence
from openclaw_core.roles.good_test import ERROR_SHARE, LOOKS, MARGIN
from openclaw_core.tasks.feedback import FeedbackKind

FIRST_S, MEAN_S = 3, 30
"""Bad feedback comes after at least the first, and on average the second later."""
IN_TIME = 1 - exp(-(JUDGED_AFTER_MS / 1000 - FIRST_S) / MEAN_S)
"""The share of it that counts."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """How often its answers fail or are stopped, and how often the others get bad feedback."""

    fails: float = 0.02
    bad: float = 0.03

    @property
    def harm(self) -> float:
        """The share of its runs that count as harm."""
        return self.fails + (1 - self.fails) * self.bad * IN_TIME

    def worse_by(self, points: float) -> "Prompt":
        """One whose answers get so much more bad feedback that *points* more of its runs are harm."""
        return Prompt(fails=self.fails, bad=self.bad + points / ((1 - self.fails) * IN_TIME))


def good_after(own: Prompt, tried: Prompt, *, seed: int, share: float) -> int | None:
    """Give answers, one a second, *share* of them with the tried prompt, until a look calls it good. Returns after how many with it; None: by no look.

    That a prompt which does harm is ended before is left out: this is what the looks alone promise.
    """
    chance, evidence, now_ms, n = random.Random(seed), CanaryEvidence(), 0, 0
    while not evidence.good and evidence.known.tried < LOOKS[-1]:
        n, now_ms = n + 1, now_ms + 1000
        is_tried = chance.random() < share
        prompt = tried if is_tried else own
        failed = chance.random() < prompt.fails
        evidence.ended(f"u{n}", tried=is_tried, harmed=failed, at_ms=now_ms)
        if not failed and chance.random() < prompt.bad:
            after_ms = int(1000 * (FIRST_S + chance.expovariate(1 / MEAN_S)))
            evidence.heard(f"u{n}", chance.choice([FeedbackKind.DOWN, FeedbackKind.RETRY]), at_ms=now_ms + after_ms)
        evidence.count_until(now_ms)
    return evidence.known.tried if evidence.good else None


def called_good(own: Prompt, tried: Prompt, *, runs: int, share: float = 0.5) -> Counter[int | None]:
    """In how many of *runs* a look called the prompt good, by its number of answers; None: no look did."""
    return Counter(good_after(own, tried, seed=seed, share=share) for seed in range(runs))


@pytest.mark.slow
@pytest.mark.parametrize("own", [Prompt(), Prompt(fails=0.0, bad=0.1), Prompt(fails=0.2, bad=0.1)])
def test_a_prompt_whose_feedback_shows_the_margin_more_harm_is_seldom_called_good(own: Prompt) -> None:
    tried = own.worse_by(MARGIN)
    assert tried.harm == pytest.approx(own.harm + MARGIN)
    assert 1 - called_good(own, tried, runs=60)[None] / 60 <= ERROR_SHARE + 0.03, "60 runs stray by that"


def test_a_prompt_that_does_the_same_is_called_good_at_the_first_or_second_look() -> None:
    after = called_good(Prompt(), Prompt(), runs=40)
    assert after[LOOKS[0]] + after[LOOKS[1]] >= 37


def test_feedback_that_comes_too_late_is_no_harm() -> None:
    evidence = CanaryEvidence()
    for n in range(2 * LOOKS[0]):
        evidence.ended(f"u{n}", tried=n % 2 == 1, harmed=False, at_ms=1000 * n)
        evidence.heard(f"u{n}", FeedbackKind.DOWN, at_ms=1000 * n + JUDGED_AFTER_MS + 1)
    evidence.count_until(10**9)
    assert (evidence.known.tried, evidence.known.harmed, evidence.good) == (LOOKS[0], 0, True)
