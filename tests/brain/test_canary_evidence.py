"""Evidence against a tried prompt in the order of time, and simulations of how soon it is enough, and how seldom it is for nothing."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from openclaw_brain.queue.canary_evidence import JUDGED_AFTER_MS, CanaryEvidence
from openclaw_core.roles.harm_test import ALARM_SHARE, Seen
from openclaw_core.tasks.feedback import FeedbackKind

DOWN, UP, RETRY = FeedbackKind.DOWN, FeedbackKind.UP, FeedbackKind.RETRY


def judged(*kinds: FeedbackKind, after_ms: int = 1000, failed: bool = False) -> tuple[int, int]:
    """Answers that were judged, and how many were bad, of one run with that feedback."""
    evidence = CanaryEvidence()
    evidence.ended("u1", tried=True, harmed=failed, at_ms=0)
    for kind in kinds:
        evidence.heard("u1", kind, at_ms=after_ms)
    evidence.count_until(10**9)
    shares = evidence.test.shares[Seen.FEEDBACK]
    return shares.tried, shares.harmed


def test_an_answer_is_judged_by_the_feedback_on_it() -> None:
    assert judged() == (1, 0)
    assert judged(DOWN) == judged(RETRY) == judged(FeedbackKind.CORRECTION) == (1, 1)
    assert judged(DOWN, UP) == judged(UP) == (1, 0), "the last press counts"
    assert judged(RETRY, UP) == (1, 1)


def test_feedback_that_comes_later_is_not_evidence() -> None:
    assert judged(DOWN, after_ms=JUDGED_AFTER_MS - 1) == (1, 1)
    assert judged(DOWN, after_ms=JUDGED_AFTER_MS + 1) == (1, 0)


def test_whether_a_prompt_is_good_counts_each_run_once_with_all_its_harm() -> None:
    evidence = CanaryEvidence()
    for n in range(4):
        evidence.ended(f"u{n}", tried=n > 0, harmed=n == 1, at_ms=0)
    evidence.heard("u2", DOWN, at_ms=5)
    evidence.count_until(JUDGED_AFTER_MS - 1)
    assert evidence.known.tried == 0
    evidence.count_until(JUDGED_AFTER_MS)
    assert (evidence.known.tried, evidence.known.harmed, evidence.known.others) == (3, 2, 1)


def test_a_run_without_an_answer_is_not_judged_again() -> None:
    assert judged(DOWN, failed=True) == (0, 0)


def test_the_end_counts_at_once_and_the_feedback_after_a_while() -> None:
    evidence = CanaryEvidence()
    evidence.ended("u1", tried=True, harmed=False, at_ms=0)
    evidence.count_until(JUDGED_AFTER_MS - 1)
    assert [evidence.test.shares[seen].tried for seen in Seen] == [1, 0]
    evidence.count_until(JUDGED_AFTER_MS)
    assert [evidence.test.shares[seen].tried for seen in Seen] == [1, 1]


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """How often its answers fail or are stopped, and how often the others get bad feedback."""

    fails: float = 0.02
    bad: float = 0.03


@dataclass(frozen=True, kw_only=True)
class Took:
    """From the first harm that was known until the prompt was ended."""

    answers: int
    seconds: float


def simulate(
    own: Prompt, tried: Prompt, *, seed: int, answers: int, share: float = 0.05, every_s: float = 10, good: int = 0
) -> Took | None:
    """Send *answers* of both prompts, one each *every_s* in the middle, the first *good* with the tried prompt as good as the own ones. Bad feedback
    comes within two minutes, most of it within one. None if the prompt was not ended."""
    chance, evidence, now_s, n_tried = random.Random(seed), CanaryEvidence(), 0.0, 0
    first_s, first = float("inf"), 0
    for n in range(answers):
        now_s += chance.expovariate(1 / every_s)
        is_tried = chance.random() < share
        n_tried += is_tried
        prompt = tried if is_tried and n_tried > good else own
        failed = chance.random() < prompt.fails
        evidence.ended(f"u{n}", tried=is_tried, harmed=failed, at_ms=int(now_s * 1000))
        harm_s = now_s if failed else None
        if not failed and chance.random() < prompt.bad:
            harm_s = now_s + min(120, 3 + chance.expovariate(1 / 30))
            evidence.heard(f"u{n}", chance.choice([DOWN, RETRY]), at_ms=int(harm_s * 1000))
        if is_tried and harm_s is not None and n_tried > good and harm_s < first_s:
            first_s, first = harm_s, n_tried
        evidence.count_until(int(now_s * 1000))
        if evidence.test.does_harm and n_tried >= first:
            return Took(answers=n_tried - first + 1, seconds=now_s - first_s)
    return None


def in_nineteen_of_twenty(took: Sequence[Took | None]) -> int:
    """How many answers it took at most, in 19 of 20 runs."""
    return sorted(one.answers if one else 10**6 for one in took)[len(took) * 19 // 20 - 1]


@pytest.mark.parametrize("both", [Prompt(), Prompt(fails=0.3, bad=0.3), Prompt(fails=0.0, bad=0.5)])
def test_prompts_that_do_the_same_are_ended_less_often_than_is_promised(both: Prompt) -> None:
    ended = sum(simulate(both, both, seed=seed, answers=2000) is not None for seed in range(100))
    assert ended / 100 <= ALARM_SHARE


def test_a_prompt_that_only_fails_less_and_pleases_as_much_is_not_ended() -> None:
    worse, better = Prompt(fails=0.3, bad=0.1), Prompt(fails=0.05, bad=0.1)
    assert [simulate(worse, better, seed=seed, answers=2000) for seed in range(20)] == [None] * 20


HARMS = {"fails": Prompt(fails=0.5), "bad feedback": Prompt(bad=0.5), "some of both": Prompt(fails=0.3, bad=0.3)}


@pytest.mark.parametrize("harm", list(HARMS))
def test_harm_of_any_kind_is_seen_within_sixty_answers(harm: str) -> None:
    took = [simulate(Prompt(), HARMS[harm], seed=seed, answers=8000) for seed in range(100)]
    assert in_nineteen_of_twenty(took) <= 60


def test_harm_that_comes_late_is_seen_as_well() -> None:
    took = [simulate(Prompt(), Prompt(bad=0.7), seed=seed, answers=8000, share=0.2, good=500) for seed in range(40)]
    assert in_nineteen_of_twenty(took) <= 60


def test_where_many_write_bad_feedback_ends_a_prompt_within_two_minutes() -> None:
    """20 answers a second, one of them with the tried prompt, and a look every 5 s."""
    took = [simulate(Prompt(), Prompt(bad=0.6), seed=seed, answers=8000, every_s=0.05) for seed in range(40)]
    assert sorted(one.seconds if one else 10**6 for one in took)[37] <= 115
