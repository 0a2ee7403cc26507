"""The test that calls a tried prompt good: it waits for enough answers, and seldom takes a worse prompt for a good one."""

import random

import pytest

from openclaw_core.roles.good_test import ERROR_SHARE, LOOKS, MARGIN, is_good


def verdict_after(own: float, tried: float, *, seed: int) -> int | None:
    """After how many answers with the tried prompt it is called good; None: never. As many answers are given with the own prompt."""
    chance = random.Random(seed)
    harmed = others_harmed = 0
    for n in range(1, LOOKS[-1] + 1):
        harmed += chance.random() < tried
        others_harmed += chance.random() < own
        if n in LOOKS and is_good(tried=n, harmed=harmed, others=n, others_harmed=others_harmed):
            return n
    return None


@pytest.mark.parametrize(
    ("tried", "harmed", "others", "others_harmed", "good"),
    [
        (300, 9, 5700, 171, True),  # 3 % both
        (300, 0, 300, 0, True),
        (300, 24, 5700, 171, False),  # 8 % and 3 %
        (300, 15, 5700, 171, False),  # 5 % and 3 %: it may be 5 points, more answers will tell
        (2400, 120, 45600, 1368, True),  # the same shares
        (40, 0, 760, 23, False),  # no harm, and too few answers to say so
        (0, 0, 300, 0, False),
        (300, 0, 0, 0, False),
    ],
)
def test_a_prompt_is_good_if_it_is_surely_hardly_worse(
    tried: int, harmed: int, others: int, others_harmed: int, good: bool
) -> None:
    assert is_good(tried=tried, harmed=harmed, others=others, others_harmed=others_harmed) is good


@pytest.mark.parametrize("own", [0.01, 0.03, 0.1, 0.5])
def test_a_prompt_that_does_the_margin_more_harm_is_seldom_called_good(own: float) -> None:
    called = sum(verdict_after(own, own + MARGIN, seed=seed) is not None for seed in range(300))
    assert called / 300 <= ERROR_SHARE + 0.02, "300 runs stray by that"


def test_a_prompt_that_does_as_little_harm_is_called_good_at_the_first_or_second_look() -> None:
    took = [verdict_after(0.03, 0.03, seed=seed) for seed in range(200)]
    assert sum(n in LOOKS[:2] for n in took) >= 195
