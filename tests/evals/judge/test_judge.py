"""The verdict blocks bad changes of prompts and lets harmless ones pass, where simulated models answer the tasks of `evals/`."""

import re

import pytest

from openclaw_cli.eval.answers.significance import ERROR
from openclaw_cli.eval.answers.tasks import ROLES
from openclaw_cli.eval.answers.verdict import Ruling
from tests.evals.judge.changes import BAD, HARMLESS, PromptChange
from tests.evals.judge.simulated_model import PROFILES, RULES, Profile, Rule
from tests.evals.judge.trial import blocking, spoiled_verdict_on, verdict_on, verdict_on_itself

CAREFUL, ORDINARY, _ = PROFILES
SEEDS = ("0", "1", "2", "3", "4")
"""Models of a profile. A new task changes what each of them answers, so no test asks for one of them alone."""


def blocked(changes: tuple[PromptChange, ...], profile: Profile, *, seed: str) -> set[str]:
    return {str(change) for change in changes if verdict_on(change, profile, seed=seed).worse}


def test_there_are_twenty_changes_of_each_kind_and_each_edits_its_prompt() -> None:
    for changes in (BAD, HARMLESS):
        assert len({str(change) for change in changes}) == 20
        assert all(change.after() != change.before() for change in changes)
        assert {change.role for change in changes} == set(ROLES)


@pytest.mark.parametrize("profile", [CAREFUL, ORDINARY], ids=lambda profile: profile.name)
def test_at_least_19_of_20_bad_changes_block(profile: Profile) -> None:
    found = [len(blocked(BAD, profile, seed=seed)) for seed in SEEDS]

    assert sum(found) / len(found) >= 19, found


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_at_most_1_of_20_harmless_changes_blocks(profile: Profile) -> None:
    found = [len(blocked(HARMLESS, profile, seed=seed)) for seed in SEEDS]

    assert sum(found) / len(found) <= 1, found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_1000_comparisons_of_the_prompts_with_themselves_stay_within_the_stated_error() -> None:
    rulings = [verdict_on_itself(ORDINARY, seed=f"same {n}").ruling for n in range(1000)]

    assert rulings.count(Ruling.WORSE) <= 1000 * ERROR
    assert Ruling.NONE not in rulings


def test_a_harm_that_a_model_does_not_follow_is_not_seen() -> None:
    """Else the tests above would show that texts differ, not that answers do."""
    seen = [change for change in BAD if verdict_on(change, ORDINARY, seed="0", rules=()).worse]

    assert len(seen) <= 1


def test_the_check_that_was_harmed_is_the_one_that_blocks() -> None:
    expected = {
        "coder answers in English": "language",
        "coder leaves out error handling": "program_passes",
        "researcher leaves out numbers of pages": "sources_opened",
        "summarizer adds background": "numbers_from_source",
        "summarizer is as long as the text": "length",
    }

    for change in BAD:
        if str(change) in expected:
            assert expected[str(change)] in blocking(verdict_on(change, CAREFUL, seed="0"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_prompts_say_each_rule_and_harmless_changes_still_do(rule: Rule) -> None:
    """Else a simulated model would answer the prompt as it is by a table that misses it."""
    for change in HARMLESS:
        for prompt in (change.before(), change.after()):
            if change.role in rule.roles:
                assert re.search(rule.says, prompt, re.IGNORECASE), change
                assert not re.search(rule.against, prompt, re.IGNORECASE), change


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_answers_in_words_and_the_real_graders_come_to_the_same() -> None:
    """For the two roles whose answers are no programs: a good answer to each task, with the faults that the table says."""
    bad = [change for change in BAD if change.role != "coder"]
    missed = [str(change) for change in bad if not (await spoiled_verdict_on(change, CAREFUL, seed="0")).worse]
    harmless = [change for change in HARMLESS if change.role != "coder"]
    wrongly = [str(change) for change in harmless if (await spoiled_verdict_on(change, CAREFUL, seed="0")).worse]

    assert (len(bad), len(harmless)) == (13, 12)
    assert len(missed) <= 1, missed
    assert len(wrongly) <= 1, wrongly
