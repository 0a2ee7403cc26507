"""What an agent measures of a run, and how it is written and read."""

import json

import pytest

from openclaw_core.ports import LimitsLeft, Usage
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.timings import DAY_MS, PARTS_MAX, Part, Stopwatch, Timing, timings_from, timings_json
from tests.fakes.time import FakeTime

ASKED = Timing(
    part=Part.MODEL, at_ms=12, ms=900, of="m", fault="model_busy", prompt_tokens=10, answer_tokens=2, requests_left=0, tokens_left=100,
)  # fmt: skip


def test_parts_are_timed_from_the_claim() -> None:
    time = FakeTime()
    watch = Stopwatch(began_s=time.clock(), clock=time.clock)
    time.now_s += 0.25
    with watch.part(Part.FILES):
        time.now_s += 1.5
    since_s = time.clock()
    time.now_s += 0.1
    watch.asked("m", since_s, Usage(prompt_tokens=10, answer_tokens=2), LimitsLeft(requests=0), Cause.MODEL_BUSY)

    assert watch.timings == [
        Timing(part=Part.FILES, at_ms=250, ms=1500),
        Timing(
            part=Part.MODEL,
            at_ms=1750,
            ms=100,
            of="m",
            fault="model_busy",
            prompt_tokens=10,
            answer_tokens=2,
            requests_left=0,
        ),
    ]


def test_a_part_that_fails_is_timed_and_its_error_goes_on() -> None:
    watch = Stopwatch(began_s=0, clock=lambda: 0)
    with pytest.raises(ValueError, match="no"), watch.part(Part.FILES):
        raise ValueError("no")
    assert [one.part for one in watch.timings] == [Part.FILES]


def test_a_part_that_is_done_again_is_noted_once() -> None:
    watch = Stopwatch(began_s=0, clock=lambda: 0)
    build = watch.once(Part.PROMPT, lambda model: f"for {model}")
    assert [build("a"), build("b")] == ["for a", "for b"]
    assert [one.part for one in watch.timings] == [Part.PROMPT]


def test_no_run_has_more_parts_than_are_kept() -> None:
    watch = Stopwatch(began_s=0, clock=lambda: 0)
    for _ in range(PARTS_MAX + 5):
        watch.took(Part.TOOL, 0, of="look")
    all_parts = watch.handed_over()
    assert len(all_parts) == PARTS_MAX
    assert all_parts[-1].part is Part.HAND_OVER
    assert timings_from(timings_json(all_parts)) == all_parts


def test_timings_are_read_as_they_were_written_without_empty_fields() -> None:
    loaded = Timing(part=Part.LOAD, at_ms=0)
    stored = timings_json([loaded, ASKED])
    assert json.loads(stored)[0] == ["load", 0]
    assert timings_from(stored) == (loaded, ASKED)
    assert timings_from("") == ()


@pytest.mark.parametrize(
    "row",
    [
        7,
        {},
        [],
        ["model"],
        {"part": "model", "at_ms": 0},
        ["newer", 0],
        ["model", -1],
        ["model", 1.5],
        ["model", True],
        ["model", DAY_MS + 1],
        ["model", 0, 0, 7],
        ["model", 0, 0, "x" * 101],
        ["model", 0, 0, "m", ["x"]],
        ["model", 0, 0, "m", "", 1, 1, 101],
        ["model", 0, 0, "m", "", 1, 1, 5, "all"],
    ],
)
def test_a_part_that_cannot_be_read_is_left_out(row: object) -> None:
    good = json.loads(timings_json([ASKED]))
    assert timings_from(json.dumps([row, *good])) == (ASKED,)


@pytest.mark.parametrize("stored", ["{", "7", "{}", "null", '"x"', "[" * 2000])
def test_what_is_no_list_has_no_parts(stored: str) -> None:
    assert timings_from(stored) == ()


def test_fields_of_a_newer_release_are_dropped() -> None:
    assert timings_from('[["load",3,0,"","",0,0,null,null,{"x":1}]]') == (Timing(part=Part.LOAD, at_ms=3),)
