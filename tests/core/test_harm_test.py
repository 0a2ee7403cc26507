"""The test that ends a tried prompt: it rings for harm soon, and seldom for nothing, however often it is looked at."""

import random

import pytest

from openclaw_core.roles.harm_test import ALARM_SHARE, OTHERS_MAX, RATIOS, HarmTest

OWN_HARM = 0.03


def runs_until_it_rings(
    own: float, tried: float, *, seed: int, others: int = OTHERS_MAX, runs: int = 1000, late: int = 0
) -> int | None:
    """How many runs with the tried prompt ended from its first harm on until the test rang; None if it did not within *runs* of them.

    Each is in a set with *others*. The first *late* are as good as the own ones."""
    chance, test, first = random.Random(seed), HarmTest(), 0
    for n in range(1, runs + 1):
        harmed = chance.random() < (tried if n > late else own)
        test.begin_set()
        test.add(tried=harmed, harmed=harmed + sum(chance.random() < own for _ in range(others)), of=others + 1)
        if harmed and n > late and not first:
            first = n
        if test.does_harm:
            return n - (first or 1) + 1
    return None


@pytest.mark.parametrize("others", [1, 4, OTHERS_MAX])
@pytest.mark.parametrize("own", [0.02, 0.1, 0.5, 0.9])
def test_prompts_that_do_the_same_ring_less_often_than_is_promised(own: float, others: int) -> None:
    rung = sum(runs_until_it_rings(own, own, seed=seed, others=others, runs=300) is not None for seed in range(200))
    assert rung / 200 <= ALARM_SHARE


@pytest.mark.parametrize("harmed", range(21))
def test_what_is_seen_of_a_set_is_worth_one_on_average_if_the_prompts_do_the_same(harmed: int) -> None:
    """*harmed* of 20 runs did harm, and each was as likely to: the factor of each ratio, over all cases, is exactly 1."""
    mean = 0.0
    for tried, share in ((True, harmed / 20), (False, 1 - harmed / 20)):
        if share:
            test = HarmTest()
            test.begin_set()
            before = test.evidence
            test.add(tried=tried, harmed=harmed, of=20)
            mean += share * test.evidence / before
    assert mean == pytest.approx(1)


def test_a_prompt_that_does_less_harm_never_rings() -> None:
    assert [runs_until_it_rings(0.3, 0.05, seed=seed, runs=300) for seed in range(20)] == [None] * 20


@pytest.mark.parametrize(("tried", "at_most"), [(0.3, 40), (0.5, 20), (0.75, 12), (1.0, 5)])
def test_harm_is_seen_within_few_answers(tried: float, at_most: int) -> None:
    took = [runs_until_it_rings(OWN_HARM, tried, seed=seed) for seed in range(100)]
    assert all(runs is not None for runs in took)
    assert sorted(runs or 0 for runs in took)[94] <= at_most, "19 of 20"


def test_harm_that_comes_late_is_seen_within_sixty_answers() -> None:
    took = [runs_until_it_rings(OWN_HARM, 0.6, seed=seed, others=4, late=500) for seed in range(40)]
    assert all(runs is not None and runs <= 60 for runs in took), took


def test_harm_that_all_do_or_that_has_nothing_beside_it_is_no_evidence() -> None:
    test = HarmTest()
    for _ in range(50):
        test.begin_set()
        test.add(tried=True, harmed=1, of=1)
    for _ in range(50):
        test.begin_set()
        test.add(tried=True, harmed=20, of=20)
    assert not test.does_harm


def test_evidence_once_enough_stays_so() -> None:
    test = HarmTest()
    test.begin_set()
    while not test.does_harm:
        test.add(tried=True, harmed=1, of=20)
    for _ in range(200):
        test.add(tried=False, harmed=1, of=20)
    assert test.evidence < 1 < len(RATIOS)
    assert test.does_harm
