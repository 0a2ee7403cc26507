"""A brain whose store holds what nobody of us wrote: every loop goes on, and whoever writes next is served.

Each case puts something unreadable into one key or field, beside the rows of a chat that has a task in every state. The loops of a leader
run all the while; none may end.
"""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from openclaw_core.chat.delivery import sending
from openclaw_core.store import Leadership, Script
from openclaw_core.tasks.task import to_json
from tests.brain.damaged_store import RUNS, VICTIM, Leader, command, notice, presses
from tests.core.store_world import task


@pytest.fixture
async def leader(script: Script, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Leader]:
    really = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: really(min(seconds, 0.02)))  # pauses after a fault
    monkeypatch.setattr(sending, "FAULT_PAUSE_S", 0.02)
    leader = Leader(script=script, epoch=await Leadership(script).take_lead("me", ttl_s=600))
    async with leader.leading():
        yield leader


DEEP = "[" * 5000 + "]" * 5000
ENTRIES = [
    *(("XADD", stream, "*", "j", j, "at", at) for stream in ("inbox", "control") for j, at in (("no JSON", "1"), ("[]", "1"), ("5", "x"), (DEEP, "1"), ('{"update_id":"x","message":{"chat":5}}', "1"))),
    ("XADD", "inbox", "*", "other", "field"), ("XADD", "control", "*", "other", "field"),
    *(("RPUSH", queue, row) for queue in ("signs",) for row in ("no JSON", "{}", "[]", "5", '{"chat":"x","message_id":"y"}', '{"task":"u4","part":"abc"}', '{"task":"u4","part":{}}', '{"id":[]}')),
    *(("ZADD", "open", "1", display) for display in ("n:gone", "t:ghost", "garbage", "t:", "n:", "", "x:u1")),
    *(("ZADD", "again", "1", display) for display in ("n:gone", "t:ghost", "garbage", "t:u3", "t:u4")),
    ("ZADD", "ended", "1", "ghost"), ("ZADD", "ended", "1", "u3"),
    *(("RPUSH", "agent:news", run) for run in ("ghost", "", "u1", "ghost.00", f"u2.{'0' * 32}", RUNS[2], RUNS[3], RUNS[5], "u3.x", "*", DEEP)),
    ("SADD", "released", "ghost"), ("ZADD", "agent:leases", "1", "ghost"), ("ZADD", "agent:leases", "1", "ghost.00"),
    ("ZADD", "waiting.since", "1", "ghost"), ("RPUSH", "ring", "ghost"), ("RPUSH", "lane:1", "ghost"),
    ("RPUSH", "agent:ready:POOL", "ghost"), ("RPUSH", "agent:ready:POOL", "ghost.00"),
    ("SADD", "pools", "no pool"),
    *(("HSET", "agent:jobs:POOL", "ghost", state) for state in ("garbage", "claimed", "waiting x y", "claimed ghost", f"claimed {RUNS[3]}", "retired x", "created")),
    ("HSET", "templates", "agent", "garbage"), ("HSET", "templates", "agent", "{}"),
    ("HSET", "counts", "admitted:inbox", "x", "tokens", "y", "lost", "1", "delivery", "2", "tokens:coder", "1"),
    ("HSET", "outcomes", "closed:", "x"), ("HSET", "prices", "m", "x y z"), ("HSET", "prices", "m", ""),
    ("HSET", "budget.limits", "user:day:tokens", "x", "x", "y"), ("ZADD", "budget.reserved", "9e15", "x"),
    ("HSET", "spent:all", "day", "x"), ("XADD", "runs", "*", "x", "y"),
    ("RPUSH", "turns:1", "garbage"), ("RPUSH", "turns:1", "5"), ("LPUSH", "turns:1", '{"task_id":5}'),
    ("SET", "busy:1", "ghost"), ("SET", "next_role:1", "no role"),
    ("HSET", "chat:1", "generation", "x", "lang", "x", "last_task", "x", "last_role", "x"), ("SET", "offset", "x"),
    ("SET", "job.counter", "x"), ("SET", "release.turn", "x"),
    ("HSET", "moved", "-5", "x"), ("SET", "changes", "x"), ("SET", "order", "x"), ("SET", "files.at", "x"),
    ("SET", "canaries", "x"), ("SET", "stop:1", "x"), ("SET", "episode:wait:1", "x"), ("SET", "act:1", "x"),
]  # fmt: skip
NOTICES = [
    notice("failed", "no JSON"), notice("failed", "{}"), notice("failed", '{"cause":5,"task":[]}'),
    notice("pool_wait", "{}"), notice("full", '{"cap":"x"}'),
    notice("too_large", "{}"), notice("stopped", '{"stopped":"x"}'), notice("status", '{"waiting":"x"}'),
    notice("role_chosen", "{}"), notice("refused", "{}"),
    notice("unsupported", "{}"), notice("usage", "{}"),
    notice("usage", '{"rows":[["user","day","x",1,2]],"next_day":1,"next_month":1}'),
    notice("budget_nearly", '{"scope":"x"}'), notice("canary", "{}"),
    notice("canary", '{"rows":[{"role":"coder","state":"good"}]}'), notice("canary", '{"rows":5}'),
    notice("new", "{}", chat="x"), notice("new", "{}", thread="x"), notice("new", "{}", reply_to="x"),
    notice("new", "{}", lang="x"),
    notice("failed", '{"cause":"crash","task":"u5"}', order="x"), notice("new", "{}", slot0="x"),
    notice("new", "{}", part0="x", replaced="x"), notice("new", "[]"), notice("new", DEEP),
]  # fmt: skip


@pytest.mark.parametrize("part", range(4))
async def test_an_entry_that_nobody_can_read_is_skipped(leader: Leader, part: int) -> None:
    for entry in ENTRIES[part::4]:
        await leader.victim()
        await command(*entry)(leader)
        await leader.serves()


async def test_a_text_with_numbers_of_another_hand_holds_up_no_other(leader: Leader) -> None:
    for spoil in NOTICES:
        await leader.victim()
        await spoil(leader)
        await leader.serves()
        async with asyncio.timeout(30):
            while await leader.script.read("ZSCORE", leader.script.keys("open"), "n:bad") is not None:
                await asyncio.sleep(0.02)


FIELDS = [
    "state", "record", "chat", "chat_kind", "lang", "message_id", "user", "admitted_ms", "attempt", "tries",
    "handbacks", "pool", "job", "role", "ready_ms",
    "attempt_ms", "slot0", "part0", "generation", "next_role", "run", "run_id", "order", "reserved", "day", "month",
    "spent_tokens", "asked_model", "asked_tokens", "budget", "budget_wait", "route_micro_usd", "recording_micro_usd",
    "tokens", "micro_usd", "order_n", "more_n", "not_before_ms", "cause", "delivery", "replaced", "thread",
]  # fmt: skip
RECORDS = [
    "{}", "5", DEEP, to_json(task(999)),
    *(json.dumps({**json.loads(to_json(task(n))), name: value}) for n in (1,) for name, value in (("chat_id", "x"), ("text", 5), ("lang", "xx"), ("order", []), ("order", {"role": 5}), ("material", 5), ("thread_id", "x"))),
]  # fmt: skip


@pytest.mark.parametrize("part", range(4))
async def test_a_field_of_a_task_that_is_garbage_costs_nobody_else_an_answer(leader: Leader, part: int) -> None:
    values = [(field, "garbage") for field in FIELDS] + [("record", record) for record in RECORDS]
    for name, value in values[part::4]:
        await leader.victim()
        for n in range(1, 7):
            await command("HSET", f"task:u{n}", name, value)(leader)
        await leader.serves()


RUN_FIELDS = [
    "record",
    "order",
    "turns",
    "attempt",
    "ready_ms",
    "job",
    "claimed_ms",
    "warm",
    "first_text_ms",
    "text",
    "result",
    "said",
    "more",
    "asks",
    "files_at",
]


@pytest.mark.parametrize("part", range(2))
async def test_a_field_of_a_run_that_its_agent_spoils_costs_nobody_else_an_answer(leader: Leader, part: int) -> None:
    for name in RUN_FIELDS[part::2]:
        await leader.victim()
        for n in (2, 3):
            await command("HSET", f"agent:run:{RUNS[n]}", name, "garbage")(leader)
            await command("RPUSH", "agent:news", RUNS[n])(leader)
        await leader.serves()


KEYS = [
    "task:u1", "task:u2", "task:u3", "task:u4", "task:u5", "task:u6", "lane:1", "turns:1", "busy:1", "chat:1",
    "next_role:1", "notice:bad", "answer:u4",
    f"agent:run:{RUNS[2]}", f"agent:run:{RUNS[3]}", "agent:ready:POOL", "agent:wake:POOL", "agent:jobs:POOL", "agent:news", "agent:leases",
    "inbox", "control", "ring", "ring.members", "released", "waiting.since", "signs", "open", "again", "ended",
    "changes", "order", "files.at",
    "templates", "counts", "outcomes", "prices", "budget.limits", "budget.reserved", "spent:all", "spent:chat:1",
    "runs", "pools", "job.counter", "release.turn", "offset", "moved",
]  # fmt: skip


@pytest.mark.parametrize("part", range(4))
async def test_a_key_of_another_type_is_put_right(leader: Leader, part: int) -> None:
    for key in KEYS[part::4]:
        await leader.victim()
        await leader._open("n:bad")
        other = "SADD" if key in ("inbox", "control", "runs") else "XADD"
        put = "redis.call('DEL', KEYS[1]) redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))"
        name = leader.script.keys(key.replace("POOL", leader.rollout.current("agent")))
        await leader.script.read("EVAL", put, 1, name, other, *(("x",) if other == "SADD" else ("*", "x", "y")))
        await leader.serves()
        whole_bots = ":" not in key or key.endswith("POOL")
        async with asyncio.timeout(30):
            while whole_bots and await leader.kind(key) == ("set" if other == "SADD" else "stream"):
                await asyncio.sleep(0.02)


async def test_a_press_that_asks_for_no_part_of_a_file_ends_nothing(leader: Leader) -> None:
    await leader.victim()
    for n, data in enumerate(
        (
            "file:u4:abc",
            "file:u4:",
            "file:u4:-1",
            "file:u4:9" + "9" * 40,
            "file::1",
            "stop:",
            "retry:x",
            "role:x",
            "lang:",
            ":",
            "",
        )
    ):
        await leader._admitted("control", presses(10 + n, VICTIM, data))
    await leader.serves()
