"""`/metrics`: what this process measures, and what the store counts. Names carry their unit; labels come from small closed sets.

Only the leader exports the store's counts: two brains read the same numbers, and a sum over both would be doubled.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from openclaw_brain.metric_families import counter_by, gauge, gauge_by, histogram
from openclaw_brain.model_figures import OTHER, ModelFigures
from openclaw_brain.prompt_figures import PromptFigures
from openclaw_core.budgets.values import Budgets
from openclaw_core.errors import OpenClawError
from openclaw_core.store import Script
from openclaw_core.store.budgets import Spending, Used
from openclaw_core.store.figures import Figures, Queue, figures
from openclaw_core.tasks.feedback import FeedbackKind
from openclaw_core.tasks.outcome import Cause, Delivery, TaskState

__all__ = ["CONTENT_TYPE_LATEST", "Metrics", "counted"]
CAUSES = frozenset(cause.value for cause in Cause)
ENDS = (TaskState.CLOSED, TaskState.FAILED, TaskState.CANCELLED)
JOB_STATES = ("created", "waiting", "claimed", "retired")
TEXTS = ("answer", "failure", "stopped", "notice")
"""What the store's script counts as a text that was shown, or cannot be."""
OUTCOMES_OF_TEXTS = tuple(outcome.value for outcome in Delivery if outcome is not Delivery.PENDING)


@dataclass(kw_only=True)
class Metrics:
    """The loops report to it. `health` asks it for the page."""

    script: Script
    roles: Collection[str]
    models: ModelFigures = field(default_factory=ModelFigures)
    prompts: PromptFigures = field(default_factory=PromptFigures)
    loop_ages_s: Callable[[], Mapping[str, float]] = dict
    """By loop: seconds since its last heartbeat."""
    causes: Callable[[], Mapping[str, Cause]] = dict
    """By template: why no agent can start. Templates whose agents can start are absent."""
    budgets: Budgets = field(default_factory=Budgets)
    clock: Callable[[], float] = time.monotonic
    leading: bool = False
    webhooks_ended: int = 0
    """How often a webhook of others was removed, so that polls are answered again."""
    _telegram_heard: float | None = None
    _memory_share: float = 0.0
    _watched: dict[str, float] = field(default_factory=dict)
    _fallback: dict[str, bool] = field(default_factory=dict)
    _models_gone: dict[str, bool] = field(default_factory=dict)
    _canaries: dict[str, bool] = field(default_factory=dict)
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

    def watch_confirmed(self, kind: str) -> None:
        """The watch of a kind has begun, or the API server has answered it."""
        self._watched[kind] = self.clock()

    def memory_seen(self, share: float) -> None:
        """The share of Redis' memory limit that is in use."""
        self._memory_share = share

    def telegram_heard(self) -> None:
        """The polls for updates have begun, or Telegram has answered one."""
        self._telegram_heard = self.clock()

    def webhook_ended(self) -> None:
        """Somebody had set a webhook for the bot."""
        self.webhooks_ended += 1

    def template_fallback(self, template: str, active: bool) -> None:
        """Whether agents start from the last good template, because the present one does not work."""
        self._fallback[template] = active

    def models_listed(self, models: Collection[str], unlisted: Collection[str]) -> None:
        """Which models of the configuration the model server lists, and which it does not."""
        self._models_gone = {model: model in unlisted for model in models}

    def canary_seen(self, role: str, ended: bool) -> None:
        """A role tries a prompt, and whether that was ended because it did harm."""
        self._canaries[role] = ended

    def forget(self) -> None:
        """This process has lost the lead: forget what only a leader knows of pools, models and the watch."""
        self.leading, self.causes = False, dict
        self._watched.clear()
        self._telegram_heard = None
        self._memory_share = 0.0
        self._fallback.clear()
        self._models_gone = {}
        self._canaries.clear()
        self.prompts.forget()

    async def page(self) -> bytes:
        """The page in Prometheus' text format. While the store is away, only what this process measures."""
        found: Figures | None = None
        used: Sequence[Used] = ()
        try:
            if self.leading:
                found = await figures(self.script)
                calendar = self.budgets.calendar(time.time())
                used = await Spending(self.script, self.budgets).used_by_all(calendar)
            else:
                await self.script.read("PING")
            store_up = True
        except OpenClawError:
            store_up = False
        registry = CollectorRegistry()
        registry.register(self._process)
        registry.register(self._steps)
        registry.register(_Given([*self._own(store_up), *(counted(found, self.roles, used) if found else ())]))
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
        yield gauge_by(
            "kind",
            "openclaw_watch_age_seconds",
            "Time since the API server was last heard on the watch of a kind, or this brain began it: jobs, pods, events.",
            {kind: self.clock() - heard for kind, heard in self._watched.items()},
        )
        heard = GaugeMetricFamily(
            "openclaw_updates_age_seconds",
            "Time since Telegram last answered a poll for updates, or this brain began to poll.",
        )
        if self._telegram_heard is not None:
            heard.add_metric((), self.clock() - self._telegram_heard)
        yield heard
        yield gauge_by(
            "loop", "openclaw_loop_age_seconds", "Time since each of our own loops last turned.", self.loop_ages_s()
        )
        yield gauge(
            "openclaw_pool_cause",
            "1 for the cause for which no agent of a template can start now.",
            ("template", "cause"),
            {(template, cause.value): 1 for template, cause in self.causes().items()},
        )
        yield gauge_by(
            "template",
            "openclaw_template_fallback",
            "1 while agents start from the last good template instead of the one in the cluster.",
            self._fallback,
        )
        yield gauge_by(
            "model",
            "openclaw_model_gone",
            "1 for a model of the configuration that the model server does not list.",
            self._models_gone,
        )
        yield gauge_by(
            "role",
            "openclaw_canary_ended",
            "1 for a role whose tried prompt was ended because it did harm, 0 while it is tried.",
            self._canaries,
        )
        yield from self.models.families()
        yield from self.prompts.families()


def counted(found: Figures, roles: Collection[str], used: Sequence[Used] = ()) -> Iterator[Metric]:
    """What the store counts, as metrics. *used* is what is spent of the limits of all."""

    def counter(name: str, what: str, first: str, *labels: str) -> CounterMetricFamily:
        return counter_by(name, what, labels, found.labelled(first, labels=len(labels)))

    yield counter("openclaw_updates_admitted", "Updates written to the store, by stream.", "admitted", "stream")
    yield counter("openclaw_messages_refused", "Messages that found their lane or all lanes full.", "refused")
    yield counter("openclaw_tasks_routed", "Tasks by how their role was picked.", "routed", "decision")
    yield counter_by(
        "openclaw_feedback",
        "Feedback on answers, by what was done.",
        ("kind",),
        {(kind.value,): found.labelled("feedback", labels=1).get((kind.value,), 0) for kind in FeedbackKind},
    )
    yield counter("openclaw_routing_tokens", "Tokens that routing calls took.", "routing_tokens")

    queues = {"inbox": found.inbox, "control": found.control, "lanes": found.lanes, "notices": found.notices}
    yield gauge_by("queue", "openclaw_queue_length", "What waits, by queue.", _lengths(queues))
    yield gauge_by("queue", "openclaw_queue_age_seconds", "How long the oldest in a queue has waited.", _ages_s(queues))
    yield gauge_by("template", "openclaw_ready_length", "Tasks that wait for an agent.", _lengths(found.ready))
    yield gauge_by(
        "template", "openclaw_ready_age_seconds", "How long the next task has waited for an agent.", _ages_s(found.ready)
    )  # fmt: skip
    yield GaugeMetricFamily("openclaw_tasks_out", "Tasks that are on their way to an answer.", value=found.out)
    yield GaugeMetricFamily(
        "openclaw_leases_overdue", "Tasks whose agent has not renewed in time.", value=found.overdue
    )
    yield gauge(
        "openclaw_jobs",
        "Jobs by what their agent does.",
        ("template", "state"),
        {(template, state): found.jobs.get((template, state), 0) for template in found.ready for state in JOB_STATES},
    )

    yield histogram(
        "openclaw_claim_wait_seconds",
        "From ready to claimed, by whether the agent was waiting already.",
        ("start",),
        {(start,): found.timings("claim", start) for start in ("warm", "cold")},
    )
    for name, what, timings in (
        ("openclaw_first_text_seconds", "From admission to the first words of the answer.", "first_text"),
        ("openclaw_answer_seconds", "From admission to the delivered answer.", "answer"),
    ):
        yield histogram(name, what, (), {(): found.timings(timings)})

    yield counter_by(
        "openclaw_tasks_ended",
        "Tasks by how they ended, and why.",
        ("state", "cause"),
        # The first answer is an increase too: NothingAnswered looks for one.
        _summed([((TaskState.CLOSED.value, ""), 0), *(((state, _cause(cause)), n) for (state, cause), n in found.ended.items())]),
    )  # fmt: skip
    yield counter_by(
        "openclaw_agents_lost",
        "Agents that ended or fell silent with a task in hand, tried again or not.",
        ("cause",),
        _summed(((_cause(cause),), n) for (cause,), n in found.labelled("lost", labels=1).items()),
    )
    yield counter("openclaw_tasks_handed_back", "Tasks given back by agents that were told to go.", "handed_back")
    yield counter_by(
        "openclaw_deliveries",
        "Texts by what they were and whether they are in the chat.",
        ("text", "outcome"),
        # From 0 on, as below: a first burst of refusals would be missing.
        _summed([*(((text, outcome), 0) for text in TEXTS for outcome in OUTCOMES_OF_TEXTS), *found.labelled("delivery", labels=2).items()]),
    )  # fmt: skip

    def by_role(name: str, what: str, first: str, *labels: str) -> CounterMetricFamily:
        rows = found.labelled(first, labels=1 + len(labels))
        known = _summed(((role if role in roles else OTHER, *rest), n) for (role, *rest), n in rows.items())
        return counter_by(name, what, ("role", *labels), known)

    yield counter_by(
        "openclaw_role_tasks_ended",
        "Tasks by their role and how they ended.",
        ("role", "state"),
        # From 0 on: Prometheus sees no increase where a counter is there for the first time, and a first failure would be missing.
        _summed(
            [
                *(((role, state.value), 0) for role in (*roles, OTHER) for state in ENDS),
                *(
                    ((role if role in roles else OTHER, state), n)
                    for (role, state), n in found.labelled("role_ended", labels=2).items()
                ),
            ]
        ),
    )
    yield histogram(
        "openclaw_role_answer_seconds",
        "From admission to the delivered answer, by role. Roles that this configuration does not know are left out.",
        ("role",),
        {(role,): took for role in roles if (took := found.timings("role_answer", role)).total},
    )
    yield by_role(
        "openclaw_tokens", "Tokens of answers: prompt (not cached), cached (part of the prompt), answer.", "tokens", "kind"
    )  # fmt: skip
    yield by_role(
        "openclaw_cost_microusd",
        "Cost of tasks in millionths of a dollar, with routing, searches and recordings, for models whose price is known.",
        "cost",
    )
    yield by_role("openclaw_answers_unpriced", "Answers of models whose price is not known.", "unpriced")
    yield gauge(
        "openclaw_budget_share",
        "Share of what all together may spend in the present day or month that is spent. Absent without a limit.",
        ("period", "unit"),
        {(one.limit.period.value, one.limit.unit.value): one.share for one in used},
    )


def _lengths(queues: Mapping[str, Queue]) -> dict[str, float]:
    return {name: queue.length for name, queue in queues.items()}


def _ages_s(queues: Mapping[str, Queue]) -> dict[str, float]:
    return {name: queue.oldest_s for name, queue in queues.items()}


def _cause(name: str) -> str:
    return name if not name or name in CAUSES else OTHER


def _summed(rows: Iterable[tuple[tuple[str, ...], int]]) -> dict[tuple[str, ...], int]:
    total: Counter[tuple[str, ...]] = Counter()
    for labels, n in rows:
        total[labels] += n
    return total


@dataclass(frozen=True, slots=True, eq=False)
class _Given(Collector):
    families: list[Metric]

    def collect(self) -> Iterator[Metric]:
        return iter(self.families)
