"""Figures of models for metrics: how their requests ended, and when their makers take them away. Labels are names of the configuration."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from time import monotonic
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from openclaw_core.errors import RateLimited
from openclaw_core.ports import JsonModel, ModelCall, Usage
from openclaw_core.roles.values import ModelSpec
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.timings import Part, Timing

OTHER = "other"
"""The label for values that this configuration does not know: a role or a model that was removed, a cause of another release."""
ANSWERED, LIMITED, FAILED = "answered", "limited", "failed"
LEFT_KEPT_S = 3600.0
"""What is left of a limit is told for so long after the last reply that said it."""
OUTCOMES = (ANSWERED, LIMITED, FAILED)
"""Limited: the server refused the request for now, since a limit of the key is reached."""


@dataclass(kw_only=True)
class ModelFigures:
    """What this brain knows of the requests to *models* since its start."""

    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    clock: Callable[[], float] = monotonic
    _requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    _left: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    """By model and limit: percent, and when that was read."""

    def asked(self, model: str, outcome: str) -> None:
        """Count a request; *model* is a name of the configuration, or the id that its server has."""
        self._requests[self._label(model), outcome] += 1

    def _label(self, model: str) -> str:
        return next((name for name, spec in self.models.items() if model in (name, spec.at.id)), OTHER)

    def of_agent(self, timings: Sequence[Timing]) -> None:
        """Count the requests of an agent's run."""
        for one in timings:
            if one.part is Part.MODEL:
                limited = one.fault == Cause.MODEL_BUSY
                self.asked(one.of, LIMITED if limited else FAILED if one.fault else ANSWERED)
                for of, percent in (("requests", one.requests_left), ("tokens", one.tokens_left)):
                    if percent is not None:
                        self._left[self._label(one.of), of] = percent, self.clock()

    def families(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "openclaw_model_requests",
            "Requests to models by how they ended, of answers and of routing, since this brain started.",
            labels=("model", "outcome"),
        )
        for model in (*self.models, OTHER):
            for outcome in OUTCOMES:
                requests.add_metric((model, outcome), self._requests[model, outcome])
        yield requests
        ends = GaugeMetricFamily(
            "openclaw_model_ends_timestamp_seconds",
            "Unix time at which a model of the configuration is taken away, of those whose maker has said so.",
            labels=("model",),
        )
        for name, spec in self.models.items():
            if spec.ends is not None:
                ends.add_metric((name,), _end_of(spec.ends))
        yield ends
        left = GaugeMetricFamily(
            "openclaw_model_limit_left_share",
            "Share that was left of a limit of the key after the last answer of a model that said so, within an hour.",
            labels=("model", "of"),
        )
        for labels, (percent, heard_s) in self._left.items():
            if self.clock() - heard_s <= LEFT_KEPT_S:
                left.add_metric(labels, percent / 100)
        yield left


def _end_of(day: date) -> float:
    """The last second of *day*, which is the last on which the model answers."""
    return datetime.combine(day, time.max, tzinfo=UTC).timestamp()


@dataclass(frozen=True, kw_only=True)
class CountedChat:
    """A `JsonModel` that counts the requests to *chat*."""

    chat: JsonModel
    figures: ModelFigures

    async def complete_json(self, call: ModelCall, *, schema: dict[str, Any], timeout_s: float) -> tuple[Any, Usage]:
        outcome = FAILED  # also a request that is cancelled, since its time is over
        try:
            answer = await self.chat.complete_json(call, schema=schema, timeout_s=timeout_s)
            outcome = ANSWERED
        except RateLimited:
            outcome = LIMITED
            raise
        else:
            return answer
        finally:
            self.figures.asked(call.model, outcome)
