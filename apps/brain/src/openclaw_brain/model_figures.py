"""Figures of models for metrics: how their requests ended, and when their makers take them away. Labels are names of the configuration."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from openclaw_core.errors import RateLimited
from openclaw_core.ports import JsonModel, ModelCall, Usage
from openclaw_core.roles.values import ModelSpec
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.timings import Part, Timing

OTHER = "other"
ANSWERED, LIMITED, FAILED = "answered", "limited", "failed"
OUTCOMES = (ANSWERED, LIMITED, FAILED)
"""Limited: the server refused the request for now, since a limit of the key is reached."""


@dataclass(kw_only=True)
class ModelFigures:
    """What this brain has heard of the requests to *models* since its start."""

    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    _requests: Counter[tuple[str, str]] = field(default_factory=Counter)

    def asked(self, model: str, outcome: str) -> None:
        """Count a request; *model* is a name of the configuration, or the id that its server has."""
        names = (name for name, spec in self.models.items() if model in (name, spec.at.id))
        self._requests[next(names, OTHER), outcome] += 1

    def of_agent(self, timings: Sequence[Timing]) -> None:
        """Count the requests of an agent's run."""
        for one in timings:
            if one.part is Part.MODEL:
                limited = one.fault == Cause.MODEL_BUSY
                self.asked(one.of, LIMITED if limited else FAILED if one.fault else ANSWERED)

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
