"""The test that ends a tried prompt: it rings for harm soon, and seldom for nothing, however often it is looked at."""

import random

import pytest

from openclaw_core.roles.harm_test import ALARM_SHARE, HarmTest

OWN_HARM = 0.03


def answers_until_it_rings(
    own: float, tried: float, *, seed: int, share: float = 0.05, answers: int = 20_000, late: int = 0
) -> int | None:
    """How many answers the tried prompt gave from its first harm on until the test rang; None if it did not within *answers* of both prompts."""
    chance, test, first = random.Random(seed), HarmTest(), 0
    for _ in range(answers):
        is_tried = chance.random() < share
        harmed = chance.random() < (tried if is_tried and test.tried >= late else own)
        test.add(tried=is_tried, harmed=harmed)
        if is_tried and harmed and test.tried > late and not first:
            first = test.tried
        if test.does_harm:
            return test.tried - (first or 1) + 1
    return None


@pytest.mark.parametrize("own", [0.02, 0.1, 0.5])
def test_prompts_that_do_the_same_ring_less_often_than_is_promised(own: float) -> None:
    rung = sum(answers_until_it_rings(own, own, seed=seed, answers=6000) is not None for seed in range(100))
    assert rung / 100 <= ALARM_SHARE


def test_a_prompt_that_does_less_harm_never_rings() -> None:
    assert [answers_until_it_rings(0.3, 0.05, seed=seed, answers=6000) for seed in range(20)] == [None] * 20


@pytest.mark.parametrize(("tried", "at_most"), [(0.5, 60), (0.75, 30), (1.0, 15)])
def test_harm_is_seen_within_few_answers(tried: float, at_most: int) -> None:
    took = [answers_until_it_rings(OWN_HARM, tried, seed=seed) for seed in range(100)]
    assert all(answers is not None for answers in took)
    assert sorted(answers or 0 for answers in took)[94] <= at_most, "19 of 20"


def test_harm_that_comes_late_is_seen_within_sixty_answers() -> None:
    took = [answers_until_it_rings(OWN_HARM, 0.6, seed=seed, share=0.2, late=500) for seed in range(40)]
    assert all(answers is not None and answers <= 60 for answers in took), took


def test_it_waits_for_an_answer_with_the_roles_own_prompt() -> None:
    test = HarmTest()
    for _ in range(50):
        test.add(tried=True, harmed=True)
    assert not test.does_harm, "everything may be broken"
    for _ in range(50):
        test.add(tried=False, harmed=True)
        test.add(tried=True, harmed=True)
    assert not test.does_harm
