"""Brain and agent of two releases side by side, as a rollout has them: records of the one are read by the other, or refused with an error.

`fixtures/records/v4.json` was written by the release before, and is what today's code writes but for `ASSUMED` fields
of a run; `v5.json` is what it adds for roles with tools, `v6.json` what it adds for pictures. A release that changes
records adds a file of its own beside them, is held against all, and deletes the files of releases before the one before
it.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from openclaw_brain.agents.plan import plan
from openclaw_core.chat.delivery.notices import notice_page
from openclaw_core.errors import BadTask
from openclaw_core.store import Pools
from openclaw_core.store.pools import JobState
from openclaw_core.store.run_steps import status_from, status_json, step_json, steps_from
from openclaw_core.store.turns import turn_from
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import Doing, ReadPages, Status
from openclaw_core.tasks.task import (
    READABLE_VERSIONS,
    Attachment,
    from_json,
    read_snapshot,
    snapshot_json,
    to_json,
)
from openclaw_core.tasks.work import HandedBack, Run
from openclaw_core.texts import wording
from tests.core.release_records import (
    ALBUM,
    ALWAYS,
    CURRENT,
    HEARD,
    OURS,
    PICTURES,
    READ,
    SECRET,
    TOOLS,
    laid,
    without_assumed,
    written,
)
from tests.core.store_world import ORDER, World, completed_step, task


def same_shape(ours: Any, theirs: Any) -> bool:
    """Whether what *ours* has of *theirs* is of the same JSON types."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(
            same_shape(ours[name], theirs[name]) for name in theirs.keys() & ours.keys()
        )
    if isinstance(theirs, list):
        return isinstance(ours, list) and all(same_shape(one, theirs[0]) for one in ours if theirs)
    return type(ours) is type(theirs) or ours is None or theirs is None


def test_only_what_says_something_stands_in_a_record() -> None:
    assert json.loads(to_json(task(1))).keys() == ALWAYS
    whole = replace(ALBUM, unseen="photo", notice_lang="he", retry_of="u6", thread_id=3, snapshot=None)
    assert json.loads(to_json(whole)).keys() - ALWAYS == {
        "thread_id", "role", "quoted", "material", "materials", "forwarded", "cut", "unseen", "notice_lang", "retry_of",
    }  # fmt: skip
    assert from_json(to_json(whole)) == whole


def test_several_materials_are_for_readers_that_know_of_several() -> None:
    """What is forwarded or cut is no reason for a new version: such a task reads as one without a word of where its words come from."""
    assert json.loads(to_json(ALBUM))["v"] == 3
    alone = replace(ALBUM, attachments=ALBUM.attachments[:1], snapshot=None)
    assert json.loads(to_json(alone))["v"] == 2
    assert from_json(to_json(alone)) == alone


def test_how_long_a_recording_is_stands_in_a_record_where_it_is_known_and_needs_no_new_version() -> None:
    heard = replace(HEARD, snapshot=None)
    known = replace(heard, attachments=(replace(heard.attachments[0], seconds=7),))
    assert "seconds" not in json.loads(to_json(heard))["material"]
    assert json.loads(to_json(known))["material"]["seconds"] == 7
    assert json.loads(to_json(known))["v"] == json.loads(to_json(heard))["v"]
    assert from_json(to_json(known)) == known


# ---- what today's code writes


async def test_the_file_for_the_next_release_is_what_our_code_writes(world: World) -> None:
    assert await written(world) == without_assumed(CURRENT)


def test_the_file_has_each_kind_of_result() -> None:
    assert {result["kind"] for result in CURRENT["results"]} == {"answered", "gave_up", "handed_back", "put_back"}


async def test_what_our_code_writes_it_reads_whole(world: World) -> None:
    assert [from_json(json.dumps(one)) for one in CURRENT["tasks"]] == OURS
    assert [one["v"] for one in CURRENT["tasks"]] == [2, 2, 1, 3]
    assert read_snapshot(CURRENT["order"]) == HEARD.snapshot
    turns = [turn_from(json.dumps(turn)) for turn in CURRENT["turns"]]
    assert [(turn.task_id, turn.speaker, turn.role, turn.text) for turn in turns] == [
        ("u7", "user", "", "תודה"), ("u7", "assistant", "coder", "**Hello**"), ("u9", "user", "", "sum up"),
        ("u9", "assistant", "coder", "**42** שלום"),
    ]  # fmt: skip
    await world.put(CURRENT["jobs"], "agent", "jobs", "p")
    states = await Pools(world.script).jobs("p")
    assert {name: job.state for name, job in states.items()} == {name: name for name in CURRENT["jobs"]}
    assert states["claimed"].task_id == "u9"


async def test_a_run_of_the_release_before_and_of_the_next_one_is_claimed_and_its_result_is_carried_out(
    world: World,
) -> None:
    name = await laid(world, mood="good")
    run = await world.claim()
    assert isinstance(run, Run)
    assert (run.name, run.task, run.snapshot) == (name, replace(READ, thread_id=None, snapshot=None), HEARD.snapshot)
    assert [turn.text for turn in run.history] == ["תודה", "**Hello**"]
    result = {**CURRENT["results"][0], "mood": "good"}
    await world.agents.step(
        "finish", run=name, job="job-1", pool="p", last=False, never_started=False, answers=True, result=result
    )
    await world.hear()
    assert await world.displays.answer("t:u9") == "**42** שלום"
    assert await world.field("u9", "state") == "answered"


@pytest.mark.parametrize("result", CURRENT["results"], ids=lambda result: str(result["kind"]))
async def test_each_result_of_the_file_is_carried_out(world: World, result: dict[str, Any]) -> None:
    name = await laid(world)
    await world.claim()
    await world.agents.step("finish", run=name, job="job-1", pool="p", last=False, never_started=False, result=result)
    await world.hear()
    wanted = {"answered": "answered", "gave_up": "failed"}.get(result["kind"], "ready")
    assert await world.field("u9", "state") == wanted


# ---- roles with tools

WITH_TOOLS = replace(ORDER, functions=("web_search", "open_page"), max_steps=4, results_tokens=9000)
SEARCHING = Status(doing=Doing.SEARCHING, subject="אור", n=1)
READING_STEP = replace(
    completed_step(1), results=(replace(completed_step(1).results[0], pages=(), read=(ReadPages(document=1, first=1, last=4),)),)
)  # fmt: skip
REPORT = replace(
    READ, snapshot=None, attachments=(Attachment(kind="document", file_id="d", name="report.pdf", size_bytes=12),)
)


def test_the_file_for_the_next_release_has_what_our_code_adds_for_tools() -> None:
    assert {
        "order": json.loads(snapshot_json(WITH_TOOLS)),
        "step": json.loads(step_json(completed_step(1))),
        "status": json.loads(status_json(SEARCHING)),
        "task": json.loads(to_json(REPORT)),
        "read": json.loads(step_json(READING_STEP)),
    } == TOOLS
    assert from_json(json.dumps(TOOLS["task"])) == REPORT
    assert steps_from(json.dumps(TOOLS["read"])) == (READING_STEP,)
    assert read_snapshot(TOOLS["order"]) == WITH_TOOLS
    assert steps_from(json.dumps(TOOLS["step"])) == (completed_step(1),)
    assert status_from(json.dumps(TOOLS["status"])) == SEARCHING


def test_a_task_with_a_document_is_refused_by_releases_that_would_take_it_for_text() -> None:
    assert TOOLS["task"]["v"] == 4
    assert TOOLS["task"]["v"] in READABLE_VERSIONS
    assert not [one for one in CURRENT["tasks"] if one["v"] == 4]
    both = replace(REPORT, attachments=(*READ.attachments, *REPORT.attachments))
    assert json.loads(to_json(both))["v"] == 4
    assert from_json(to_json(both)) == both


def test_a_release_before_reads_a_role_with_tools_as_one_without() -> None:
    """It knows no other fields than those of v4, and asks for none of our tools as for one of the server's."""
    known = {name: value for name, value in TOOLS["order"].items() if name in CURRENT["order"]}
    assert known.keys() == CURRENT["order"].keys()
    assert same_shape(known, CURRENT["order"])
    assert read_snapshot(known) == ORDER
    assert known["tools"] == []


# ---- pictures

SEEING = replace(ORDER, seeing=("m",))
LOOKED_AT = replace(
    READ, snapshot=None, attachments=(Attachment(kind="picture", file_id="p", size_bytes=12), *REPORT.attachments)
)


def test_the_file_for_the_next_release_has_what_our_code_adds_for_pictures() -> None:
    assert {"order": json.loads(snapshot_json(SEEING)), "task": json.loads(to_json(LOOKED_AT))} == PICTURES
    assert from_json(json.dumps(PICTURES["task"])) == LOOKED_AT
    assert read_snapshot(PICTURES["order"]) == SEEING


def test_a_task_with_a_picture_is_refused_by_releases_that_would_take_it_for_text() -> None:
    assert PICTURES["task"]["v"] == 5
    assert PICTURES["task"]["v"] in READABLE_VERSIONS
    assert not [one for one in (*CURRENT["tasks"], TOOLS["task"]) if one["v"] == 5]


def test_a_release_before_reads_a_role_that_sees_as_one_that_does_not() -> None:
    known = {name: value for name, value in PICTURES["order"].items() if name in CURRENT["order"]}
    assert known.keys() == CURRENT["order"].keys()
    assert read_snapshot(known) == ORDER


# ---- both, side by side


async def test_a_run_with_steps_is_gone_on_with_and_one_of_the_release_before_begins_at_the_first(world: World) -> None:
    line = json.dumps(TOOLS["step"]) + "\n"
    await laid(world, steps=line, status=json.dumps(TOOLS["status"]))
    run = await world.claim()
    assert run.steps == (completed_step(1),)
    assert await world.agent.step(run, 2, completed_step(2))
    await world.end(run, HandedBack())
    assert len((await world.claim()).steps) == 2


async def test_steps_of_the_next_release_are_done_again(world: World) -> None:
    await laid(world, steps=json.dumps({**TOOLS["step"], "v": 2}) + "\n")
    run = await world.claim()
    assert run.steps == ()
    assert await world.agent.step(run, 1, completed_step(1))


def test_fields_of_the_next_release_are_dropped_and_its_new_versions_refused_without_the_users_words() -> None:
    later = {**CURRENT["tasks"][2], "mood": "good"}
    assert from_json(json.dumps(later)) == OURS[2]
    with pytest.raises(BadTask) as refused:
        from_json(json.dumps({**later, "v": max(READABLE_VERSIONS) + 1}))
    assert "תודה" not in str(refused.value)
    assert turn_from(json.dumps({**CURRENT["turns"][0], "mood": "good"})).text == "תודה"
    assert read_snapshot({**CURRENT["order"], "mood": "good"}) == HEARD.snapshot


async def test_a_cause_of_the_next_release_is_told_all_the_same(world: World) -> None:
    await laid(world)
    run = await world.claim()
    await world.run_fields(run, result='{"kind":"gave_up","cause":"moon_phase"}')
    await world.news.adopt([run.name], epoch=world.epoch)
    assert (await world.opened("t:u9")).cause is Cause.INTERNAL
    notice = {
        "op": "notice",
        "key": "k",
        "kind": "pool_wait",
        "chat": "1",
        "lang": "en",
        "args": {"cause": "moon_phase"},
    }
    await world.effects(notice)
    page, _ = notice_page((await world.notices())[0], None)
    assert page.text == wording.pool_wait(Cause.INTERNAL, "en")


async def test_a_kind_of_notice_of_the_next_release_is_told_as_unknown(world: World) -> None:
    await world.effects({"op": "notice", "key": "k", "kind": "moon", "chat": "1", "lang": "en"})
    page, buttons = notice_page((await world.notices())[0], None)
    assert page.text
    assert buttons == ()


async def test_a_record_that_cannot_be_read_ends_its_task_and_is_told(world: World) -> None:
    await laid(world, record=json.dumps({**CURRENT["tasks"][1], "v": 99}))
    assert await world.agent.claim() is None
    await world.hear()
    assert (await world.opened("t:u9")).cause is Cause.BAD_TASK


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ("created 1764000000000", JobState(state="created", since_ms=1764000000000)),
        ("waiting 1764000000000", JobState(state="waiting", since_ms=1764000000000)),  # without since when it waits
        ("waiting 1764000000000 1763999999000", JobState(state="waiting", since_ms=1764000000000)),
        (f"claimed u7.{SECRET}", JobState(state="claimed", task_id="u7", run=f"u7.{SECRET}")),
        ("retired 1764000000000", JobState(state="retired", since_ms=1764000000000)),
    ],
)
async def test_what_an_agent_of_another_release_wrote_of_itself_is_read_and_gone_on_from(
    world: World, row: str, state: JobState
) -> None:
    await world.script.read("HSET", world.script.keys("agent", "jobs", "p"), "job-1", row)
    assert await world.pools.jobs("p") == {"job-1": state}
    assert await world.agent.check_in() is (state.state != "retired")


def test_a_state_of_the_next_release_is_an_agent_that_waits_for_its_time_and_is_then_forgotten() -> None:
    jobs = {"j": JobState(state="napping", since_ms=1000)}
    young, old = (plan(jobs, alive=frozenset(), ready=0, warm=1, cap=9, now_ms=now) for now in (2000, 100_000))
    assert (young.create, young.forget) == (0, ())
    assert (old.create, old.forget) == (1, ("j",))
