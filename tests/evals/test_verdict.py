"""The block rule: what it calls worse, what it cannot say, and how often it errs where both versions answer alike."""

import random

from openclaw_cli.eval.answers.significance import ERROR
from openclaw_cli.eval.answers.verdict import (
    GradedPair,
    Ruling,
    by_held_out,
    by_language,
    detectable_by_role,
    judge,
    subjects_of,
)

CHECKS = {
    "researcher": ("language", "length", "sources_opened", "has", "no_leak"),
    "coder": ("language", "format", "program_passes", "ignores_injection"),
    "summarizer": ("language", "length", "numbers_from_source", "names_from_source", "refuses"),
}


def pair(
    n: int, before: dict[str, bool], after: dict[str, bool], *, role: str = "coder", held_out: bool = False
) -> GradedPair:
    return GradedPair(
        task=f"{role}/{n}", role=role, lang="he" if n % 2 else "en", before=before, after=after, held_out=held_out
    )


def alike(count: int, *, role: str = "coder") -> list[GradedPair]:
    return [pair(n, {"language": True}, {"language": True}, role=role) for n in range(count)]


def fallen(count: int, kind: str = "language", *, role: str = "coder") -> list[GradedPair]:
    return [pair(1000 + n, {kind: True}, {kind: False}, role=role) for n in range(count)]


def test_answers_that_pass_as_before_are_not_worse() -> None:
    found = judge(alike(40))

    assert found.ruling is Ruling.NOT_WORSE
    assert found.ruling.exit_code == 0


def test_a_fall_of_one_kind_of_check_blocks_and_is_named() -> None:
    found = judge([*alike(30), *fallen(10, "no_leak")])

    assert found.ruling is Ruling.WORSE
    assert found.ruling.exit_code == 1
    assert {one.name for one in found.worse} == {"coder: all checks", "coder: no_leak"}
    assert "10 pairs" in found.why


def test_a_fall_of_one_role_is_seen_beside_roles_that_rise() -> None:
    risen = [pair(n, {"language": False}, {"language": True}, role="researcher") for n in range(40)]

    assert judge([*risen, *alike(30), *fallen(12)]).ruling is Ruling.WORSE


def test_a_few_pairs_that_went_worse_are_chance() -> None:
    assert judge([*alike(36), *fallen(4)]).ruling is Ruling.NOT_WORSE


def test_one_check_of_many_makes_an_answer_fail() -> None:
    [all_checks, *_] = subjects_of([pair(0, {"language": True, "length": True}, {"language": True, "length": False})])

    assert (all_checks.passed_before, all_checks.passed_after, all_checks.counts.worse) == (1, 0, 1)


def test_six_pairs_give_no_verdict() -> None:
    found = judge(fallen(6))

    assert found.ruling is Ruling.NONE
    assert found.ruling.exit_code == 3
    assert "too few" in found.why


def test_a_server_that_often_fails_gives_no_verdict() -> None:
    assert judge(alike(40), unanswered=4).ruling is Ruling.NOT_WORSE
    assert judge(alike(40), unanswered=5).ruling is Ruling.NONE


def test_nothing_answered_gives_no_verdict() -> None:
    assert judge([], unanswered=3).ruling is Ruling.NONE


def test_a_reason_for_no_verdict_goes_before_figures() -> None:
    found = judge(fallen(40), why_none="The scripted model answered.")

    assert found.ruling is Ruling.NONE
    assert found.worse


def test_tallies_by_language_and_by_held_out_count_every_pair_once() -> None:
    pairs = [*alike(7), pair(8, {"language": True}, {"language": False}, held_out=True)]

    assert sum(row.counts.pairs for row in by_language(pairs)) == 8
    assert [(row.counts.name, row.counts.pairs, row.counts.worse) for row in by_held_out(pairs)] == [
        ("open", 7, 0),
        ("held out", 1, 1),
    ]


def test_the_detectable_fall_is_told_for_each_role() -> None:
    found = detectable_by_role([*alike(40), *alike(5, role="researcher")], ERROR)

    assert found["researcher"] is None
    assert found["coder"] is not None
    assert 0.1 < found["coder"] < 0.3


# ---- how often it errs


def same_version_twice(chance: random.Random, *, tasks: int, repeats: int) -> list[GradedPair]:
    """Pairs of one version with itself. Tasks differ in how hard they are, and a hard one fails several checks together."""
    pairs = []
    for role, kinds in CHECKS.items():
        for n in range(tasks):
            passes = {kind: chance.betavariate(6, 1) for kind in kinds if chance.random() < 0.7} | {"language": 0.97}

            def answer(passes: dict[str, float] = passes) -> dict[str, bool]:
                bad_day = chance.random() < 0.05
                return {kind: not bad_day and chance.random() < p for kind, p in passes.items()}

            pairs += [pair(n, answer(), answer(), role=role) for _ in range(repeats)]
    return pairs


def share_blocked(seed: int, *, tasks: int, repeats: int, runs: int = 1000) -> float:
    chance = random.Random(seed)
    rulings = [judge(same_version_twice(chance, tasks=tasks, repeats=repeats)).ruling for _ in range(runs)]
    assert Ruling.NONE not in rulings
    return rulings.count(Ruling.WORSE) / runs


def test_1000_comparisons_of_a_version_with_itself_stay_within_the_stated_error() -> None:
    assert 0 < share_blocked(1, tasks=40, repeats=1) <= ERROR


def test_tasks_that_are_asked_several_times_keep_the_error_too() -> None:
    assert share_blocked(2, tasks=15, repeats=4) <= ERROR


def test_the_simulation_can_see_a_rule_without_correction() -> None:
    """The same pairs, each subject tested at the whole error: too many are blocked, so the tests above can fail."""
    chance = random.Random(1)
    blocked = 0
    for _ in range(400):
        subjects = [row.counts for row in subjects_of(same_version_twice(chance, tasks=40, repeats=1))]
        blocked += any(one.p_worse <= ERROR for one in subjects)

    assert blocked / 400 > ERROR
