"""Every step of the store, executed once more at every later moment: it changes nothing, or no more than its header says.

A call whose client has given up may be executed later, and a client that asks again may be answered twice. The steps are those of the Lua
files themselves: a new one without its part in the story below fails here.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from openclaw_core.errors import LostOwnership, NoticeGone
from openclaw_core.outcome import Cause, Delivery
from openclaw_core.roles import Model
from openclaw_core.store import Answers, Flood, Script
from openclaw_core.store.client import _without_none, source
from openclaw_core.store.figures import set_prices
from openclaw_core.store.flood import Priority
from openclaw_core.task import to_json
from tests.core.store_world import World, effect, task

DATA_MD = Path(__file__).parents[2] / "docs/data.md"
STEPS = set(re.findall(r"^function ops\.(\w+)\(", source(), re.M))
EFFECTS = set(re.findall(r"^function effects\.(\w+)\(", source(), re.M))

# What a late call may change, by key and by field of a hash ("" for anything in it): times, and what its header says of it.
LEASE = {"leases": "", "task:": "lease_ms"}
MAY_CHANGE: Mapping[str, Mapping[str, str]] = {
    "take_lead": {"leader": "", "epoch": ""},
    "raise_epoch": {"epoch": ""},
    "give_up_lead": {"leader": ""},
    "check_in": {"jobs:": "", "pools": ""},
    "retire": {"jobs:": "", "pools": ""},
    "forget_job": {"jobs:": "", "pools": "", "wake:": ""},
    "renew": LEASE,
    "claim": LEASE,
    "note_job": {"task:": "job_cause job_detail log_tail"},
    "intent": {"task:": "intent0"},
    "preview": {"task:": "state first_text_ms"},
    "notice_intent": {"notice:": "intent"},
}

Call = tuple[str, Mapping[str, Any]]


class Story:
    """Records every step that a script makes, and repeats all that went before after each of them."""

    def __init__(self, script: Script, raw: "Redis") -> None:
        self.script, self.raw = script, raw
        self.calls: list[Call] = []
        self.repeats = True
        self._steps = script.steps
        script.steps = self.steps  # type: ignore[method-assign]

    async def steps(self, calls: Sequence[Call]) -> list[Any]:
        results = await self._steps(calls)
        new = [call for call in calls if call not in self.calls]
        self.calls += new
        if self.repeats:
            for name in await self.raw.keys(f"{self.script.keys.prefix}*.call:*"):
                await self.raw.expire(name, 60)  # a busy machine tells the story in more than that
            before = await self.snapshot()
            fenced = [(op, {**args, "epoch": args["epoch"] - 1}) for op, args in new if "epoch" in args]
            await self.change_nothing([*fenced, *(call for call in self.calls if call[0] not in MAY_CHANGE)], before)
            for call in self.calls if len(self.calls) % 4 == 0 else new:
                if call[0] in MAY_CHANGE:
                    await self.change_nothing([call], before, MAY_CHANGE[call[0]])
        return results

    async def change_nothing(
        self, calls: Sequence[Call], before: Mapping[str, Any], allowed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        if not await self.again(calls):
            return
        after = await self.snapshot()
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        for key in changed:
            fields = next((fields for name, fields in allowed.items() if key.startswith(name)), None)
            if fields is None and len(calls) > 1:  # which of them was it?
                await self.restore(before, changed)
                for call in calls:
                    await self.change_nothing([call], before)
            seen = f"{calls} changed {key}: {before.get(key)} → {after.get(key)}"
            assert fields is not None, seen
            if fields:
                assert self._fields(before[key], after[key]) <= set(fields.split()), seen
        await self.restore(before, changed)

    async def again(self, calls: Sequence[Call]) -> bool:
        """Repeat *calls*; gives whether Redis has written anything."""
        pipe = self.raw.pipeline(transaction=False)
        pipe.info("persistence")
        for op, args in calls:
            pipe.evalsha(self.script._sha, 1, self.script.keys.prefix, op, json.dumps(_without_none(args)))
        pipe.info("persistence")
        first, *_, last = await pipe.execute()
        return bool(last["rdb_changes_since_last_save"] != first["rdb_changes_since_last_save"])

    @staticmethod
    def _fields(before: Any, after: Any) -> set[str]:
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

    # ---- all keys of the bot, as values

    async def snapshot(self) -> dict[str, Any]:
        prefix = self.script.keys.prefix
        names = sorted(str(name) for name in await self.raw.keys(f"{prefix}*"))
        pipe = self.raw.pipeline(transaction=False)
        for name in names:
            pipe.type(name)
        # Flood limits come and go by the clock.
        kinds = {
            name: kind for name, kind in zip(names, await pipe.execute(), strict=True) if f"{prefix}flood" not in name
        }
        for name, kind in kinds.items():
            reads = {
                "string": ("GET", name), "list": ("LRANGE", name, 0, -1), "set": ("SMEMBERS", name), "hash": ("HGETALL", name),
                "zset": ("ZRANGE", name, 0, -1, "WITHSCORES"), "stream": ("XRANGE", name, "-", "+"),
            }  # fmt: skip
            pipe.execute_command(*reads[kind])
        return {name.removeprefix(prefix): value for name, value in zip(kinds, await pipe.execute(), strict=True)}

    async def restore(self, before: Mapping[str, Any], changed: set[str]) -> None:
        for short in changed:
            key, value = f"{self.script.keys.prefix}{short}", before.get(short)
            ttl_ms = await self.raw.pttl(key)
            await self.raw.delete(key)
            if isinstance(value, dict):
                await self.raw.hset(key, mapping=value)
            elif isinstance(value, set):
                await self.raw.sadd(key, *value)
            elif isinstance(value, list) and short == "leases":
                await self.raw.zadd(key, {member: float(score) for member, score in value})
            elif isinstance(value, list):
                await self.raw.rpush(key, *value)
            elif value is not None:
                await self.raw.set(key, value)
            if value is not None and ttl_ms > 0:
                await self.raw.pexpire(key, ttl_ms)


@asynccontextmanager
async def a_story(script: Script, redis_url: str) -> AsyncIterator[Story]:
    async with Redis.from_url(redis_url, decode_responses=True, protocol=3) as raw:
        await raw.config_set("appendfsync", "no")  # thousands of writes that nobody has to find again
        try:
            yield Story(script, raw)
        finally:
            await raw.config_set("appendfsync", "always")


async def told(script: Script) -> None:
    """Each step and each effect once at least, in an order as a bot has it."""
    world = World(script)
    await world.lead()
    me, agent, chat = world.epoch, world.agent, {"chat": "1", "lang": "en"}
    await set_prices(
        script, {"m": Model(id="m", context_tokens=1, input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)}, epoch=me
    )  # fmt: skip

    # A question that is answered, in two tries; its first message is deleted meanwhile.
    await world.effects({"op": "choose", "role": "coder", **chat}, {"op": "lang", **chat})
    await world.effects({"op": "button", "id": "b", "text": "", **chat})
    job = await world.pools.new_job("p", "agent", epoch=me)
    agent = Answers(script, pool="p", job=job)
    await agent.check_in()
    one = task(1)
    await world.ask(one, task(2))
    edited = {
        "op": "edited",
        "key": "e",
        "kind": "edited",
        "message_id": "102",
        "fresh": [{**effect(task(2, text="x")), "record": to_json(task(2, text="x"))}],
        **chat,
    }
    await world.effects(edited)
    assert await world.lanes.release(cap=9, at_most=9, epoch=me) == ["u1"]
    await world.lanes.save_context(one, epoch=me)
    await world.dispatch(one)
    await world.lanes.tell_waiting("u1", Cause.QUOTA, epoch=me)
    claimed = await agent.claim()
    assert claimed is not None
    assert await agent.intent(claimed, 0) is None
    await agent.reserved(claimed, 0, 555)
    await agent.unreserve(claimed, 0, 555)
    await agent.reserved(claimed, 0, 777)
    await agent.amend(claimed, "what was said")
    await agent.preview(claimed)
    await agent.renew(claimed)
    assert await agent.hand_back(claimed)
    again = await agent.claim()
    assert again is not None
    await agent.put_back(again)
    third = await agent.claim()
    assert third is not None
    await world.pools.lost("u1", Cause.CRASH, job=job, epoch=me)
    await world.pools.note_job("u1", cause=Cause.CRASH, detail="exit 1", log_tail="")
    await world.pools.forget("p", job)
    job = await world.pools.new_job("p", "agent", epoch=me)
    agent = Answers(script, pool="p", job=job)
    last = await agent.claim(last=True)
    assert last is not None
    assert await Flood(script).take(1, "private", Priority.FINAL) == 0
    await Flood(script).refused(1, retry_after_s=0.01)
    await agent.answered(last, {"pages": [{"text": "42", "entities": []}], "files": [], "answer": "42"}, {"model": "m"})
    await agent.part(last, 0, "sending")
    await agent.part(last, 0, "done")
    await world.effects({"op": "file", "key": "f", "kind": "file_gone", "task": "u1", "part": "1", **chat})
    await agent.close(last, answer="42", role="coder", delivery=Delivery.DELIVERED)
    await world.pools.retire("p", job)
    await world.pools.forget("p", job)

    # One that waits while its pool changes and then fails, one that is stopped while it runs, one that gives up, one that runs alone.
    assert await world.lanes.release(cap=9, at_most=9, epoch=me) == ["u2"]
    await world.lanes.save_context(task(2), epoch=me)
    await world.dispatch(task(2))
    assert await world.pools.move_ready("p", "q", epoch=me) == 1
    await world.lanes.fail("u2", Cause.QUEUE_DEADLINE, state="ready", epoch=me)
    await world.effects({**effect(task(2)), "op": "retry", "id": "u2r", "task": "u2", "key": "r", "kind": "retry"})
    await world.effects({"op": "stop", "key": "s1", **chat})
    await world.effects({"op": "forget", **chat}, {"op": "notice", "key": "n", "kind": "new", **chat})
    agent = Answers(script, pool="p", job=await world.pools.new_job("p", "agent", epoch=me))
    for n, end in ((3, "heard"), (4, "unheard"), (5, "gives up")):
        await world.ask(task(n, chat=n))
        await world.lanes.release(cap=9, at_most=9, epoch=me)
        await world.lanes.save_context(task(n, chat=n), epoch=me)
        await world.dispatch(task(n, chat=n))
        mine = await agent.claim()
        assert mine is not None
        await agent.reserved(mine, 0, 900 + n)
        if end == "gives up":
            await agent.give_up(mine, Cause.MODEL_DOWN)
            continue
        await world.effects({"op": "stop", "key": f"s{n}", "chat": str(n), "lang": "en", "task": f"u{n}"})
        if end == "heard":
            await agent.marked_stopped(mine)
        else:
            await world.pools.stop_unheard(f"u{n}", epoch=me)
    alone = Answers(script)
    whole = await alone.claim_alone(task(6, chat=6))
    assert whole is not None
    await alone.answered(whole, {"pages": [], "files": [], "answer": ""}, {})
    await alone.close(whole, answer="", role="coder", delivery=Delivery.DELIVERED)

    # One whose user sends more after an agent has taken it, and before it has shown anything.
    await world.effects({**effect(task(11, chat=11)), "act": "11:1", "sent_s": 50, "open_s": 52, "group": ""})
    await world.lanes.release(cap=9, at_most=9, epoch=me)
    await world.lanes.save_context(task(11, chat=11), epoch=me)
    await world.dispatch(task(11, chat=11))
    grows = await agent.claim()
    assert grows is not None
    more = {**effect(task(12, chat=11)), "act": "11:1", "sent_s": 51, "open_s": -1, "group": ""}
    await world.effects(more)
    assert not await agent.preview(grows)
    grown = await agent.grown(grows)
    assert grown is not None
    assert await agent.preview(grown)
    await agent.give_up(grown, Cause.MODEL_DOWN)
    await world.effects({"op": "end_act", "act": "11:1", "chat": "11"})

    # What cannot be read waits for words, which come.
    link = {"act": "12:1", "sent_s": 50, "open_s": 52, "group": ""}
    await world.effects(
        {**effect(task(13, chat=12)), **link, "op": "notice", "key": "u13", "kind": "unsupported", "wait_ms": 1000}
    )
    await world.effects({**effect(task(14, chat=12)), **link})
    assert not any(notice.key == "u13" for notice in await world.notices.waiting())
    await world.effects({"op": "end_act", "act": "12:1", "chat": "12"})
    await world.lanes.fail("u14", Cause.BAD_TASK, epoch=me)

    # A group with a task that waits and one that is out becomes a supergroup, heard twice; then both end.
    for n in (7, 8):
        await world.ask(task(n, chat=-7))
    await world.lanes.release(cap=9, at_most=9, epoch=me)
    await world.lanes.save_context(task(7, chat=-7), epoch=me)
    await world.effects({"op": "move", "from": "-7", "to": "-1007"})
    await script.step("move_chat", **{"from": "-7", "to": "-1007"})
    await world.lanes.reconcile(epoch=me)
    for n in (7, 8):
        assert await world.lanes.fail(f"u{n}", Cause.BAD_TASK, epoch=me)
        await world.lanes.release(cap=9, at_most=9, epoch=me)

    # All that is to be told is told, the small signs are taken, and another leads.
    for notice in await world.notices.waiting(epoch=me):
        message_id = await world.notices.intent(notice.key, epoch=me)
        if message_id is None:
            await world.notices.reserved(notice.key, 31, epoch=me)
            await world.notices.reserved(notice.key, 32, gone=31, epoch=me)
        await world.notices.done(notice.key, Delivery.DELIVERED, epoch=me)
        with pytest.raises(NoticeGone):
            await world.notices.intent(notice.key, epoch=me)
    for queue in ("signs", "buttons", "files"):
        await world.notices.pop(queue)
    await world.pools.move_ready("q", "p", epoch=me)
    for pool in await world.pools.ids():
        for name in await world.pools.jobs(pool):
            await world.pools.forget(pool, name)
    await world.inbox.give_up_lead("me")
    await world.inbox.raise_epoch("another")


async def test_a_step_that_is_executed_once_more_at_any_later_moment_changes_nothing(
    script: Script, redis_url: str
) -> None:
    async with a_story(script, redis_url) as story:
        await told(script)
        used = {op for op, _ in story.calls}
        assert used == STEPS, "each step of the Lua files has its part in the story"
        handled = {e["op"] for op, args in story.calls if op == "handle" for e in args["effects"]}
        assert handled == EFFECTS, "and each effect"


async def test_every_step_says_what_a_late_call_of_it_does() -> None:
    headers = dict(re.findall(r"((?:^--[^\n]*\n)+)(?:local [^\n]*\n)*function ops\.(\w+)\(", source(), re.M))
    by_step = {step: header for header, step in headers.items()}
    assert {step for step in STEPS if "Late:" in by_step.get(step, "") or "late:" in by_step.get(step, "")} == STEPS


def permanent() -> set[str]:
    """Keys that stay for ever, as docs/data.md lists them."""
    rows = [line.split("|") for line in DATA_MD.read_text().splitlines() if line.startswith("| `")]
    return {key for row in rows if row[5].strip().startswith("never") for key in re.findall(r"`([^`]+)`", row[1])}


async def test_every_key_goes_by_itself_or_is_one_that_the_docs_say_stays(script: Script, redis_url: str) -> None:
    async with a_story(script, redis_url) as story:
        story.repeats = False
        await told(script)
        assert await staying(story) <= permanent()
        await story.again(story.calls)
        assert await staying(story) <= permanent(), "after each call has come late"


async def staying(story: Story) -> set[str]:
    """Keys that nothing ends: all work is done by now, so what held it has gone."""
    prefix = story.script.keys.prefix
    names = [str(name) for name in await story.raw.keys(f"{prefix}*")]
    return {name.removeprefix(prefix) for name in names if await story.raw.pttl(name) == -1}


async def test_a_call_that_redis_gets_to_after_its_time_out_is_refused(script: Script) -> None:
    world = World(script)
    await world.lead()
    await world.ask(task(1))
    args = {"cap": 9, "max": 9, "epoch": world.epoch, "turn": 1, "by_ms": 1}
    with pytest.raises(ResponseError, match="LATE"):
        await script.redis.evalsha(script._sha, 1, script.keys.prefix, "release", json.dumps(args))
    assert await world.lanes.released() == []
    script._ahead_s -= 3600  # our clock, or Redis', was set meanwhile
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u1"]


async def test_a_claim_whose_answer_was_lost_gives_the_same_task_again(script: Script) -> None:
    world = World(script)
    await world.lead()
    await world.ask(task(1), task(2, chat=2))
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    for one in (task(1), task(2, chat=2)):
        await world.dispatch(one)
    lost = await script.step("claim", pool="p", job="job-1", call="c", lease_ms=15000)
    world.agent._claim = "c"  # as after a time-out
    claimed = await world.agent.claim()
    assert claimed is not None
    assert (claimed.task.id, str(claimed.attempt)) == (lost[0], lost[2])
    other = await world.agent.claim()
    assert other is not None
    assert other.task.id == "u2"


async def test_a_failure_that_was_judged_of_another_attempt_comes_too_late(script: Script) -> None:
    world = World(script)
    await world.lead()
    first = await world.claimed(task(1))
    [row] = await world.lanes.fields(["u1"], "attempt_ms")
    assert await world.agent.hand_back(first)
    await script.read("HSET", script.keys("task", "u1"), "attempt_ms", "1")
    assert await world.agent.claim() is not None
    assert not await world.lanes.fail("u1", Cause.DEADLINE, since=row["attempt_ms"] + "0", epoch=world.epoch)  # type: ignore[operator]
    assert not await world.lanes.fail("u1", Cause.QUEUE_DEADLINE, state="ready", epoch=world.epoch)
    assert await world.state(task(1)) == "running"


async def test_an_old_leaders_steps_are_refused_by_name(script: Script) -> None:
    world = World(script)
    old = await world.lead()
    await world.inbox.give_up_lead("me")
    await world.lead("other")
    with pytest.raises(LostOwnership):
        await world.lanes.reconcile(epoch=old)
