"""Brain and agent of two releases side by side, as a rollout has them: records of the one are read by the other, or refused aloud.

`fixtures/records/v1.json` was written by the code of the release before this one, `v2.json` and `v3.json` are what today's code writes. Once that is
out, the file stays as it is: the next release is held against it, and adds a file of its own beside it if it changes records.
"""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from openclaw_agent.delivery import page_from
from openclaw_brain.pool import plan
from openclaw_brain.telling import told
from openclaw_core.errors import BadTask, ChatUnauthorized
from openclaw_core.outcome import Cause
from openclaw_core.ports import Attachment
from openclaw_core.roles import load
from openclaw_core.store import Answers, Notice, Pools, Script
from openclaw_core.store.lanes import turn_from, turn_json
from openclaw_core.store.pools import JobState
from openclaw_core.task import READABLE_VERSIONS, Material, Order, Task, from_json, to_json
from tests.agent.test_answering import Desk
from tests.core.store_world import ORDER, World, task

RECORDS = Path(__file__).parents[1] / "fixtures/records"
PREVIOUS: dict[str, Any] = json.loads((RECORDS / "v1.json").read_text())
PREVIOUS_READS = {1}
CURRENT_READS = {1, 2}
CURRENT: dict[str, Any] = json.loads((RECORDS / "v2.json").read_text())
SEVERAL: dict[str, Any] = json.loads((RECORDS / "v3.json").read_text())

HEARD = Task(
    id="u8", chat_id=5, chat_kind="private", user_id=9, message_id=42, update_id=8, lang="en", text="", admitted_ms=1764000000000,
    materials=(Material(kind="voice", file_id="v", name="recording.ogg", size_bytes=5),),
    order=replace(ORDER, tools=("browser_search",), temperature=0.4, reasoning_effort="medium"), role="coder",
)  # fmt: skip
READ = replace(
    HEARD, id="u9", message_id=43, update_id=9, text="sum up", quoted="an earlier message", retry_of="u6", thread_id=3,
    materials=(Material(kind="file", file_id="f", name="notes.txt", size_bytes=11),),
)  # fmt: skip
PLAIN = replace(HEARD, id="u10", message_id=44, update_id=10, text="תודה", materials=())
ALBUM = replace(
    READ, id="u11", message_id=45, update_id=11, text="compare them", forwarded="some", cut=True, retry_of=None, thread_id=None,
    materials=tuple(Material(kind="file", file_id=name, name=f"{name}.txt", size_bytes=9) for name in ("a", "b")),
)  # fmt: skip
LONG_CODE = "\n".join(str(n) for n in range(51))
ANSWER = f"**Hello**, see [this](https://example.org/):\n\n```python\n{LONG_CODE}\n```"


def test_a_task_of_the_previous_release_is_read_whole() -> None:
    read = from_json(json.dumps(PREVIOUS["task"]))
    assert read == Task(
        id="u7", chat_id=-100500, chat_kind="group", user_id=9, message_id=41, update_id=7, lang="he", text="למה השמיים כחולים?",
        admitted_ms=1764000000000, thread_id=3, role="researcher", quoted="an earlier message",
        order=Order(
            role="researcher", prompt="You answer.", prompt_sha256="ab" * 32, models=("openai/gpt-oss-120b", "openai/gpt-oss-20b"),
            tools=("browser_search",), max_answer_tokens=2500, history_tokens=3500, temperature=0.4, reasoning_effort="medium",
        ),
    )  # fmt: skip
    assert [turn_from(json.dumps(turn)).speaker for turn in PREVIOUS["turns"]] == ["user", "assistant"]


def same_shape(ours: Any, theirs: Any) -> bool:
    """Whether *ours* has all that *theirs* has, of the same JSON types; it may have more."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(name in ours and same_shape(ours[name], theirs[name]) for name in theirs)
    if isinstance(theirs, list):
        return isinstance(ours, list) and all(same_shape(one, theirs[0]) for one in ours if theirs)
    return type(ours) is type(theirs) or ours is None or theirs is None


def test_the_previous_release_reads_our_tasks_and_turns() -> None:
    order = replace(ORDER, tools=("browser_search",), temperature=0.1, reasoning_effort="low")
    ours = json.loads(to_json(replace(task(1), thread_id=3, role="coder", quoted="q").ordered(order)))
    assert ours["v"] in PREVIOUS_READS
    assert same_shape(ours, {**PREVIOUS["task"], "v": 1})
    assert same_shape(json.loads(turn_json(turn_from(json.dumps(PREVIOUS["turns"][0])))), PREVIOUS["turns"][0])


def test_a_task_that_the_previous_release_would_answer_wrongly_is_one_that_it_refuses() -> None:
    ours = json.loads(to_json(replace(task(1), materials=(Material(kind="voice", file_id="v"),))))
    assert ours["v"] not in PREVIOUS_READS
    assert ours["v"] in READABLE_VERSIONS
    assert from_json(json.dumps(ours)).materials == (Material(kind="voice", file_id="v"),)


def test_several_materials_are_for_readers_that_know_of_several() -> None:
    """What is forwarded or cut is no reason for a new version: such a task reads as one without a word of where its words come from."""
    assert json.loads(to_json(ALBUM)) == SEVERAL["tasks"][0]
    assert from_json(json.dumps(SEVERAL["tasks"][0])) == ALBUM
    assert SEVERAL["tasks"][0]["v"] in READABLE_VERSIONS - CURRENT_READS
    alone = replace(ALBUM, materials=ALBUM.materials[:1])
    assert json.loads(to_json(alone))["v"] in CURRENT_READS
    assert from_json(to_json(alone)) == alone


async def written(script: Script) -> dict[str, Any]:
    """What today's code leaves in Redis: a recording and a file answered, a message not, and an agent in each state; times made equal."""
    world = World(script)
    await world.lead()
    desk = Desk(world)
    desk.messenger.uploads.update(v=b"sound", f=b"a few words")
    desk.chat.hears = ["why is the sky blue"]
    desk.chat.script = ["The whole answer.", ANSWER, ChatUnauthorized("401")]
    jobs = {}
    for one in (HEARD, READ, PLAIN):
        claimed = await world.claimed(one)
        jobs["claimed"] = await script.read("HGET", script.keys("jobs", "p"), "job-1")
        await desk.answer(claimed)
    created = await world.pools.new_job("p", "agent", epoch=world.epoch)
    idle = Answers(script, pool="p", job=created)
    jobs["created"] = await script.read("HGET", script.keys("jobs", "p"), created)
    await idle.check_in()
    jobs["waiting"] = await script.read("HGET", script.keys("jobs", "p"), created)
    await world.pools.retire("p", created)
    jobs["retired"] = await script.read("HGET", script.keys("jobs", "p"), created)
    return {
        "tasks": [json.loads(to_json(one)) for one in (HEARD, READ, PLAIN)],
        "turns": [json.loads(turn) for turn in await script.read("LRANGE", script.keys("turns", HEARD.chat_id), 0, -1)],
        "outbox": json.loads(await script.read("HGET", script.keys("task", READ.id), "outbox")),
        "jobs": {state: re.sub(r"\d{13}", "1764000000000", row) for state, row in jobs.items()},
    }


async def test_the_file_for_the_next_release_is_what_our_code_writes(script: Script) -> None:
    ours = await written(script)
    assert (ours["tasks"], ours["jobs"]) == (CURRENT["tasks"], CURRENT["jobs"])
    for name in ("turns", "outbox"):  # their words are no part of the agreement
        assert same_shape(ours[name], CURRENT[name]), name
        assert same_shape(CURRENT[name], ours[name]), name


async def test_what_our_code_writes_it_reads_whole(script: Script) -> None:
    assert [from_json(json.dumps(one)) for one in CURRENT["tasks"]] == [HEARD, READ, PLAIN]
    assert [one["v"] for one in CURRENT["tasks"]] == [2, 2, 1]
    turns = [turn_from(json.dumps(turn)) for turn in CURRENT["turns"]]
    assert [(turn.task_id, turn.speaker, turn.role, turn.note) for turn in turns] == [
        ("u8", "user", "", ""),
        ("u8", "assistant", "coder", ""),
        ("u9", "user", "", ""),
        ("u9", "assistant", "coder", ""),
        ("u10", "user", "", "failed"),
    ]
    assert [turn.text for turn in turns[:2]] == ["why is the sky blue", "The whole answer."]
    outbox = CURRENT["outbox"]
    read = [asdict(page_from(row)) for row in outbox["pages"]], [asdict(Attachment(**row)) for row in outbox["files"]]
    assert json.loads(json.dumps(read)) == [outbox["pages"], outbox["files"]]
    assert {mark["type"] for page in outbox["pages"] for mark in page["entities"]} == {"bold", "text_link", "pre"}
    await script.read("HSET", script.keys("jobs", "p"), *[part for pair in CURRENT["jobs"].items() for part in pair])
    states = await Pools(script).jobs("p")
    assert {name: job.state for name, job in states.items()} == {name: name for name in CURRENT["jobs"]}
    assert states["claimed"].task_id == "u10"


def test_fields_of_the_next_release_are_dropped_and_its_new_versions_refused_without_the_users_words() -> None:
    later = {**PREVIOUS["task"], "mood": "good", "order": {**PREVIOUS["task"]["order"], "style": "terse"}}
    assert from_json(json.dumps(later)) == from_json(json.dumps(PREVIOUS["task"]))
    with pytest.raises(BadTask) as refused:
        from_json(json.dumps({**later, "v": max(READABLE_VERSIONS) + 1}))
    assert "השמיים" not in str(refused.value)
    assert turn_from(json.dumps({**PREVIOUS["turns"][0], "mood": "good"})).text == "hello"
    [page] = PREVIOUS["outbox"]["pages"]
    later = {**page, "mood": "good", "entities": [{**page["entities"][0], "mood": "good"}]}
    assert page_from(later) == page_from(page)


async def test_a_task_that_the_previous_brain_left_ready_is_claimed_answered_and_closed(script: Script) -> None:
    world = World(script)
    await world.lead()
    record = {**PREVIOUS["task"], "id": "u7", "chat_id": 1}
    fields = {
        "state": "ready", "record": json.dumps(record), "chat": "1", "chat_kind": "group", "lang": "he", "thread": "3", "message_id": "41", "user": "9",
        "admitted_ms": "1", "queued_ms": "2", "attempt": "0", "tries": "0", "handbacks": "0", "released_ms": "3", "generation": "0", "pool": "p",
        "role": "researcher", "decision": "rule", "route_ms": "1", "route_tokens": "0", "ready_ms": "4",
    }  # fmt: skip
    await script.read("HSET", script.keys("task", "u7"), *[part for pair in fields.items() for part in pair])
    for command, key, value in (("RPUSH", "ready:p", "u7"), ("SADD", "released", "u7"), ("SET", "busy:1", "u7")):
        await script.read(command, script.keys(key), value)
    claimed = await world.agent.claim()
    assert claimed is not None
    await world.agent.answered(claimed, PREVIOUS["outbox"], {"model": "m"})
    again = await world.agent.parts(claimed, 2)
    assert again == ["", ""]
    await world.agent.give_up(claimed, Cause.INTERNAL)
    assert await world.lanes.running_in(1) is None


def test_a_cause_of_the_next_release_is_told_all_the_same() -> None:
    roles = load(Path(__file__).parents[2] / "platform/openclaw/base")
    notice = Notice(
        key="fail:u1",
        chat_id=1,
        kind="failed",
        args={"cause": "moon_phase", "task": "u1"},
        lang="en",
        thread_id=None,
        reply_to=None,
    )
    page, [[button]] = told(notice, roles)
    assert "Something went wrong on my side" in page.text
    assert button.data == "retry:u1"


async def test_a_record_that_cannot_be_read_ends_its_task_and_is_told(script: Script) -> None:
    world = World(script)
    await world.lead()
    await world.ask(task(1))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    await world.dispatch(task(1))
    await script.read("HSET", script.keys("task", "u1"), "record", json.dumps({**PREVIOUS["task"], "v": 99}))
    with pytest.raises(BadTask):
        await world.agent.claim()
    await world.agent.give_up_unreadable()
    [notice] = await world.notices.waiting()
    assert (notice.kind, notice.args["cause"]) == ("failed", "bad_task")


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ("created 1764000000000", JobState(state="created", since_ms=1764000000000)),
        ("waiting 1764000000000", JobState(state="waiting", since_ms=1764000000000)),  # without since when it waits
        ("waiting 1764000000000 1763999999000", JobState(state="waiting", since_ms=1764000000000)),
        ("claimed u7", JobState(state="claimed", task_id="u7")),
        ("retired 1764000000000", JobState(state="retired", since_ms=1764000000000)),
    ],
)
async def test_what_an_agent_of_the_previous_release_wrote_of_itself_is_read_and_gone_on_from(
    script: Script, row: str, state: JobState
) -> None:
    pools, agent = Pools(script), Answers(script, pool="p", job="j")
    await script.read("HSET", script.keys("jobs", "p"), "j", row)
    assert await pools.jobs("p") == {"j": state}
    assert await agent.check_in() is (state.state != "retired")


def test_a_state_of_the_next_release_is_an_agent_that_waits_for_its_time_and_is_then_forgotten() -> None:
    jobs = {"j": JobState(state="napping", since_ms=1000)}
    young, old = (plan(jobs, alive=frozenset(), ready=0, warm=1, cap=9, now_ms=now) for now in (2000, 100_000))
    assert (young.create, young.forget) == (0, ())
    assert (old.create, old.forget) == (1, ("j",))
