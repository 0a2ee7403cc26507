"""Exact statistics of paired answers: is the new version worse, how sure is that, and what could so few tasks have shown. Pure.

A pair is one task, answered once by each version. Only pairs that differ count. If both versions answer alike, each pair that differs is as
likely worse as better, whatever the task: McNemar's exact test. It stays exact if a task is asked several times.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

ERROR = 0.01
"""The most often that a version which answers alike is called worse, over all that one comparison looks at."""
POWER = 0.8
"""How often the difference that `detectable` names would have been called worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The pairs of one subject of a comparison, such as a grader of a role: how many went worse, better, and how many there are."""

    name: str
    worse: int
    better: int
    pairs: int

    @property
    def p_worse(self) -> float:
        """How likely that many or more pairs went worse if both versions answer alike."""
        return _at_least(self.worse, self.worse + self.better)

    @property
    def least_p(self) -> float:
        """What `p_worse` would be if every pair that differs were worse."""
        return 1 / (1 << self.worse + self.better)


def level_of(subjects: Sequence[Counts], error: float = ERROR) -> float:
    """The level at which each subject is tested, so that one of them is called worse by chance at most at *error*.

    Tarone's correction: a subject with too few pairs that differ can never be called worse, so it takes nothing from the others. The level
    depends on how many pairs differ, not on their direction, and the subjects may depend on each other.
    """
    for k in range(1, len(subjects) + 1):
        if sum(one.least_p <= error / k for one in subjects) <= k:
            return error / k
    return error


def called_worse(subjects: Sequence[Counts], error: float = ERROR) -> tuple[Counts, ...]:
    """The subjects that went worse by more than chance, the surest first."""
    level = level_of(subjects, error)
    return tuple(sorted((one for one in subjects if one.p_worse <= level), key=lambda one: one.p_worse))


def detectable(pairs: int, *, noise: float, level: float = ERROR, power: float = POWER) -> float | None:
    """The smallest fall, as a share of all pairs, that *pairs* of them would have shown at *level* with *power*; None if none would.

    *noise* is the share of pairs that go better by chance; as many go worse by chance, and the fall comes on top. In
    steps of one hundredth.
    """
    most = math.floor((1 - 2 * noise) * 100)
    if most < 1 or _power(pairs, worse=noise + most / 100, better=noise, level=level) < power:
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if _power(pairs, worse=noise + middle / 100, better=noise, level=level) >= power:
            high = middle
        else:
            low = middle
    return high / 100


def _at_least(count: int, of: int) -> float:
    """How likely *of* fair coins show *count* heads or more."""
    return sum(math.comb(of, k) for k in range(count, of + 1)) / (1 << of)


def _power(pairs: int, *, worse: float, better: float, level: float) -> float:
    """How likely the test calls *pairs* worse that go worse and better with these chances."""
    differ = worse + better
    return sum(
        _binomial(pairs, n, differ) * sum(_binomial(n, k, worse / differ) for k in range(least, n + 1))
        for n in range(1, pairs + 1)
        if (least := _least_worse(n, level)) is not None
    )


def _least_worse(differ: int, level: float) -> int | None:
    """How many of *differ* pairs have to be worse to be called so; None if all of them are too few."""
    below, found = 0, None
    for k in range(differ, -1, -1):
        below += math.comb(differ, k)
        if below / (1 << differ) > level:
            break
        found = k
    return found


def _binomial(n: int, k: int, p: float) -> float:
    if p in (0.0, 1.0):
        return float(k == n * p)
    return math.exp(
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
    )
