"""Figures of models: how requests of answers and of routing ended, and when a model is taken away."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
import yaml

from openclaw_brain.model_figures import CountedChat, ModelFigures
from openclaw_core.errors import ChatUnavailable, RateLimited
from openclaw_core.ports import ModelCall, Usage
from openclaw_core.roles.values import ModelSpec
from openclaw_core.tasks.timings import Part, Timing
from tests.fakes.time import FakeTime
from tests.gitops.conftest import ROOT

MODELS = {
    "big": ModelSpec(id="big", context_tokens=1),
    "small": ModelSpec(id="small", context_tokens=1, served_as="maker/small-1", ends=date(2027, 1, 31)),
}
CALL = ModelCall(model="maker/small-1", messages=(), max_tokens=1)


def asked(figures: ModelFigures) -> dict[str, float]:
    """Requests by `model outcome`, without those that are 0."""
    requests, _, _ = figures.families()
    return {" ".join(one.labels.values()): one.value for one in requests.samples if one.value}


def test_requests_of_agents_are_counted_by_model_and_outcome() -> None:
    figures = ModelFigures(models=MODELS)
    figures.of_agent(
        [
            Timing(part=Part.LOAD, at_ms=0),
            Timing(part=Part.MODEL, at_ms=0, of="big", fault="model_busy"),
            Timing(part=Part.MODEL, at_ms=0, of="big", fault="model_down"),
            Timing(part=Part.MODEL, at_ms=0, of="small"),
            Timing(part=Part.TOOL, at_ms=0, of="big"),
        ]
    )
    assert asked(figures) == {"big limited": 1, "big failed": 1, "small answered": 1}


def test_what_an_agent_calls_a_model_is_no_label_unless_it_is_one() -> None:
    figures = ModelFigures(models=MODELS)
    figures.of_agent([Timing(part=Part.MODEL, at_ms=0, of=f"words {n}") for n in range(50)])
    assert asked(figures) == {"other answered": 50}


def test_every_model_counts_from_zero() -> None:
    """Without a first value Prometheus sees no increase to it."""
    requests, _, _ = ModelFigures(models=MODELS).families()
    assert len(requests.samples) == 3 * 3


def test_what_is_left_of_a_limit_is_told_for_an_hour() -> None:
    time = FakeTime()
    figures = ModelFigures(models=MODELS, clock=time.clock)
    asked_twice = [
        Timing(part=Part.MODEL, at_ms=0, of="big", requests_left=40, tokens_left=0),
        Timing(part=Part.MODEL, at_ms=9, of="big", requests_left=39),
    ]
    figures.of_agent(asked_twice)

    def left() -> dict[tuple[str, ...], float]:
        *_, found = figures.families()
        return {tuple(one.labels.values()): one.value for one in found.samples}

    time.now_s += 3600
    assert left() == {("big", "requests"): 0.39, ("big", "tokens"): 0.0}
    time.now_s += 1
    assert left() == {}


@dataclass
class Says:
    """A `JsonModel` that answers, or meets an error."""

    what: BaseException | None = None

    async def complete_json(self, call: ModelCall, *, schema: dict[str, Any], timeout_s: float) -> tuple[Any, Usage]:
        if self.what is not None:
            raise self.what
        return {"role": "coder"}, Usage()


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        (None, "answered"),
        (RateLimited(retry_after_s=1), "limited"),
        (ChatUnavailable("500"), "failed"),
        (asyncio.CancelledError(), "failed"),
    ],
)
async def test_requests_of_routing_are_counted_too(what: BaseException | None, outcome: str) -> None:
    figures = ModelFigures(models=MODELS)
    chat = CountedChat(chat=Says(what), figures=figures)
    if what is None:
        assert await chat.complete_json(CALL, schema={}, timeout_s=1) == ({"role": "coder"}, Usage())
    else:
        with pytest.raises(type(what)):
            await chat.complete_json(CALL, schema={}, timeout_s=1)
    assert asked(figures) == {f"small {outcome}": 1}


def test_a_model_ends_with_its_last_day() -> None:
    _, ends, _ = ModelFigures(models=MODELS).families()
    assert [(one.labels["model"], round(one.value)) for one in ends.samples] == [
        ("small", 1801440000)
    ]  # 2027-02-01 00:00 UTC


def test_roles_and_the_list_of_ends_agree_on_each_model() -> None:
    models = yaml.safe_load((ROOT / "platform/openclaw/base/config/roles.yaml").read_text())["models"]
    listed = yaml.safe_load((ROOT / "platform/end-of-life.yaml").read_text())
    ends = {}
    for one in listed:
        for place in one["pinned"]:
            if place["file"].endswith("roles.yaml"):
                ends[place["text"].format(version=one["version"])] = one["ends"]
    assert {name: entry.get("ends") for name, entry in models.items()} == {name: ends[name] for name in models}
