"""Records of each release that is read, and what today's code writes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from openclaw_core.store.agent_work import wire
from openclaw_core.store.packing import packed
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import ASSUMED
from openclaw_core.tasks.task import (
    Attachment,
    Task,
    snapshot_digest,
    snapshot_json,
    to_json,
)
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack, Result
from tests.core.store_world import ORDER, USAGE, World

RECORDS = Path(__file__).parents[1] / "fixtures/records"
CURRENT: dict[str, Any] = json.loads((RECORDS / "v4.json").read_text())
TOOLS: dict[str, Any] = json.loads((RECORDS / "v5.json").read_text())
PICTURES: dict[str, Any] = json.loads((RECORDS / "v6.json").read_text())
ALWAYS = {"v", "id", "chat_id", "chat_kind", "user_id", "message_id", "update_id", "lang", "text", "admitted_ms"}
"""Fields of a record that a reader of any release misses where they are left out."""

HEARD = Task(
    id="u8", chat_id=5, chat_kind="private", user_id=9, message_id=42, update_id=8, lang="en", text="", admitted_ms=1764000000000,
    attachments=(Attachment(kind="voice", file_id="v", name="recording.ogg", size_bytes=5),),
    snapshot=replace(ORDER, tools=("browser_search",), temperature=0.4, reasoning_effort="medium"), role="coder",
)  # fmt: skip
READ = replace(
    HEARD, id="u9", message_id=43, update_id=9, text="sum up", quoted="an earlier message", retry_of="u6", thread_id=3,
    attachments=(Attachment(kind="file", file_id="f", name="notes.txt", size_bytes=11),),
)  # fmt: skip
PLAIN = replace(HEARD, id="u10", message_id=44, update_id=10, text="תודה", attachments=())
ALBUM = replace(
    READ, id="u11", message_id=45, update_id=11, text="compare them", forwarded="some", cut=True, retry_of=None, thread_id=None,
    attachments=tuple(Attachment(kind="file", file_id=name, name=f"{name}.txt", size_bytes=9) for name in ("a", "b")),
)  # fmt: skip


SECRET = "0" * 32
OURS = [replace(one, snapshot=None) for one in (HEARD, READ, PLAIN, ALBUM)]
RESULTS: list[Result] = [
    Answered(markdown="**42** שלום", usage=USAGE),
    GaveUp(cause=Cause.MODEL_BUSY),
    HandedBack(),
    PutBack(),
]


def settled(value: dict[str, Any]) -> dict[str, Any]:
    """*value* with times and secrets made equal."""
    text = re.sub(r"\.[0-9a-f]{32}\b", f".{SECRET}", json.dumps(value))
    text = re.sub(r"\.[0-9a-f]{40}\b", f".{'1' * 40}", text)
    again: dict[str, Any] = json.loads(re.sub(r"\b1[789]\d{11}\b", "1764000000000", text))
    return again


async def written(world: World) -> dict[str, Any]:
    """What today's code leaves in Redis: tasks, an order, a run before and after its answer, turns, a Job in each
    state, what is kept in the end.
    """
    script, snapshot = world.script, OURS[0].with_snapshot(HEARD.snapshot or ORDER).snapshot
    assert snapshot is not None
    await world.inbox.set_files_at("http://brain", epoch=world.epoch)
    await world.answered(await world.claimed(replace(PLAIN, id="u7", update_id=7, snapshot=None)), "**Hello**")
    await world.ready(replace(READ, thread_id=None, snapshot=None))
    [name] = await world.pools.ready("p")
    waits = await script.redis.hgetall(script.keys("agent", "run", name))
    run, jobs = await world.claim(), {}
    jobs["claimed"] = await script.read("HGET", script.keys("agent", "jobs", "p"), "job-1")
    assert await world.agent.write(run, "**42**")
    assert await world.agent.end(run, RESULTS[0])
    ended = await script.redis.hgetall(script.keys("agent", "run", name))
    await world.hear()
    await world.displays.reserved("t:u9", 0, 555)
    await world.shown("t:u9")
    created = await world.pools.new_job("p", "agent", epoch=world.epoch)
    jobs["created"] = await script.read("HGET", script.keys("agent", "jobs", "p"), created)
    await world.work(created).check_in()
    jobs["waiting"] = await script.read("HGET", script.keys("agent", "jobs", "p"), created)
    await world.pools.retire("p", created)
    jobs["retired"] = await script.read("HGET", script.keys("agent", "jobs", "p"), created)
    for row in (
        waits,
        ended,
    ):  # the order of fields in a turn, and whether a Job waited for a millisecond, are no part of the agreement
        row["turns"] = json.dumps([json.dumps(json.loads(turn), sort_keys=True) for turn in json.loads(row["turns"])])
    ended["warm"] = "1"
    ended["result"] = json.dumps(
        json.loads(ended["result"]), sort_keys=True, ensure_ascii=False
    )  # Redis' script orders fields by itself
    return settled(
        {
            "tasks": [json.loads(to_json(one)) for one in OURS],
            "order": json.loads(snapshot_json(snapshot)),
            "order_digest": snapshot_digest(snapshot_json(snapshot)),
            "runs": {"waiting": waits, "answered": ended},
            "results": [wire(result) for result in RESULTS],
            "turns": [json.loads(turn) for turn in await script.read("LRANGE", script.keys("turns", 5), 0, -1)],
            "jobs": jobs,
            "kept": await script.redis.hgetall(script.keys("task", "u9")),
        }
    )


def without_assumed(value: Any) -> Any:
    """*value* as our code writes it, which leaves out fields of a run that all readers assume. JSON within it is read too."""
    match value:
        case dict():
            kept = {name: without_assumed(one) for name, one in value.items()}
            return {name: one for name, one in kept.items() if "model" not in value or one != ASSUMED.get(name, value)}
        case list():
            return [without_assumed(one) for one in value]
        case str() if '"counted"' in value:
            return json.dumps(without_assumed(json.loads(value)), sort_keys=True, ensure_ascii=False)
        case _:
            return value


async def laid(world: World, **fields: str) -> str:
    """The run of the file as a brain has handed it over, to be claimed; *fields* are those of another release."""
    name = f"u9.{SECRET}"
    keys = world.script.keys
    row = {**CURRENT["runs"]["waiting"], **fields}
    await world.put(row, "agent", "run", name)
    order = packed(json.dumps({**CURRENT["order"], "style": "terse"}))
    await world.script.read("SET", keys("agent", "order", row["order"], "z"), order)
    await world.script.read("RPUSH", keys("agent", "ready", "p"), name)
    kept = {
        "state": "ready",
        "chat": "5",
        "run_id": name,
        "pool": "p",
        "order": row["order"],
        "role": "coder",
        "record": row["record"],
    }
    await world.put(kept, "task", "u9")
    return name
