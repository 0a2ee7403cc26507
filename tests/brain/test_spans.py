"""The spans of a run record: the phases of a message, the parts of its answer, and nothing that is not of a closed set."""

from dataclasses import replace

import pytest

from openclaw_brain.tracing.spans import Names, Span, spans_of
from openclaw_core.store.run_records import RunRecord
from openclaw_core.tasks.timings import Part, Timing, timings_json
from openclaw_core.trace_ids import span_id, trace_id

NAMES = Names(roles={"coder"}, models={"m"}, tools={"web_search"})
TIMINGS = (
    Timing(part=Part.LOAD, at_ms=0, ms=5),
    Timing(part=Part.MODEL, at_ms=10, ms=100, of="m", fault="model_busy"),
    Timing(part=Part.MODEL, at_ms=110, ms=300, of="m", prompt_tokens=10, answer_tokens=2),
    Timing(part=Part.TOOL, at_ms=410, ms=50, of="web_search"),
    Timing(part=Part.HAND_OVER, at_ms=480),
)
RUN = RunRecord(
    task="u1", state="closed", delivery="delivered", role="coder", decision="rule", attempt="1", warm="1", route_ms="40", route_tokens="7",
    admitted_ms="1000000", queued_ms="1000005", released_ms="1000010", ready_ms="1000060", claimed_ms="1000080", attempt_ms="1000080",
    answered_ms="1000580", through_ms="1000580", ended_ms="1000700", timings=timings_json(TIMINGS),
)  # fmt: skip


def spans(run: RunRecord) -> list[Span]:
    return spans_of(run, NAMES, bot_id=7)


def rows(found: list[Span]) -> list[tuple[str, int, int]]:
    """Name, begin after the admission, and how long, in milliseconds."""
    return [(one.name, one.start_ms - 1_000_000, one.end_ms - one.start_ms) for one in found]


def test_a_message_is_one_span_with_its_phases_and_the_parts_of_its_answer() -> None:
    found = spans(RUN)

    assert rows(found) == [
        ("message", 0, 700),
        ("inbox", 0, 5), ("lane", 5, 5), ("route", 10, 50), ("wait for an agent", 60, 20), ("answer", 80, 500), ("deliver", 580, 120),
        ("load", 80, 5), ("chat m", 90, 100), ("chat m", 190, 300), ("execute_tool web_search", 490, 50), ("hand over", 560, 20),
    ]  # fmt: skip
    root, answer = found[0], found[5]
    assert {one.trace for one in found} == {trace_id(7, "u1")}
    assert [one.parent for one in found] == ["", *[root.id] * 6, *[answer.id] * 5]
    assert len({one.id for one in found}) == len(found)
    assert [one.service for one in found] == ["brain"] * 5 + ["agent"] + ["brain"] + ["agent"] * 5
    assert [one.name for one in found if one.calls_out] == ["chat m", "chat m"]


def test_spans_say_what_became_of_the_message_and_of_each_part() -> None:
    root, _, _, route, _, answer, _, _, refused, asked, tool, _ = spans(RUN)

    assert root.attributes == {
        "openclaw.task_id": "u1", "openclaw.role": "coder", "openclaw.decision": "rule", "openclaw.state": "closed",
        "openclaw.delivery": "delivered",
        "openclaw.attempts": 1,
    }  # fmt: skip
    assert route.attributes == {"openclaw.decision": "rule", "openclaw.route_ms": 40, "openclaw.route_tokens": 7}
    assert answer.attributes == {"openclaw.warm": True}
    assert (refused.fault, asked.fault, root.fault) == ("model_busy", "", "")
    assert asked.attributes == {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2,
    }  # fmt: skip
    assert tool.attributes == {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "web_search"}


def test_a_failed_message_says_why() -> None:
    root, *others = spans(replace(RUN, state="failed", cause="model_down"))
    assert (root.fault, root.attributes["openclaw.cause"]) == ("model_down", "model_down")
    assert [one.name for one in others if one.fault] == ["answer", "chat m"]


def test_a_message_that_no_agent_took_ends_in_the_phase_that_it_had_reached() -> None:
    waits = replace(RUN, state="failed", cause="queue_deadline", claimed_ms="", attempt_ms="", timings="", attempt="1")
    assert rows(spans(waits))[4:] == [("wait for an agent", 60, 520), ("deliver", 580, 120)]
    stopped = replace(waits, state="cancelled", cause="", released_ms="", ready_ms="")
    assert rows(spans(stopped)) == [("message", 0, 700), ("inbox", 0, 5), ("lane", 5, 575), ("deliver", 580, 120)]


def test_earlier_attempts_are_one_span_with_the_cause_of_the_last_loss() -> None:
    again = replace(RUN, attempt="2", lost="crash", claimed_ms="1000020")
    found = spans(again)
    assert rows(found)[2:5] == [("lane", 5, 5), ("earlier attempts", 10, 50), ("wait for an agent", 60, 20)]
    assert found[3].attributes == {"openclaw.lost": "crash"}


def test_names_that_are_not_known_stay_out() -> None:
    """An agent that is taken over may have written anything; a removed role is not known either."""
    word = "secret words"
    taken_over = (
        Timing(part=Part.MODEL, at_ms=0, ms=1, of=word, fault=word),
        Timing(part=Part.TOOL, at_ms=0, ms=1, of=word),
    )
    found = spans(replace(RUN, role=word, decision=word, lost=word, timings=timings_json(taken_over)))
    assert "other" in str(found)
    assert word not in str(found)
    assert "secret" not in str(found)


def test_parts_stay_within_the_answer_whatever_an_agent_says_of_them() -> None:
    late = (Timing(part=Part.MODEL, at_ms=400, ms=9_000_000, of="m"), Timing(part=Part.TOOL, at_ms=80_000_000, ms=1))
    found = spans(replace(RUN, timings=timings_json(late)))
    assert rows(found)[-2:] == [("chat m", 480, 100), ("execute_tool ", 580, 0)]


@pytest.mark.parametrize(
    "run",
    [
        RunRecord(),
        replace(RUN, admitted_ms=""),
        replace(RUN, admitted_ms="x"),
        replace(RUN, ended_ms="999999"),
        replace(RUN, task=""),
    ],
)
def test_a_record_without_times_has_no_spans(run: RunRecord) -> None:
    assert spans(run) == []


def test_a_record_of_the_release_before_has_the_phases_that_it_tells_of() -> None:
    before = replace(RUN, released_ms="", attempt_ms="", through_ms="", timings="")
    assert [name for name, _, _ in rows(spans(before))] == [
        "message", "inbox", "lane", "wait for an agent", "answer", "deliver",
    ]  # fmt: skip


def test_ids_have_the_form_of_the_standard_and_differ_by_bot_and_task() -> None:
    ids = {trace_id(1, "u1"), trace_id(2, "u1"), trace_id(1, "u2")}
    assert len(ids) == 3
    assert all(len(bytes.fromhex(one)) == 16 for one in ids)
    assert len(bytes.fromhex(span_id(trace_id(1, "u1"), "message"))) == 8
