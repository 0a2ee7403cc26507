"""Figures by prompt: what a tried prompt and the role's own take, counted from run records."""

import json

from openclaw_brain.prompt_figures import PromptFigures, PromptRuns
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.run_usage import RunUsage, usage_fields


def run(state: str, *, took_ms: int = 0, tokens: int = 0, micro_usd: str = "") -> RunRecord:
    usage = json.dumps(usage_fields(RunUsage(answer_tokens=tokens)))
    return RunRecord(state=state, admitted_ms="1000", ended_ms=str(1000 + took_ms), run=usage, micro_usd=micro_usd)


def served(figures: PromptFigures) -> dict[str, float]:
    """Values by name and labels, without those that are 0."""
    samples = [one for family in figures.families() for one in family.samples]
    return {" ".join([one.name, *one.labels.values()]): one.value for one in samples if one.value}


def test_runs_are_counted_by_prompt() -> None:
    own, tried = PromptRuns(digest="a"), PromptRuns(digest="b")
    for one in (run("closed", took_ms=2000, tokens=70, micro_usd="5"), run("closed", took_ms=2001, tokens=30)):
        own.add(one)
    tried.add(run("failed", took_ms=9, tokens=9, micro_usd="9"))
    tried.add(run("cancelled"))
    figures = PromptFigures()
    figures.seen("coder", {"own": own, "tried": tried})

    found = served(figures)

    buckets = {name.split()[-1]: found.pop(name) for name in list(found) if "_bucket" in name}
    assert buckets == {"2": 1, **dict.fromkeys(("4", "8", "15", "30", "60", "180", "900", "+Inf"), 2)}
    assert found == {
        "openclaw_prompt_runs_total coder own a closed": 2,
        "openclaw_prompt_runs_total coder tried b failed": 1,
        "openclaw_prompt_runs_total coder tried b cancelled": 1,
        "openclaw_prompt_answer_seconds_count coder own a": 2,
        "openclaw_prompt_answer_seconds_sum coder own a": 4.001,
        "openclaw_prompt_answer_tokens_total coder own a": 100,
        "openclaw_prompt_cost_microusd_total coder own a": 5,
        "openclaw_prompt_answers_unpriced_total coder own a": 1,
    }


def test_every_end_of_both_prompts_counts_from_zero() -> None:
    """Without a first value Prometheus sees no increase to it."""
    figures = PromptFigures()
    figures.seen("coder", {"own": PromptRuns(digest="a"), "tried": PromptRuns(digest="b")})
    runs = next(iter(figures.families()))
    assert len(runs.samples) == 2 * 3


def test_what_a_former_leader_has_counted_is_told_no_more() -> None:
    figures = PromptFigures()
    figures.seen("coder", {"own": PromptRuns(digest="a")})
    figures.forget()
    assert [one for family in figures.families() for one in family.samples] == []
