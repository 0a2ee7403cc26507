"""The statistics of paired answers agree with values worked out by hand, and keep their stated error."""

import random

import pytest

from openclaw_cli.eval.answers.significance import ERROR, Counts, called_worse, detectable, level_of


def counts(worse: int, better: int, *, pairs: int = 40, name: str = "x") -> Counts:
    return Counts(name=name, worse=worse, better=better, pairs=pairs)


@pytest.mark.parametrize(
    ("worse", "better", "p"),
    [(0, 0, 1.0), (1, 0, 0.5), (5, 0, 1 / 32), (0, 5, 1.0), (7, 1, 9 / 256), (10, 2, 79 / 4096), (3, 3, 42 / 64)],
)
def test_p_is_that_of_fair_coins(worse: int, better: int, p: float) -> None:
    assert counts(worse, better).p_worse == pytest.approx(p)


def test_a_subject_that_can_never_be_called_worse_takes_nothing_from_the_others() -> None:
    alone = level_of([counts(8, 1)])

    assert level_of([counts(8, 1), *(counts(1, 1) for _ in range(20))]) == alone == ERROR


def test_subjects_that_can_be_called_worse_share_the_error() -> None:
    assert level_of([counts(10, 10) for _ in range(4)]) == ERROR / 4


def test_seven_of_seven_are_worse_and_six_of_six_are_not() -> None:
    assert called_worse([counts(7, 0)])
    assert not called_worse([counts(6, 0)])


def test_the_surest_subject_comes_first() -> None:
    found = called_worse([counts(12, 1, name="sure"), counts(20, 0, name="surer"), counts(1, 1, name="not")])

    assert [one.name for one in found] == ["surer", "sure"]


def test_more_pairs_show_a_smaller_fall() -> None:
    shown = [detectable(pairs, noise=0.05) for pairs in (20, 40, 80, 160)]

    assert all(one is not None for one in shown)
    assert shown == sorted((one for one in shown if one is not None), reverse=True)


def test_too_few_pairs_show_no_fall_at_all() -> None:
    assert detectable(6, noise=0.0) is None
    assert detectable(7, noise=0.0) is not None


@pytest.mark.parametrize(("pairs", "noise"), [(40, 0.05), (60, 0.1), (120, 0.03)])
def test_the_detectable_fall_is_called_worse_in_four_of_five_comparisons(pairs: int, noise: float) -> None:
    fall = detectable(pairs, noise=noise)
    assert fall is not None

    assert 0.75 <= share_called_worse(pairs, worse=noise + fall, better=noise, seed=pairs) <= 0.93
    assert share_called_worse(pairs, worse=noise + fall / 2, better=noise, seed=pairs) < 0.5


def share_called_worse(pairs: int, *, worse: float, better: float, seed: int, runs: int = 1500) -> float:
    chance = random.Random(seed)
    hits = 0
    for _ in range(runs):
        draws = [chance.random() for _ in range(pairs)]
        found = counts(sum(one < worse for one in draws), sum(worse <= one < worse + better for one in draws))
        hits += found.p_worse <= ERROR
    return hits / runs
