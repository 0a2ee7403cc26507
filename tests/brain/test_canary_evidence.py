"""Evidence against a tried prompt in the order of time, and simulations of how soon it is enough, and how seldom it is for nothing."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from openclaw_brain.inbox.corrections import CORRECTION_WITHIN_S
from openclaw_brain.queue.canary_evidence import HEARD_FOR_MS, JUDGED_AFTER_MS, CanaryEvidence
from openclaw_core.roles.harm_test import ALARM_SHARE, OTHERS_MAX
from openclaw_core.tasks.feedback import FeedbackKind

DOWN, UP, RETRY = FeedbackKind.DOWN, FeedbackKind.UP, FeedbackKind.RETRY


def harms(*kinds: FeedbackKind, after_ms: int = 1000, failed: bool = False) -> int:
    """How often a run with that feedback counts as harm."""
    evidence = CanaryEvidence()
    evidence.ended("u1", tried=True, harmed=failed, at_ms=0)
    for kind in kinds:
        evidence.heard("u1", kind, at_ms=after_ms)
    evidence.count_until(10**9)
    return evidence.harmed


def test_bad_feedback_on_an_answer_is_harm_once() -> None:
    assert harms() == harms(UP) == 0
    assert harms(DOWN) == harms(RETRY) == harms(FeedbackKind.CORRECTION) == harms(DOWN, RETRY) == harms(RETRY, UP) == 1
    assert harms(UP, DOWN) == harms(DOWN, UP) == 1, "what was pressed first was seen"


def test_feedback_counts_as_long_as_a_message_may_correct() -> None:
    assert HEARD_FOR_MS == CORRECTION_WITHIN_S * 1000
    assert harms(DOWN, after_ms=HEARD_FOR_MS) == 1
    assert harms(DOWN, after_ms=HEARD_FOR_MS + 1) == 0


def test_a_run_without_an_answer_is_harm_once() -> None:
    assert harms(failed=True) == harms(DOWN, failed=True) == 1


def test_feedback_on_a_task_that_is_not_known_is_not_counted() -> None:
    evidence = CanaryEvidence()
    evidence.heard("nobody", DOWN, at_ms=5)
    evidence.count_until(10**9)
    assert (evidence.harmed, evidence.others_harmed) == (0, 0)


def shown(*, others: int, tried_ms: int = 10_000, failed: int = 0) -> CanaryEvidence:
    """Answers with the role's own prompt at 0 ms, and one with the tried prompt; of the others the first *failed* did."""
    evidence = CanaryEvidence()
    for n in range(others):
        evidence.ended(f"other-{n}", tried=False, harmed=n < failed, at_ms=0)
    evidence.ended("tried", tried=True, harmed=False, at_ms=tried_ms)
    evidence.count_until(tried_ms)
    return evidence


def test_harm_counts_at_once() -> None:
    evidence = shown(others=OTHERS_MAX)
    before = evidence.test.evidence
    evidence.heard("tried", DOWN, at_ms=12_000)
    evidence.count_until(12_000)
    assert evidence.test.evidence > before


def test_harm_of_another_counts_when_the_tried_answer_is_as_old() -> None:
    evidence = shown(others=OTHERS_MAX)
    before = evidence.test.evidence
    evidence.heard("other-0", DOWN, at_ms=11_000)
    evidence.count_until(20_999)
    assert evidence.test.evidence == before, "nobody knows yet what the tried one is like at that age"
    evidence.count_until(21_000)
    assert evidence.test.evidence < before


def test_what_comes_after_the_tried_answer_did_harm_says_nothing() -> None:
    evidence = shown(others=OTHERS_MAX)
    evidence.heard("tried", DOWN, at_ms=12_000)
    evidence.count_until(12_000)
    before = evidence.test.evidence
    evidence.heard("other-0", DOWN, at_ms=13_000)
    evidence.count_until(10**9)
    assert evidence.test.evidence == before


def test_an_answer_stands_beside_those_that_have_done_no_harm_at_its_age() -> None:
    def after_harm(*, others: int, before_ms: int | None = None) -> float:
        evidence = shown(others=others)
        if before_ms is not None:
            evidence.heard("other-0", DOWN, at_ms=before_ms)
        evidence.count_until(15_000)
        before = evidence.test.evidence
        evidence.heard("tried", DOWN, at_ms=16_000)
        evidence.count_until(16_000)
        return evidence.test.evidence / before

    assert after_harm(others=5) == after_harm(others=5, before_ms=8_000), "that was at an age of 8 s, and this at 6"
    assert after_harm(others=3) < after_harm(others=5)
    assert after_harm(others=OTHERS_MAX) == after_harm(others=OTHERS_MAX + 9)
    assert after_harm(others=0) == 1, "everything may be bad"


def test_a_run_is_in_one_set_alone() -> None:
    evidence = shown(others=5)
    evidence.ended("tried-2", tried=True, harmed=True, at_ms=20_000)
    before = evidence.test.evidence
    evidence.count_until(20_000)
    assert evidence.test.evidence == before, "nothing is left to stand beside it"


def test_the_same_moments_in_parts_give_the_same_evidence() -> None:
    def told(parts: Sequence[int]) -> float:
        evidence = CanaryEvidence()
        for n in range(60):
            evidence.ended(f"u{n}", tried=n % 6 == 5, harmed=n % 11 == 0, at_ms=n * 1000)
        for n in range(1, 60, 4):
            evidence.heard(f"u{n}", DOWN, at_ms=n * 1000 + n * 37)
        for now_ms in parts:
            evidence.count_until(now_ms)
        return evidence.test.evidence

    assert told([10**7]) == told([*range(0, 400_000, 700), 10**7])


def test_whether_a_prompt_is_good_counts_each_run_once_with_all_its_harm() -> None:
    evidence = CanaryEvidence()
    for n in range(4):
        evidence.ended(f"u{n}", tried=n > 0, harmed=n == 1, at_ms=0)
    evidence.heard("u2", DOWN, at_ms=5)
    evidence.heard("u3", DOWN, at_ms=5)
    evidence.heard("u3", UP, at_ms=6)
    evidence.count_until(JUDGED_AFTER_MS - 1)
    assert evidence.known.tried == 0
    evidence.count_until(JUDGED_AFTER_MS)
    assert (evidence.known.tried, evidence.known.harmed, evidence.known.others) == (3, 2, 1), "the last press counts"


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
    comes after 33 s on average. Looks each 5 s. None if the prompt was not ended."""
    chance, evidence, now_s, n_tried = random.Random(seed), CanaryEvidence(), 0.0, 0
    first_s, first, look_s = float("inf"), 0, 0.0
    for n in range(answers):
        now_s += chance.expovariate(1 / every_s)
        is_tried = chance.random() < share
        n_tried += is_tried
        prompt = tried if is_tried and n_tried > good else own
        failed = chance.random() < prompt.fails
        evidence.ended(f"u{n}", tried=is_tried, harmed=failed, at_ms=int(now_s * 1000))
        harm_s = now_s if failed else None
        if not failed and chance.random() < prompt.bad:
            harm_s = now_s + 3 + chance.expovariate(1 / 30)
            evidence.heard(f"u{n}", chance.choice([DOWN, RETRY]), at_ms=int(harm_s * 1000))
        if is_tried and harm_s is not None and n_tried > good and harm_s < first_s:
            first_s, first = harm_s, n_tried
        if now_s < look_s:
            continue
        look_s = now_s + 5
        evidence.count_until(int(now_s * 1000))
        if evidence.test.does_harm and n_tried >= first:
            return Took(answers=n_tried - first + 1, seconds=now_s - first_s)
    return None


def in_nineteen_of_twenty(took: Sequence[Took | None]) -> Took:
    """How many answers, and how many seconds, it took at most, each in 19 of 20 runs."""
    known = [one or Took(answers=10**6, seconds=10**6) for one in took]
    at = len(known) * 19 // 20 - 1
    return Took(answers=sorted(one.answers for one in known)[at], seconds=sorted(one.seconds for one in known)[at])


@pytest.mark.parametrize("every_s", [10, 0.1])
@pytest.mark.parametrize("both", [Prompt(), Prompt(fails=0.3, bad=0.3), Prompt(fails=0.0, bad=0.5)])
def test_prompts_that_do_the_same_are_ended_less_often_than_is_promised(both: Prompt, every_s: float) -> None:
    ended = sum(simulate(both, both, seed=seed, answers=2000, every_s=every_s) is not None for seed in range(100))
    assert ended / 100 <= ALARM_SHARE


def test_a_prompt_that_only_fails_less_and_pleases_as_much_is_not_ended() -> None:
    worse, better = Prompt(fails=0.3, bad=0.1), Prompt(fails=0.05, bad=0.1)
    assert [simulate(worse, better, seed=seed, answers=2000) for seed in range(20)] == [None] * 20


HARMS = {"fails": Prompt(fails=0.5), "bad feedback": Prompt(bad=0.5), "some of both": Prompt(fails=0.3, bad=0.3)}


@pytest.mark.parametrize("every_s", [10, 1, 0.1, 0.05])
@pytest.mark.parametrize("harm", list(HARMS))
def test_harm_of_any_kind_is_seen_within_sixty_answers_however_many_write(harm: str, every_s: float) -> None:
    """And within two minutes where as many answers are given in them: with 5 % of the chats, ten a second give sixty."""
    took = [simulate(Prompt(), HARMS[harm], seed=seed, answers=8000, every_s=every_s) for seed in range(60)]
    assert in_nineteen_of_twenty(took).answers <= 60
    if every_s <= 0.1:
        assert in_nineteen_of_twenty(took).seconds <= 120


def test_harm_that_comes_late_is_seen_as_well() -> None:
    took = [simulate(Prompt(), Prompt(bad=0.7), seed=seed, answers=8000, share=0.2, good=500) for seed in range(40)]
    assert in_nineteen_of_twenty(took).answers <= 60
