"""How long each step took between a question and its answer, or between a bare pod and its process. In seconds, as quantiles."""

import json
from collections.abc import Iterator, Sequence

from openclaw_cli.bench.figures import quantiles
from openclaw_cli.bench.pods import Timeline
from openclaw_cli.bench.questions import Question

Quantiles = dict[str, dict[str, float]]


def agent_steps(asked: Sequence[Question], jobs: Sequence[Timeline]) -> Quantiles:
    """Of each question, with the Job that answered it."""
    return _quantiles(step for one, job in zip(asked, jobs, strict=True) for step in _steps_of(one, job))


def pod_steps(pods: Sequence[Timeline]) -> Quantiles:
    """Of bare pods."""
    return _quantiles(
        step
        for pod in pods
        for step in (
            ("pod created → scheduled", pod.pod_s, pod.scheduled_s),
            ("scheduled → started", pod.scheduled_s, pod.started_s),
            ("pod created → process", pod.pod_s, pod.process_s),
            ("pod created → could claim", pod.pod_s, pod.ready_s),
        )
    )


BenchStep = tuple[str, float | None, float | None]
"""Its name, and the Unix seconds of its start and its end, None where they are not known."""


def _steps_of(one: Question, job: Timeline) -> Iterator[BenchStep]:
    def at_s(name: str) -> float | None:
        return float(one.fields.get(name, 0)) / 1000 or None

    run = json.loads(one.fields.get("run", "{}"))
    ready, claimed, answered = at_s("ready_ms"), at_s("claimed_ms"), at_s("answered_ms")
    asks = answered - run["model_ms"] / 1000 if answered and run else None
    first = asks + run["first_token_ms"] / 1000 if asks and run.get("first_token_ms") is not None else None
    yield "ready → Job created", ready, job.job_s
    yield "Job created → pod created", job.job_s, job.pod_s
    yield "pod created → scheduled", job.pod_s, job.scheduled_s
    yield "scheduled → started", job.scheduled_s, job.started_s
    yield "scheduled → process", job.scheduled_s, job.process_s
    yield "process → could claim", job.process_s, job.ready_s
    if one.fields.get("warm") != "1":
        yield "could claim → claimed", job.ready_s, claimed
    yield "ready → claimed", ready, claimed
    yield "claimed → model asked", claimed, asks
    yield "model asked → first token", asks, first
    yield "answer ended → shown", answered, at_s("ended_ms")


def _quantiles(steps: Iterator[BenchStep]) -> Quantiles:
    took: dict[str, list[float]] = {}
    for name, start_s, end_s in steps:
        if start_s and end_s:
            took.setdefault(name, []).append(end_s - start_s)
    return {name: quantiles(values) for name, values in took.items()}
