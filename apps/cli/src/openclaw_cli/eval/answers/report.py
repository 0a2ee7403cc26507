"""What a comparison came to, as one value that every form of the report is written from. Answers to held-out tasks are not in it."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from openclaw_cli.eval.answers.comparing import AnsweredPair, Comparison, Graded, Left
from openclaw_cli.eval.answers.model_judge import JudgeReport
from openclaw_cli.eval.answers.verdict import (
    Tally,
    Verdict,
    by_held_out,
    by_language,
    detectable_by_role,
    judge,
    subjects_of,
)
from openclaw_cli.eval.answers.versions import Version

VERSION = 1
"""Of the JSON."""
SCRIPTED = "The scripted model answered, whose answers say nothing of a prompt. Set GROQ_API_KEY or MODEL_BASE_URL for a verdict."


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A task whose answers differ in what they pass, with both answers."""

    task: str
    lang: str
    sample: int
    message: str = field(repr=False)
    before: str = field(repr=False)
    after: str = field(repr=False)
    lost: tuple[str, ...] = field(repr=False)
    """The checks that only the answer before passes, each with why the one after does not."""
    won: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFigures:
    """What the answers of one version took."""

    name: str
    answers: int
    micro_usd: int | None
    """The mean of an answer; None if a price is not known."""
    seconds: float
    """The median of an answer."""
    words: float
    """The median of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    before: SideFigures
    after: SideFigures
    model: str
    scripted: bool
    roles: tuple[str, ...]
    verdict: Verdict
    detectable: dict[str, float | None]
    subjects: tuple[Tally, ...]
    languages: tuple[Tally, ...]
    held_out: tuple[Tally, ...]
    worse: tuple[Difference, ...]
    better: tuple[Difference, ...]
    mixed: tuple[Difference, ...]
    """Those that lost one check and won another."""
    hidden: int
    """Differences of held-out tasks, which are counted and not shown."""
    asked: int
    """Answers that were asked for now."""
    spent_micro_usd: int | None
    left: dict[str, int]
    """Pairs that there are not, by why."""
    judged: JudgeReport | None = None
    """What a model said of the answers, which no other part of the report looks at; None if none was asked."""


def report_of(
    comparison: Comparison,
    before: Version,
    after: Version,
    *,
    model: str,
    scripted: bool,
    judged: JudgeReport | None = None,
) -> Report:
    checks = [pair.checks for pair in comparison.pairs]
    verdict = judge(
        checks,
        unanswered=comparison.left.get(Left.UNANSWERED, 0),
        why_none=SCRIPTED if scripted else _why_none(comparison),
    )
    shown = [pair for pair in comparison.pairs if not pair.task.held_out]
    differences = [one for pair in shown if (one := _difference(pair)) is not None]
    hidden = sum(_difference(pair) is not None for pair in comparison.pairs if pair.task.held_out)
    return Report(
        before=_figures(before.name, [pair.before for pair in comparison.pairs]),
        after=_figures(after.name, [pair.after for pair in comparison.pairs]),
        model=model,
        scripted=scripted,
        roles=tuple(sorted({pair.role for pair in checks})),
        verdict=verdict,
        detectable=detectable_by_role(checks, verdict.level),
        subjects=tuple(subjects_of(checks)),
        languages=tuple(by_language(checks)),
        held_out=tuple(by_held_out(checks)),
        worse=_with(differences, lambda one: bool(one.lost and not one.won)),
        better=_with(differences, lambda one: bool(one.won and not one.lost)),
        mixed=_with(differences, lambda one: bool(one.won and one.lost)),
        hidden=hidden,
        asked=comparison.asked,
        spent_micro_usd=comparison.spent_micro_usd,
        left={why.value: count for why, count in comparison.left.items()},
        judged=judged,
    )


def report_json(report: Report) -> dict[str, Any]:
    """For programs. Shares are between 0 and 1, costs in millionths of a dollar."""

    def rows(tallies: Iterable[Tally]) -> list[dict[str, Any]]:
        return [
            asdict(one.counts)
            | {"passed_before": one.passed_before, "passed_after": one.passed_after, "p_worse": one.counts.p_worse}
            for one in tallies
        ]

    verdict = report.verdict
    return asdict(report) | {
        "v": VERSION,
        "verdict": {
            "ruling": verdict.ruling.value,
            "why": verdict.why,
            "exit_code": verdict.ruling.exit_code,
            "level": verdict.level,
            "worse": [one.name for one in verdict.worse],
        },
        "subjects": rows(report.subjects),
        "languages": rows(report.languages),
        "held_out": rows(report.held_out),
    }


def _why_none(comparison: Comparison) -> str:
    left = comparison.left
    if comparison.server_failed:
        return "The model server failed all the time. Answers that came are kept: run it again."
    if left.get(Left.NOT_ASKED):
        return f"{left[Left.NOT_ASKED]} pairs were not asked: the limit is reached. Answers are kept: a repeat goes on with them."
    if left.get(Left.NOT_GRADED):
        return f"{left[Left.NOT_GRADED]} pairs could not be graded: {comparison.why_not_graded}."
    return ""


def _difference(pair: AnsweredPair) -> Difference | None:
    """What differs in what the answers pass; None if nothing does."""
    lost, won = _only(pair.before, pair.after), _only(pair.after, pair.before)
    if not lost and not won:
        return None
    return Difference(
        task=pair.task.id,
        lang=pair.task.lang,
        sample=pair.sample,
        message=pair.task.message.strip(),
        before=_text(pair.before),
        after=_text(pair.after),
        lost=lost,
        won=won,
    )


def _only(passed: Graded, failed: Graded) -> tuple[str, ...]:
    """The checks that *passed* passes and *failed* does not. Both have those of the task, in its order."""
    both = zip(passed.grades, failed.grades, strict=True)
    return tuple(f"{other.kind}: {other.why}" for one, other in both if one.passed and not other.passed)


def _text(graded: Graded) -> str:
    return graded.answer.markdown or f"(no answer: {graded.answer.fault})"


def _with(found: Iterable[Difference], wanted: Callable[[Difference], bool]) -> tuple[Difference, ...]:
    return tuple(one for one in found if wanted(one))


def _figures(name: str, graded: Sequence[Graded]) -> SideFigures:
    answers = [one.answer for one in graded]
    costs = [one.micro_usd for one in answers if one.micro_usd is not None]
    return SideFigures(
        name=name,
        answers=len(answers),
        micro_usd=round(statistics.mean(costs)) if costs and len(costs) == len(answers) else None,
        seconds=statistics.median(one.seconds for one in answers) if answers else 0.0,
        words=statistics.median(len(one.markdown.split()) for one in answers) if answers else 0.0,
    )
