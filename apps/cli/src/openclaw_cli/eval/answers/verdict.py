"""The verdict on a changed prompt, from the checks that both versions' answers passed. Pure.

**The block rule.** For each role, all checks together and each kind of check are subjects. A version is worse if one subject went worse by
McNemar's exact test, one-sided, at a level corrected over all subjects (`significance.level_of`). A version that answers alike is called
worse at most once in 100 comparisons. There is no second rule: neither a mean nor a model's opinion blocks.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from openclaw_cli.eval.answers.significance import ERROR, Counts, called_worse, detectable, level_of

ALL_CHECKS = "all checks"
UNANSWERED_MAX = 0.1
"""Of all pairs. If a server fails more often, what is left may not be what was asked."""


class Ruling(StrEnum):
    NOT_WORSE = "not worse"
    WORSE = "worse"
    NONE = "no verdict"

    @property
    def exit_code(self) -> int:
        return {Ruling.NOT_WORSE: 0, Ruling.WORSE: 1, Ruling.NONE: 3}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedPair:
    """One task and the checks, by kind, that the answers of both versions passed. A kind that a task has twice is passed if both are."""

    task: str
    role: str
    lang: str
    before: dict[str, bool]
    after: dict[str, bool]
    held_out: bool = False
    repeat: bool = False
    """Whether the task was asked before in this comparison: then only its own kinds count, and not all checks together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One row of the scorecard: how many answers passed before and after, and how the pairs changed."""

    counts: Counts
    passed_before: int
    passed_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    ruling: Ruling
    why: str
    """One sentence."""
    worse: tuple[Counts, ...]
    """The subjects that block, the surest first. Also where there is no verdict."""
    level: float
    """At which each subject was tested."""


def judge(pairs: Sequence[GradedPair], *, unanswered: int = 0, why_none: str = "", error: float = ERROR) -> Verdict:
    """The verdict on *pairs*. *unanswered* pairs got no answer from a server. With *why_none* there is none, whatever the figures say."""
    subjects = [tally.counts for tally in subjects_of(pairs)]
    worse, level = called_worse(subjects, error), level_of(subjects, error)
    why = why_none or _why_none(pairs, unanswered, level)
    if why:
        ruling = Ruling.NONE
    elif worse:
        ruling = Ruling.WORSE
        why = f"{worse[0].name} went worse in {worse[0].worse} pairs and better in {worse[0].better} (p = {worse[0].p_worse:.2g})."
    else:
        ruling = Ruling.NOT_WORSE
        why = "No subject went worse by more than chance."
    return Verdict(ruling=ruling, why=why, worse=worse, level=level)


def _why_none(pairs: Sequence[GradedPair], unanswered: int, level: float) -> str:
    asked, first = len(pairs) + unanswered, [pair for pair in pairs if not pair.repeat]
    if not pairs:
        return "No task was answered by both versions."
    if unanswered > UNANSWERED_MAX * asked:
        return f"The model server failed for {unanswered} of {asked} pairs."
    if all(0.5 ** sum(pair.role == role for pair in first) > level for role in {pair.role for pair in first}):
        return f"{len(first)} tasks are too few: not even if all went worse would that be more than chance."
    return ""


def detectable_by_role(pairs: Sequence[GradedPair], level: float) -> dict[str, float | None]:
    """By role, the smallest fall of answers that pass all checks which *pairs* would have shown in 4 of 5 comparisons; None if none."""
    found = {}
    for role in sorted({pair.role for pair in pairs}):
        counts = tally(role, [pair for pair in pairs if pair.role == role and not pair.repeat], _all).counts
        found[role] = detectable(counts.pairs, noise=_noise(counts), level=level)
    return found


def _noise(counts: Counts) -> float:
    """The share of pairs that go better by chance, with half a pair added: none seen is not none."""
    return min(0.4, (counts.better + 0.5) / (counts.pairs + 1))


# ---- tallies


def subjects_of(pairs: Sequence[GradedPair]) -> list[Tally]:
    """What the verdict looks at: for each role all checks together, and each kind of check."""
    rows = []
    for role in sorted({pair.role for pair in pairs}):
        own = [pair for pair in pairs if pair.role == role]
        rows.append(tally(f"{role}: {ALL_CHECKS}", [pair for pair in own if not pair.repeat], _all))
        rows += [tally(f"{role}: {kind}", own, _kind(kind)) for kind in kinds_of(own)]
    return rows


def by_language(pairs: Sequence[GradedPair]) -> list[Tally]:
    pairs = [pair for pair in pairs if not pair.repeat]
    return [
        tally(lang, [pair for pair in pairs if pair.lang == lang], _all)
        for lang in sorted({pair.lang for pair in pairs})
    ]


def by_held_out(pairs: Sequence[GradedPair]) -> list[Tally]:
    """The tasks that anybody may read, and those that were held out."""
    pairs = [pair for pair in pairs if not pair.repeat]
    names = {False: "open", True: "held out"}
    return [
        tally(name, [pair for pair in pairs if pair.held_out is held_out], _all)
        for held_out, name in names.items()
        if any(pair.held_out is held_out for pair in pairs)
    ]


def kinds_of(pairs: Iterable[GradedPair]) -> list[str]:
    return sorted({kind for pair in pairs for kind in pair.before.keys() & pair.after.keys()})


Passed = Callable[[dict[str, bool]], bool | None]
"""Whether an answer passed; None if it was not checked for that."""


def _all(grades: dict[str, bool]) -> bool | None:
    return all(grades.values())


def _kind(kind: str) -> Passed:
    return lambda grades: grades.get(kind)


def tally(name: str, pairs: Iterable[GradedPair], passed: Passed) -> Tally:
    both = [
        (before, after)
        for pair in pairs
        if (before := passed(pair.before)) is not None and (after := passed(pair.after)) is not None
    ]
    return Tally(
        counts=Counts(
            name=name,
            worse=sum(before and not after for before, after in both),
            better=sum(after and not before for before, after in both),
            pairs=len(both),
        ),
        passed_before=sum(before for before, _ in both),
        passed_after=sum(after for _, after in both),
    )
