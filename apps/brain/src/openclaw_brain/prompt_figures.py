"""Figures by prompt, of roles that try another one: for metrics. Labels are roles of the configuration and digests of its prompts."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client.metrics_core import Metric

from openclaw_brain.metric_families import counter_by, histogram
from openclaw_core.records import whole
from openclaw_core.store.figures import BOUNDS_MS, HistogramCounts
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.feedback import FeedbackKind
from openclaw_core.tasks.outcome import ENDED, TaskState
from openclaw_core.tasks.run_usage import read_usage

LABELS = ("role", "which", "prompt")
Which = Literal["own", "tried"]


@dataclass(slots=True, kw_only=True)
class PromptRuns:
    """The runs with one prompt, which has this *digest*, since the canary of its role began."""

    digest: str
    ends: Counter[str] = field(default_factory=Counter)
    feedback: Counter[FeedbackKind] = field(default_factory=Counter)
    answer_tokens: int = 0
    micro_usd: int = 0
    unpriced: int = 0
    """Answers of models whose price is not known: they are missing in the sum."""
    _took: Counter[int] = field(default_factory=Counter)
    """Answers by the first bound of BOUNDS_MS that they did not exceed."""
    _took_ms: int = 0

    def add(self, run: RunRecord) -> None:
        """Count *run*. Times and costs are those of answers: a run without one has none."""
        self.ends[run.state] += 1
        if run.state != TaskState.CLOSED:
            return
        self.answer_tokens += read_usage(run.run).answer_tokens
        self.micro_usd += whole(run.micro_usd)
        self.unpriced += not run.micro_usd
        took_ms = max(0, whole(run.ended_ms) - whole(run.admitted_ms))
        self._took[bisect_left(BOUNDS_MS, took_ms)] += 1
        self._took_ms += took_ms

    @property
    def took(self) -> HistogramCounts:
        """From admission to the delivered answer."""
        below, rows = 0, []
        for n, bound_ms in enumerate(BOUNDS_MS):
            below += self._took[n]
            rows.append((bound_ms / 1000, below))
        return HistogramCounts(at_most=tuple(rows), total=self._took.total(), sum_s=self._took_ms / 1000)


SUMS: tuple[tuple[str, str, Callable[[PromptRuns], int]], ...] = (
    ("openclaw_prompt_answer_tokens", "Tokens of answers, by prompt.", lambda one: one.answer_tokens),
    ("openclaw_prompt_cost_microusd", "Cost of answers in millionths of a dollar, by prompt.", lambda one: one.micro_usd),
    ("openclaw_prompt_answers_unpriced", "Answers of models whose price is not known, by prompt.", lambda one: one.unpriced),
)  # fmt: skip


@dataclass(kw_only=True)
class PromptFigures:
    """What the leader has counted. Two prompts for each role that tries one: runs with any other prompt are in none of these."""

    _roles: dict[str, Mapping[Which, PromptRuns]] = field(default_factory=dict)

    def seen(self, role: str, runs: Mapping[Which, PromptRuns]) -> None:
        """Tell these of *role* from now on."""
        self._roles[role] = runs

    def forget(self) -> None:
        self._roles.clear()

    def families(self) -> Iterator[Metric]:
        rows: dict[tuple[str, ...], PromptRuns] = {
            (role, which, one.digest): one for role, by in self._roles.items() for which, one in by.items()
        }
        # From 0 on: Prometheus sees no increase where a counter is there for the first time.
        yield counter_by(
            "openclaw_prompt_runs",
            "Runs by how they ended, with the prompt that a role tries and with its own.",
            (*LABELS, "state"),
            {(*labels, state.value): one.ends[state] for labels, one in rows.items() for state in ENDED},
        )
        yield counter_by(
            "openclaw_prompt_feedback",
            "Feedback on answers, by prompt.",
            (*LABELS, "kind"),
            {(*labels, kind.value): one.feedback[kind] for labels, one in rows.items() for kind in FeedbackKind},
        )
        yield histogram(
            "openclaw_prompt_answer_seconds",
            "From admission to the delivered answer, by prompt.",
            LABELS,
            {labels: one.took for labels, one in rows.items()},
        )
        for name, help_text, of in SUMS:
            yield counter_by(name, help_text, LABELS, {labels: of(one) for labels, one in rows.items()})
