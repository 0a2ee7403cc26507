"""Try the verdict on changes of prompts, by simulated models on the tasks of `evals/`."""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from openclaw_cli.eval.answers.comparing import GATES, samples_of
from openclaw_cli.eval.answers.grading import grade
from openclaw_cli.eval.answers.task import AnswerTask
from openclaw_cli.eval.answers.tasks import ROLES, load_tasks
from openclaw_cli.eval.answers.verdict import GradedPair, Verdict, judge
from tests.evals.answer_values import ROOT
from tests.evals.answers import NoRunner
from tests.evals.judge.changes import PromptChange
from tests.evals.judge.simulated_model import RULES, Profile, Rule, SimulatedModel
from tests.evals.judge.spoiled import GOOD, spoiled


@cache
def tasks_of(role: str) -> tuple[AnswerTask, ...]:
    return tuple(task for task in load_tasks(ROOT / "evals") if task.role == role)


def verdict_on(change: PromptChange, profile: Profile, *, seed: str, rules: Sequence[Rule] = RULES) -> Verdict:
    """The verdict on *change*, as `openclaw eval answers` makes it."""
    model, chance = SimulatedModel(profile, f"{seed} {change}", rules), random.Random(f"{seed} answers {change}")
    before, after = change.before(), change.after()
    return judge(
        [
            _pair(task, n, model.passes(task, kinds, before, chance), model.passes(task, kinds, after, chance))
            for task, n, kinds in asked(change.role)
        ]
    )


def verdict_on_itself(profile: Profile, *, seed: str) -> Verdict:
    """The verdict on all three prompts, compared with themselves."""
    model, chance = SimulatedModel(profile, seed), random.Random(f"{seed} answers")
    pairs = []
    for role in ROLES:
        prompt = PromptChange(name="nothing", role=role, edits=()).before()
        pairs += [
            _pair(task, n, model.passes(task, kinds, prompt, chance), model.passes(task, kinds, prompt, chance))
            for task, n, kinds in asked(role)
        ]
    return judge(pairs)


@cache
def asked(role: str) -> tuple[tuple[AnswerTask, int, tuple[str, ...]], ...]:
    """Each task with the number of the try, and the kinds of its checks that count then."""
    tasks = tasks_of(role)
    samples = samples_of(tasks)
    return tuple((task, n, _kinds(task, n)) for task in tasks for n in range(samples[task.id]))


def _kinds(task: AnswerTask, n: int) -> tuple[str, ...]:
    kinds = dict.fromkeys(check.kind for check in task.checks)
    return tuple(kind for kind in kinds if not n or kind in GATES)


def _pair(task: AnswerTask, n: int, before: dict[str, bool], after: dict[str, bool]) -> GradedPair:
    return GradedPair(
        task=task.id, role=task.role, lang=task.lang, before=before, after=after, held_out=task.held_out, repeat=n > 0,
    )  # fmt: skip


async def spoiled_verdict_on(change: PromptChange, profile: Profile, *, seed: str) -> Verdict:
    """The same by answers in words and the real graders, on the tasks whose answer is no program."""
    model, chance = SimulatedModel(profile, f"{seed} {change}"), random.Random(f"{seed} answers {change}")
    before, after, pairs = change.before(), change.after(), []
    for task, n, kinds in asked(change.role):
        if task.id not in GOOD:
            continue
        checked = replace(task, checks=tuple(check for check in task.checks if check.kind in kinds))
        graded = []
        for prompt in (before, after):
            answer = spoiled(task, model.passes(task, kinds, prompt, chance), prompt)
            grades = await grade(checked, answer, sandbox=NoRunner(), prompt=prompt)
            graded.append({kind: all(one.passed for one in grades if one.kind == kind) for kind in kinds})
        pairs.append(_pair(task, n, *graded))
    return judge(pairs)


def blocking(verdict: Verdict) -> str:
    """What blocked, without the role; empty if nothing did."""
    return ", ".join(one.name.partition(": ")[2] for one in verdict.worse)


def share_of_blocks(change: PromptChange, profile: Profile, runs: int) -> float:
    return sum(bool(verdict_on(change, profile, seed=str(n)).worse) for n in range(runs)) / runs
