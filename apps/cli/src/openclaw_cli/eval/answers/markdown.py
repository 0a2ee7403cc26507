"""The report as Markdown, for a terminal and for a comment on a pull request.

A model's words are in fences alone, so they format and call nobody.
"""

import difflib
import re
from collections.abc import Iterable, Sequence

from openclaw_cli.eval.answers.model_judge import JudgeReport
from openclaw_cli.eval.answers.report import Difference, Report, SideFigures
from openclaw_cli.eval.answers.significance import ERROR, POWER
from openclaw_cli.eval.answers.verdict import Ruling, Tally

COMMENT_MAX_CHARS = 60_000
"""A comment of GitHub has 65,536 characters."""
SIGNS = {Ruling.NOT_WORSE: "✅", Ruling.WORSE: "❌", Ruling.NONE: "⚠️"}
_FENCE = re.compile(r"`{3,}")


def markdown_of(report: Report, *, max_chars: int = COMMENT_MAX_CHARS) -> str:
    """The report within *max_chars*: the last differences are left out first, with a line that says how many."""
    head = "\n\n".join(
        [
            f"## {SIGNS[report.verdict.ruling]} Answers: {report.verdict.ruling.value}",
            report.verdict.why,
            *_facts(report),
        ]
    )
    parts, left = [head], max_chars - len(head) - 100
    found = [
        *((one, "worse") for one in report.worse),
        *((one, "mixed") for one in report.mixed),
        *((one, "better") for one in report.better),
    ]
    for n, (one, what) in enumerate(found):
        block = _difference(one, what)
        if len(block) > left:
            parts.append(f"{len(found) - n} more differences are on the page and in the JSON.")
            break
        parts.append(block)
        left -= len(block) + 2
    return "\n\n".join(parts) + "\n"


def cost_of(side: SideFigures) -> str:
    return "no price" if side.micro_usd is None else f"{side.micro_usd / 1e6:.5f} USD"


def statistics_of(report: Report) -> list[str]:
    """What the figures can say, in sentences."""
    sentences = [
        f"Each subject was tested at p ≤ {report.verdict.level:.2g}, so that a version which answers alike is called worse at most once in "
        f"{round(1 / ERROR)} comparisons."
    ]
    for role, fall in report.detectable.items():
        can = (
            f"a fall of {fall:.0%} of all answers would have been called worse in {POWER:.0%} of comparisons, a smaller one less often"
            if fall is not None
            else "so few tasks could have shown no fall"
        )
        sentences.append(f"{role}: {can}.")
    return sentences


def _facts(report: Report) -> Iterable[str]:
    before, after = report.before, report.after
    yield f"{before.name} → {after.name}, {report.model}, {', '.join(report.roles) or 'no role'}"
    yield "\n".join(
        [
            "| | before | after |",
            "| --- | --- | --- |",
            f"| answers | {before.answers} | {after.answers} |",
            f"| cost of one | {cost_of(before)} | {cost_of(after)} |",
            f"| seconds, median | {before.seconds:.1f} | {after.seconds:.1f} |",
            f"| words, median | {before.words:.0f} | {after.words:.0f} |",
        ]
    )
    for title, rows in (("passed", report.subjects), ("language", report.languages), ("tasks", report.held_out)):
        if rows:
            yield _table(title, rows)
    if report.judged is not None:
        yield _judge_table(report.judged)
    yield " ".join(statistics_of(report))
    spent = "" if report.spent_micro_usd is None else f", for {report.spent_micro_usd / 1e6:.4f} USD"
    yield f"{report.asked} answers were asked now{spent}; the others came from the cache."
    if report.left:
        yield "Pairs that are missing: " + "; ".join(f"{count} ({why})" for why, count in report.left.items()) + "."
    if report.hidden:
        yield f"{report.hidden} differences are of held-out tasks, which are counted and not shown."


def _table(title: str, rows: Sequence[Tally]) -> str:
    lines = [
        f"| {title} | pairs | before | after | worse | better | p worse |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        one = row.counts
        lines.append(
            f"| {one.name} | {one.pairs} | {row.passed_before} | {row.passed_after} | {one.worse} | {one.better} | {one.p_worse:.2g} |"
        )
    return "\n".join(lines)


def judge_note(judged: JudgeReport) -> str:
    """What the judge's figures are, in a sentence or two."""
    spent = "" if judged.spent_micro_usd is None else f", for {judged.spent_micro_usd / 1e6:.4f} USD"
    return f"{judged.model} as a judge is no part of the verdict. It was asked {judged.asked} times now{spent}."


def _judge_table(judged: JudgeReport) -> str:
    lines = ["| the judge says yes | questions | before | after | no reply |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {one.role} | {one.questions} | {one.yes_before} | {one.yes_after} | {one.no_reply} |"
        for one in judged.tallies
    ]
    return "\n".join(lines) + "\n\n" + judge_note(judged)


def _difference(one: Difference, what: str) -> str:
    checks = [*(f"lost {check}" for check in one.lost), *(f"won {check}" for check in one.won)]
    lines = list(
        difflib.unified_diff(one.before.splitlines(), one.after.splitlines(), "before", "after", n=100, lineterm="")
    )
    body = "\n".join(lines[3:] if lines else one.before.splitlines())
    fence = "`" * max(
        [3, *(len(found) + 1 for found in map(str, _FENCE.findall("\n".join([body, *checks, one.message]))))]
    )
    return (
        f"<details><summary>{what}: {one.task}{f', try {one.sample + 1}' if one.sample else ''}</summary>\n\n"
        f"{fence}text\n{one.message}\n\n"
        + "\n".join(checks)
        + f"\n{fence}\n\n{fence}diff\n{body}\n{fence}\n\n</details>"
    )
