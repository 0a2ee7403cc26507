"""What the loop decides: when a model may call, how long a tool has, what the status line names, what the record says."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from openclaw_agent.steps import decisions
from openclaw_agent.steps.conversation import LEFT_OUT, step_messages
from openclaw_agent.tools.tool import CUT, Tool
from openclaw_core.models.answer_stream import AnswerComplete
from openclaw_core.ports import CallFault, FunctionCall, Usage
from openclaw_core.tasks.conversation import estimate_tokens
from openclaw_core.tasks.receipt import digest
from openclaw_core.tasks.run_usage import CallUsage, ModelTokens, RunUsage, StepUsage, usage_fields
from openclaw_core.tasks.steps import STATUS_MAX_CHARS, CallResult, Doing, OpenedPage, Status, Step
from tests.agent.steps.probe import Probe, says_where


class Runs(Probe):
    def status(self, arguments: Mapping[str, Any]) -> Status:
        return Status(doing=Doing.RUNNING)


class Reads(Probe):
    def status(self, arguments: Mapping[str, Any]) -> Status:
        return Status(doing=Doing.READING, subject=str(arguments["at"]))


TOOLS: dict[str, Tool] = {
    "look": Probe(says_where, timeout_s=20.0),
    "run": Runs(says_where, name="run"),
    "read": Reads(says_where, name="read"),
}


def call(name: str, at: str = "north", *, fault: CallFault | None = None) -> FunctionCall:
    return FunctionCall(id=f"{name}{at}"[:40], name=name, arguments=json.dumps({"at": at}), fault=fault)


def step(*names: str, model: str = "m", text: str = "seen", **usage: Any) -> Step:
    calls = tuple(call(name, str(n)) for n, name in enumerate(names))
    results = tuple(CallResult(text=text, ms=5) for _ in names)
    return Step(text="", calls=calls, results=results, model=model, usage=Usage(**usage), asked=2, model_ms=100)


@pytest.mark.parametrize(
    ("n", "max_steps", "left_s", "choice"),
    [(1, 6, 180, "auto"), (5, 6, 180, "auto"), (6, 6, 180, "none"), (1, 1, 180, "none"), (9, 6, 180, "none"), (2, 6, 31, "auto"), (2, 6, 30, "none")],
)  # fmt: skip
def test_the_last_step_and_one_that_begins_late_may_call_nothing(
    n: int, max_steps: int, left_s: float, choice: str
) -> None:
    assert decisions.function_choice(n, max_steps, left_s=left_s, deadline_s=180) == choice


@pytest.mark.parametrize(("left_s", "deadline_s", "limit_s"), [(180, 180, 20), (40, 180, 10), (10, 180, 0), (5, 8, 3)])
def test_a_tool_never_takes_the_time_of_the_answer(left_s: float, deadline_s: float, limit_s: float) -> None:
    assert decisions.call_limit_s(TOOLS["look"], left_s=left_s, deadline_s=deadline_s) == limit_s


def test_the_model_of_the_last_step_goes_first() -> None:
    assert decisions.models_in_order(("a", "b", "c"), []) == ("a", "b", "c")
    assert decisions.models_in_order(("a", "b", "c"), [step("look", model="b")]) == ("b", "a", "c")
    assert decisions.models_in_order(("a", "b"), [step("look", model="gone")]) == ("a", "b")


@pytest.mark.parametrize(
    ("calls", "status"),
    [
        ([call("look"), call("look", "south")], Status(doing=Doing.SEARCHING, subject="north, south")),
        ([call("look"), call("look")], Status(doing=Doing.SEARCHING, subject="north")),
        ([call("read", "a.org"), call("look")], Status(doing=Doing.READING, subject="a.org")),
        ([call("fly"), call("look", "south")], Status(doing=Doing.SEARCHING, subject="south")),
        ([call("look", fault=CallFault.NOT_JSON)], None),
        ([call("fly")], None),
        ([call("run")], Status(doing=Doing.RUNNING, n=3)),
    ],
)
def test_the_status_line_says_what_the_first_call_does(calls: list[FunctionCall], status: Status | None) -> None:
    assert decisions.status_of(calls, TOOLS, [step("run"), step("run", "look"), step("look")]) == status


def test_the_subjects_of_a_status_line_stay_short() -> None:
    found = decisions.status_of([call("look", f"{n:0>20}") for n in range(9)], TOOLS, [])
    assert found is not None
    assert len(found.subject) <= STATUS_MAX_CHARS
    assert found.subject.count(",") == 1


# ---- what the model reads of steps before


def test_each_call_has_its_result_in_order() -> None:
    said = step_messages([step("look", "read"), step("look")], max_tokens=9000)
    assert [(one.role, len(one.calls), one.call_id) for one in said] == [
        ("assistant", 2, ""), ("tool", 0, "look0"), ("tool", 0, "read1"), ("assistant", 1, ""), ("tool", 0, "look0"),
    ]  # fmt: skip


def test_half_a_character_is_replaced() -> None:
    said = step_messages([replace(step("look", text="seen \ud83d"), text="I look \ud83d")], max_tokens=9000)
    assert [one.content for one in said] == ["I look \ufffd", "seen \ufffd"]


def test_the_newest_results_are_whole_and_older_ones_are_cut_then_left_out() -> None:
    steps = [step("look", text="old " * 2000), step("look", text="middle " * 1000), step("look", text="new " * 1000)]
    old, middle, new = (one.content for one in step_messages(steps, max_tokens=1800) if one.role == "tool")
    assert old == LEFT_OUT
    assert middle.startswith("middle")
    assert middle.endswith(CUT)
    assert new == "new " * 1000
    assert sum(estimate_tokens(one) for one in (middle, new)) <= 1800


def test_pages_of_former_steps_keep_their_numbers_and_have_the_text_that_the_model_was_given() -> None:
    page = OpenedPage(number=2, url="https://a.org/", domain="a.org", title="A")
    other = OpenedPage(number=1, url="https://b.org/", domain="b.org")
    results = (
        CallResult(text="part 1", pages=(page,)),
        CallResult(text="part 2", pages=(page,)),
        CallResult(text="b", pages=(other,)),
    )
    pages = decisions.pages_of([replace(step("read", "read", "read"), results=results)])
    assert [(one.number, one.text, one.whole) for one in pages.all] == [(1, "b", False), (2, "part 1\n\npart 2", False)]
    assert pages.at("https://a.org/") is None, "what is not whole is fetched again"
    assert pages.open("https://a.org/", domain="a.org", title="A", text="whole").number == 2
    assert pages.open("https://c.org/", domain="c.org", title="C", text="c").number == 3
    assert [one.text for one in pages.all] == ["b", "whole", "c"]


# ---- the record


def test_tokens_and_times_of_all_steps_are_summed() -> None:
    steps = [
        step("look", prompt_tokens=10, answer_tokens=1),
        step("fly", prompt_tokens=20, cached_tokens=5, counted=False),
    ]
    last = AnswerComplete(text="x", model="b", usage=Usage(prompt_tokens=30, answer_tokens=7), truncated=False, calls=3)
    usage = decisions.usage_of(steps, last, tools=TOOLS, model_s=0.5, first_s=1.25)
    assert usage == RunUsage(
        model="b", calls=7, prompt_tokens=60, cached_tokens=5, answer_tokens=8, counted=False, model_ms=700, first_token_ms=1250,
        steps=tuple(
            StepUsage(model_ms=100, calls=(CallUsage(tool=name, ms=5, arguments=digest(one.calls[0].arguments), result=digest(one.results[0].text)),))
            for name, one in zip(("look", "unknown"), steps, strict=True)
        ),
        others=(ModelTokens(model="m", prompt_tokens=30, cached_tokens=5, answer_tokens=1),),
    )  # fmt: skip


def test_steps_of_the_model_that_answers_are_no_tokens_of_another_one() -> None:
    last = AnswerComplete(text="x", model="m", usage=Usage(prompt_tokens=3), truncated=False, calls=1)
    assert decisions.usage_of([step("look")], last, tools=TOOLS, model_s=0, first_s=None).others == ()


def test_a_record_lists_a_bounded_number_of_calls() -> None:
    last = AnswerComplete(text="x", model="b", usage=Usage(), truncated=False, calls=1)
    usage = decisions.usage_of([step(*["look"] * 16)] * 5, last, tools=TOOLS, model_s=0, first_s=None)
    assert sum(len(one.calls) for one in usage.steps) == decisions.RECORDED_CALLS_MAX
    assert len(json.dumps(usage_fields(usage))) < 4000
