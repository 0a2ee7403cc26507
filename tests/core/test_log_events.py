"""An event is one line with its fields, those bound at the door among them."""

import asyncio
import subprocess
import sys

import pytest

from openclaw_core import logs
from tests.core.log_lines import Read, read

__all__ = ["read"]


def test_an_event_is_one_line_of_json_with_its_fields(read: Read) -> None:
    logs.get("openclaw_brain.agents.pool").info(
        "job.created", job="agent-1", took_s=0.1, roles=("a", "b"), cost=float("nan")
    )

    (line,) = read()
    assert line["at"].endswith("Z")
    del line["at"]
    assert line == {
        "level": "info",
        "service": "test",
        "event": "job.created",
        "logger": "openclaw_brain.agents.pool",
        "job": "agent-1",
        "took_s": 0.1,
        "roles": ["a", "b"],
        "cost": "nan",
    }


def test_a_field_cannot_replace_what_every_line_has(read: Read) -> None:
    logs.get("x").info("y", level="mine")

    (line,) = read()
    assert (line["level"], line["level_"]) == ("info", "mine")


def test_fields_bound_at_the_door_are_in_each_event_of_that_task_alone(read: Read) -> None:
    log = logs.get("x")

    async def work(task_id: str) -> None:
        logs.bind(task_id=task_id)
        await asyncio.sleep(0)
        log.info("work.done")

    async def main() -> None:
        await asyncio.gather(work("u1"), work("u2"))
        log.info("main.done")

    asyncio.run(main())

    assert [line.get("task_id") for line in read()] == ["u1", "u2", None]


def test_bound_fields_end_with_their_block(read: Read) -> None:
    log = logs.get("x")
    with logs.bound(task_id="u1"), logs.bound(role="coder"):
        log.info("inside")
    log.info("outside")

    inside, outside = read()
    assert (inside["task_id"], inside["role"]) == ("u1", "coder")
    assert "task_id" not in outside


def test_levels_below_the_configured_one_are_silent(read: Read) -> None:
    logs.configure("WARNING", service="test")
    logs.get("x").info("too.much")

    assert read() == []


def test_events_of_a_task_carry_the_id_of_its_trace(read: Read) -> None:
    logs.configure("INFO", service="test", trace_of=lambda task: f"trace of {task}")
    log = logs.get("a.module")
    with logs.bound(task_id="u1"):
        log.info("task.claimed")
    log.info("display.shown", display="t:u2")
    log.info("display.shown", display="n:start:1")
    log.info("leader.taken")

    assert [line.get("trace_id") for line in read()] == ["trace of u1", "trace of u2", None, None]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        logs.configure("loud", service="x")


def test_logging_loads_the_standard_library_only() -> None:
    listed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, openclaw_core.logs; print({'structlog', 'rich', 'pydantic'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert listed.stdout.strip() == "set()"
