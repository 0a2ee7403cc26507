"""`/metrics`: what this process sees, and what the store has counted. Names carry their unit; labels come from small closed sets.

What the store has counted is told by the leader alone: two brains read the same numbers, and a sum over them would be twice the truth.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from openclaw_core.errors import OpenClawError
from openclaw_core.store import Script
from openclaw_core.store.figures import Figures, Timings, figures
from openclaw_core.tasks.outcome import Cause

__all__ = ["CONTENT_TYPE_LATEST", "Metrics", "counted"]
OTHER = "other"
"""The label of what today's configuration does not know: a role that was removed, a cause of another release."""
CAUSES = frozenset(cause.value for cause in Cause)
JOB_STATES = ("created", "waiting", "claimed", "retired")


@dataclass(kw_only=True)
class Metrics:
    """Told by the loops as they go; asked by `health` for the page."""

    script: Script
    roles: Collection[str]
    loop_ages_s: Callable[[], Mapping[str, float]] = dict
    """For each of our loops, how long ago it last turned."""
    causes: Callable[[], Mapping[str, Cause]] = dict
    """Why no agent of a template can start now, by template; those that can start are absent."""
    clock: Callable[[], float] = time.monotonic
    leading: bool = False
    webhooks_ended: int = 0
    """How often a webhook that others had set was ended, so that polls are answered again."""
    _memory_share: float = 0.0
    _watched: dict[str, float] = field(default_factory=dict)
    _fallback: dict[str, bool] = field(default_factory=dict)
    _models_gone: dict[str, bool] = field(default_factory=dict)
    _process: ProcessCollector = field(default_factory=lambda: ProcessCollector(registry=CollectorRegistry()))
    _steps: Histogram = field(
        default_factory=lambda: Histogram(
            "openclaw_store_step_seconds",
            "Round trips of atomic steps to Redis, its fsync included, as this brain saw them.",
            registry=None,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
        )
    )

    def __post_init__(self) -> None:
        self.script.timed = self._steps.observe

    def watch_turned(self, kind: str) -> None:
        """The watch of a kind has begun, or has heard from the API server."""
        self._watched[kind] = self.clock()

    def memory_seen(self, share: float) -> None:
        """The share of Redis' memory limit that is in use."""
        self._memory_share = share

    def webhook_ended(self) -> None:
        """Somebody had set a webhook for the bot."""
        self.webhooks_ended += 1

    def template_fallback(self, template: str, active: bool) -> None:
        """Whether agents start from the last good template, because the one in the cluster does not work."""
        self._fallback[template] = active

    def models_listed(self, models: Collection[str], unlisted: Collection[str]) -> None:
        """What the model server's list says of the models of the configuration."""
        self._models_gone = {model: model in unlisted for model in models}

    def forget(self) -> None:
        """This process leads no more: what it knew of pools, models and the watch is another's now."""
        self.leading, self.causes = False, dict
        self._watched.clear()
        self._memory_share = 0.0
        self._fallback.clear()
        self._models_gone = {}

    async def page(self) -> bytes:
        """The page in Prometheus' text format. While the store is away, what this process knows by itself."""
        found: Figures | None = None
        try:
            if self.leading:
                found = await figures(self.script)
            else:
                await self.script.read("PING")
            store_up = True
        except OpenClawError:
            store_up = False
        registry = CollectorRegistry()
        registry.register(self._process)
        registry.register(self._steps)
        registry.register(_Given([*self._own(store_up), *(counted(found, self.roles) if found else ())]))
        return generate_latest(registry)

    def _own(self, store_up: bool) -> Iterator[Metric]:
        yield GaugeMetricFamily("openclaw_leader", "1 if this brain leads.", value=int(self.leading))
        yield CounterMetricFamily(
            "openclaw_webhooks_ended",
            "Webhooks that others had set for the bot, which this brain has ended since its start.",
            value=self.webhooks_ended,
        )
        yield GaugeMetricFamily(
            "openclaw_store_memory_share",
            "Share of Redis' maxmemory in use, 0 without a limit.",
            value=self._memory_share,
        )
        yield GaugeMetricFamily("openclaw_store_up", "1 if Redis has answered this look.", value=int(store_up))
        yield _gauge(
            "openclaw_watch_age_seconds",
            "Time since the API server was last heard on the watch of a kind, or this brain began it: jobs, pods, events.",
            ("kind",),
            {(kind,): self.clock() - heard for kind, heard in self._watched.items()},
        )
        yield _gauge(
            "openclaw_loop_age_seconds",
            "Time since each of our own loops last turned.",
            ("loop",),
            {(loop,): age_s for loop, age_s in self.loop_ages_s().items()},
        )
        yield _gauge(
            "openclaw_pool_cause",
            "1 for the cause for which no agent of a template can start now.",
            ("template", "cause"),
            {(template, cause.value): 1 for template, cause in self.causes().items()},
        )
        yield _gauge(
            "openclaw_template_fallback",
            "1 while agents start from the last good template instead of the one in the cluster.",
            ("template",),
            {(template,): int(active) for template, active in self._fallback.items()},
        )
        yield _gauge(
            "openclaw_model_gone",
            "1 for a model of the configuration that the model server does not list.",
            ("model",),
            {(model,): int(gone) for model, gone in self._models_gone.items()},
        )


def counted(found: Figures, roles: Collection[str]) -> Iterator[Metric]:
    """What the store knows, as metrics."""
    yield _counter(
        "openclaw_updates_admitted",
        "Updates written to the store, by stream.",
        ("stream",),
        found.labelled("admitted", labels=1),
    )
    yield _counter(
        "openclaw_messages_refused",
        "Messages that found their lane or all lanes full.",
        (),
        found.labelled("refused", labels=0),
    )
    yield _counter(
        "openclaw_tasks_routed",
        "Tasks by how their role was picked.",
        ("decision",),
        found.labelled("routed", labels=1),
    )
    yield _counter(
        "openclaw_routing_tokens", "Tokens that routing calls took.", (), found.labelled("routing_tokens", labels=0)
    )

    queues = {"inbox": found.inbox, "control": found.control, "lanes": found.lanes, "notices": found.notices}
    yield _gauge(
        "openclaw_queue_length", "What waits, by queue.", ("queue",), {(name,): q.length for name, q in queues.items()}
    )
    yield _gauge(
        "openclaw_queue_age_seconds",
        "How long the oldest in a queue has waited.",
        ("queue",),
        {(name,): q.oldest_s for name, q in queues.items()},
    )
    ready = {(template,): q for template, q in found.ready.items()}
    yield _gauge(
        "openclaw_ready_length", "Tasks that wait for an agent.", ("template",), {k: q.length for k, q in ready.items()}
    )
    yield _gauge(
        "openclaw_ready_age_seconds",
        "How long the next task has waited for an agent.",
        ("template",),
        {k: q.oldest_s for k, q in ready.items()},
    )
    yield GaugeMetricFamily("openclaw_tasks_out", "Tasks that are on their way to an answer.", value=found.out)
    yield GaugeMetricFamily(
        "openclaw_leases_overdue", "Tasks whose agent has not renewed in time.", value=found.overdue
    )
    yield _gauge(
        "openclaw_jobs",
        "Jobs by what their agent does.",
        ("template", "state"),
        {(template, state): found.jobs.get((template, state), 0) for template in found.ready for state in JOB_STATES},
    )

    yield _histogram(
        "openclaw_claim_wait_seconds",
        "From ready to claimed, by whether the agent was waiting already.",
        ("start",),
        {(start,): found.timings("claim", start) for start in ("warm", "cold")},
    )
    yield _histogram(
        "openclaw_first_text_seconds",
        "From admission to the first words of the answer.",
        (),
        {(): found.timings("first_text")},
    )
    yield _histogram(
        "openclaw_answer_seconds", "From admission to the delivered answer.", (), {(): found.timings("answer")}
    )

    yield _counter(
        "openclaw_tasks_ended",
        "Tasks by how they ended, and why.",
        ("state", "cause"),
        _summed(((state, _cause(cause)), n) for (state, cause), n in found.ended.items()),
    )
    yield _counter(
        "openclaw_agents_lost",
        "Agents that ended or fell silent with a task in hand, tried again or not.",
        ("cause",),
        _summed(((_cause(cause),), n) for (cause,), n in found.labelled("lost", labels=1).items()),
    )
    yield _counter(
        "openclaw_tasks_handed_back",
        "Tasks given back by agents that were told to go.",
        (),
        found.labelled("handed_back", labels=0),
    )
    yield _counter(
        "openclaw_deliveries",
        "Texts by what they were and whether they stand in the chat.",
        ("text", "outcome"),
        found.labelled("delivery", labels=2),
    )

    def by_role(first: str, labels: int = 1) -> dict[tuple[str, ...], int]:
        rows = found.labelled(first, labels=labels)
        return _summed(((role if role in roles else OTHER, *rest), n) for (role, *rest), n in rows.items())

    yield _counter(
        "openclaw_tokens",
        "Tokens of answers: prompt (not cached), cached (part of the prompt), answer.",
        ("role", "kind"),
        by_role("tokens", labels=2),
    )
    yield _counter(
        "openclaw_cost_microusd",
        "Cost of answers in millionths of a dollar, for models whose price is known.",
        ("role",),
        by_role("cost"),
    )
    yield _counter(
        "openclaw_answers_unpriced", "Answers of models whose price is not known.", ("role",), by_role("unpriced")
    )


def _cause(name: str) -> str:
    return name if not name or name in CAUSES else OTHER


def _summed(rows: Iterable[tuple[tuple[str, ...], int]]) -> dict[tuple[str, ...], int]:
    total: Counter[tuple[str, ...]] = Counter()
    for labels, n in rows:
        total[labels] += n
    return total


def _gauge(name: str, what: str, labels: tuple[str, ...], rows: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, n in sorted(rows.items()):
        family.add_metric(values, n)
    return family


def _counter(name: str, what: str, labels: tuple[str, ...], rows: Mapping[tuple[str, ...], int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, what, labels=labels)
    for values, n in sorted(rows.items()):
        family.add_metric(values, n)
    return family


def _histogram(
    name: str, what: str, labels: tuple[str, ...], rows: Mapping[tuple[str, ...], Timings]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, what, labels=labels)
    for values, timings in sorted(rows.items(), key=lambda row: row[0]):
        buckets = [(f"{bound:g}", n) for bound, n in timings.at_most]
        family.add_metric(values, [*buckets, ("+Inf", timings.total)], sum_value=timings.sum_s)
    return family


@dataclass(frozen=True, slots=True, eq=False)
class _Given(Collector):
    families: list[Metric]

    def collect(self) -> Iterator[Metric]:
        return iter(self.families)
