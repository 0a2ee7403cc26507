"""Every step of both scripts, executed once more at every later moment: it changes nothing, or no more than its header says.

A call whose client has given up may be executed later, and a client that asks again may be answered twice. The steps are those of the Lua
files themselves: a new one without its part in the story below fails here.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from openclaw_core.budgets.values import Budgets, Limit, Period, Scope, Spend, Unit
from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.errors import LostOwnership
from openclaw_core.roles.values import ModelSpec
from openclaw_core.store import AloneTasks, RedisDisplays, Script
from openclaw_core.store.access import Right, set_git_access
from openclaw_core.store.budgets import Reserved, reserve, set_budgets, spend_fields
from openclaw_core.store.canaries import Canaries, TriedPrompt
from openclaw_core.store.client import Rights, _without_none, digest, source
from openclaw_core.store.figures import set_prices
from openclaw_core.tasks.outcome import Cause, Delivery
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.task import to_json
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack
from tests.core.store_world import USAGE, World, completed_step, effect, task

DATA_MD = Path(__file__).parents[2] / "docs/data.md"
BOTH: tuple[Rights, ...] = ("leader", "agent")


def steps_of(rights: Rights) -> set[str]:
    return set(re.findall(r"^function ops\.(\w+)\(", source(rights), re.M))


SHARED = steps_of("leader") & steps_of("agent")
STEPS = {(rights, step) for rights in BOTH for step in steps_of(rights)} - {("agent", step) for step in SHARED}
"""A step that both scripts have is the same in both."""
EFFECTS = set(re.findall(r"^function effects\.(\w+)\(", source("leader"), re.M))

# What a late call may change, by key and by field of a hash ("" for anything in it): times, and what its header says of it.
LEASE = {"agent:leases": ""}
MAY_CHANGE: Mapping[str, Mapping[str, str]] = {
    "take_lead": {"leader": "", "epoch": ""},
    "raise_epoch": {"epoch": ""},
    "give_up_lead": {"leader": ""},
    "check_in": {"agent:jobs:": ""},
    "retire": {"agent:jobs:": ""},
    "forget_job": {"agent:jobs:": "", "pools": "", "agent:wake:": ""},
    "renew": LEASE,
    "claim": {**LEASE, "agent:jobs:": ""},
    "note_job": {"task:": "job_cause job_detail log_tail"},
    "write": {"agent:run:": "text", "agent:news": ""},
    "status": {"agent:run:": "status text", "agent:news": ""},
    "amend": {"agent:run:": "said", "agent:news": ""},
    "doubt": {"again": ""},
    "make_room": {"ended": "", "task:": "", "answer:": ""},
    "step": {"agent:news": ""},
    "pictures": {"agent:pictures": ""},
    "finish": {"agent:news": ""},
    "tell_waiting": {"open": "", "changes": "", "order": "", "notice:wait:": "", "episode:wait:": ""},
}

UNFENCED = {
    "take_lead", "give_up_lead", "raise_epoch", "retire", "note_job", "forget_job", "doubt", "begin_alone", "move_chat", "check_in", "claim",
}  # fmt: skip
"""Steps that carry no epoch and no run. Whoever adds one says in its header why it needs none."""

Call = tuple[Rights, str, Mapping[str, Any]]


class Story:
    """Records every step that a leader and its agents make, and repeats all that went before after each of them."""

    def __init__(self, world: World, raw: "Redis") -> None:
        self.keys, self.raw = world.script.keys, raw
        self.calls: list[Call] = []
        self.repeats = True
        for rights, script in (("leader", world.script), ("agent", world.agents)):
            self._record(rights, script)

    def _record(self, rights: Any, script: Script) -> None:
        steps = script.steps

        async def recorded(calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
            results = await steps(calls)
            new = [(rights, op, args) for op, args in calls if (rights, op, args) not in self.calls]
            self.calls += new
            if self.repeats:
                await self._repeat(new)
            return results

        script.steps = recorded  # type: ignore[method-assign]

    async def _hold_time(self) -> None:
        """What goes within two minutes stays for the story, which takes longer than that on a busy machine."""
        for name in await self.raw.keys(f"{self.keys.prefix}*"):
            if 0 < await self.raw.pttl(name) < 120_000:
                await self.raw.expire(name, 3600)

    async def _repeat(self, new: Sequence[Call]) -> None:
        await self._hold_time()
        before = await self.snapshot()
        await self.refused(new)
        known = [call for call in self.calls if not self._does_its_work(call, before)]
        await self.change_nothing([call for call in known if call[1] not in MAY_CHANGE], before)
        for call in known if len(self.calls) % 4 == 0 else new:
            if call[1] in MAY_CHANGE:
                await self.change_nothing([call], before, MAY_CHANGE[call[1]])

    @staticmethod
    def _does_its_work(call: Call, before: Mapping[str, Any]) -> bool:
        """Whether *call*, made late, does what is to be done anyway: hear of a run, as long as there is something to hear. And one of which no
        record is left, since room was made: that is long after any call about it was given up."""
        _, op, args = call
        if op != "adopt":
            return False
        fields = before.get(f"agent:run:{args['run']}", ("hash", {}))[1]
        said_nothing = before.get(f"task:{args['run'].rpartition('.')[0]}", ("hash", {}))[1].get("state") == "running"
        news = before.get("agent:news", ("list", []))[1]
        return args["run"] in news or "said" in fields or ("first_text_ms" in fields and said_nothing)

    async def refused(self, calls: Sequence[Call]) -> None:
        """Each of *calls* gives -1 to a leader of before, and to an agent whose run it is not."""
        forged: list[Call] = []
        for rights, op, args in calls:
            if "epoch" in args:
                forged.append((rights, op, {**args, "epoch": args["epoch"] - 1}))
            elif rights == "agent" and op not in UNFENCED:
                forged.append((rights, op, {**args, "job": "not its own"}))
                forged.append((rights, op, {**args, "run": f"{args['run']}0"}))
            elif "alone" in args:
                forged.append((rights, op, {**args, "alone": "another start"}))
            else:
                assert op in UNFENCED, op
        results, wrote = await self.again(forged)
        assert all(result in (-1, [-1]) for result in results), (forged, results)
        assert not wrote, forged

    async def change_nothing(
        self, calls: Sequence[Call], before: Mapping[str, Any], allowed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        if not (await self.again(calls))[1]:
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
                assert self._fields(before[key][1], after[key][1]) <= set(fields.split()), seen
        await self.restore(before, changed)

    async def again(self, calls: Sequence[Call]) -> tuple[list[Any], bool]:
        """Repeat *calls*; gives their results, and whether Redis has written anything."""
        pipe = self.raw.pipeline(transaction=False)
        pipe.info("persistence")
        for rights, op, args in calls:
            prefix = self.keys.prefix if rights == "leader" else self.keys("agent", "")
            pipe.evalsha(digest(rights), 1, prefix, op, json.dumps(_without_none(args)))
        pipe.info("persistence")
        first, *results, last = await pipe.execute()
        return results, bool(last["rdb_changes_since_last_save"] != first["rdb_changes_since_last_save"])

    @staticmethod
    def _fields(before: Any, after: Any) -> set[str]:
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

    # ---- all keys of the bot, as values

    async def snapshot(self) -> dict[str, Any]:
        prefix = self.keys.prefix
        names = sorted(str(name) for name in await self.raw.keys(f"{prefix}*"))
        pipe = self.raw.pipeline(transaction=False)
        for name in names:
            pipe.type(name)
        kinds = await pipe.execute()
        for name, kind in zip(names, kinds, strict=True):
            reads = {
                "string": ("GET", name), "list": ("LRANGE", name, 0, -1), "set": ("SMEMBERS", name), "hash": ("HGETALL", name),
                "zset": ("ZRANGE", name, 0, -1, "WITHSCORES"), "stream": ("XRANGE", name, "-", "+"),
            }  # fmt: skip
            pipe.execute_command(*reads[kind])
        values = zip(names, kinds, await pipe.execute(), strict=True)
        return {name.removeprefix(prefix): (kind, value) for name, kind, value in values}

    async def restore(self, before: Mapping[str, Any], changed: set[str]) -> None:
        for short in changed:
            key, (kind, value) = f"{self.keys.prefix}{short}", before.get(short, ("none", None))
            ttl_ms = await self.raw.pttl(key)
            await self.raw.delete(key)
            match kind:
                case "hash":
                    await self.raw.hset(key, mapping=value)
                case "set":
                    await self.raw.sadd(key, *value)
                case "zset":
                    await self.raw.zadd(key, {member: float(score) for member, score in value})
                case "list":
                    await self.raw.rpush(key, *value)
                case "string":
                    await self.raw.set(key, value)
            if value is not None and ttl_ms > 0:
                await self.raw.pexpire(key, ttl_ms)


@asynccontextmanager
async def a_story(world: World, redis_url: str) -> AsyncIterator[Story]:
    async with Redis.from_url(redis_url, decode_responses=True, encoding_errors="surrogateescape", protocol=3) as raw:
        await raw.config_set("appendfsync", "no")  # thousands of writes that nobody has to find again
        try:
            yield Story(world, raw)
        finally:
            await raw.config_set("appendfsync", "always")


async def told(world: World) -> None:
    """Each step and each effect once at least, in an order as a bot has it."""
    await _settings(world)
    await _a_question_that_three_agents_had(world)
    await _ends_of_other_kinds(world)
    await _one_that_grows(world)
    await _one_that_nobody_can_read(world)
    await _one_alone(world)
    await _a_group_that_moves(world)
    await _all_is_told(world)


CHAT = {"chat": "1", "lang": "en"}


async def _settings(world: World) -> None:
    await world.lead()
    model = ModelSpec(id="m", context_tokens=1, input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
    await set_prices(world.script, {"m": model}, epoch=world.epoch)
    much = Limit(scope=Scope.USER, period=Period.DAY, unit=Unit.TOKENS, amount=10**6)
    await set_budgets(world.script, Budgets(limits=(much,)), epoch=world.epoch)
    await world.inbox.set_files_at("http://brain", epoch=world.epoch)
    await Canaries(world.script).keep("coder", TriedPrompt(prompt="0", since="0"), epoch=world.epoch)
    await set_git_access(world.script, {"5": Right.OWNER, "6": Right.USER}, epoch=world.epoch)
    await world.effects({"op": "access", "subject": "8", "right": "user", "by": "5"})
    toasts = {name: name for name in ("given", "declined", "already", "expired")}
    asked = {
        "op": "pair",
        "chat": "9",
        "lang": "en",
        "key": "p9",
        "user": "9",
        "code": "c",
        "digest": "d",
        "owners": ["5"],
    }
    decided = {"op": "pair_decide", "chat": "5", "user": "9", "digest": "d", "by": "5", "button": "b", "toasts": toasts}
    await world.effects(asked, {**decided, "right": "user"})
    await world.effects({"op": "choose", "role": "coder", **CHAT}, {"op": "lang", **CHAT})
    await world.effects({"op": "button", "id": "b", "text": "", **CHAT})


async def _a_question_that_three_agents_had(world: World) -> None:
    """It is handed back, put back, its agent is lost, and then it is answered with a file; a message of it is deleted meanwhile."""
    me = world.epoch
    job = await world.pools.new_job("p", "agent", epoch=me)
    world.agent = world.work(job)
    await world.agent.check_in()
    await world.ask(task(1), task(2))
    fresh = {**effect(task(2, text="x")), "record": to_json(task(2, text="x"))}
    await world.effects({"op": "edited", "key": "e", "kind": "edited", "message_id": "102", "fresh": [fresh], **CHAT})
    assert await world.lanes.release(cap=9, at_most=9, epoch=me) == ["u1"]
    calendar = Budgets().calendar(1_800_000_000)
    most = Spend(tokens=100, micro_usd=100)
    assert await reserve(world.script, "u1", most, calendar, epoch=me) is Reserved.DONE
    await world.dispatch(task(1), spend=spend_fields(calendar, most, model="m", asked_tokens=5))
    assert await world.lanes.tell_waiting(["u1"], Cause.QUOTA, epoch=me) == 1
    run = await world.claim()
    await world.displays.changed(0)
    await world.displays.reserved("t:u1", 0, 555)
    await world.displays.reserved("t:u1", 0, 777, gone=555)
    await world.agent.amend(run, "what was said")
    await world.agent.status(run, Status(doing=Doing.SEARCHING, subject="light"))
    assert await world.agent.step(run, 1, completed_step(1))
    assert await world.agent.step(run, 2, completed_step(2))
    assert await world.agent.pictures(run, (b"first", b"second"))
    await world.agent.write(run, "One")
    await world.agent.write(run, "One two")
    await world.hear()
    await world.agent.renew(run)
    await world.end(run, HandedBack())
    await world.end(await world.claim(), PutBack())
    await world.claim()
    await world.pools.lost("u1", Cause.CRASH, job=job, epoch=me)
    await world.pools.note_job("u1", cause=Cause.CRASH, detail="exit 1", log_tail="")
    await world.pools.forget("p", job)
    job = await world.pools.new_job("p", "agent", epoch=me)
    world.agent = world.work(job)
    last = await world.agent.claim(last=True)
    assert last is not None
    await world.end(last, Answered(markdown="42", usage=USAGE))
    assert await world.displays.picture("t:u1", 1) == b"second"
    await world.displays.part("t:u1", 1, "sending")
    await world.displays.part("t:u1", 1, "done")
    await world.effects({"op": "file", "key": "f", "kind": "file_gone", "task": "u1", "part": "1", **CHAT})
    await world.displays.doubt("t:u1", due_ms=10)
    await world.shown("t:u1")
    await world.displays.settled("t:u1", 10)
    await world.pools.retire("p", job)
    await world.pools.forget("p", job)


async def _ends_of_other_kinds(world: World) -> None:
    """One waits while its pool changes and then fails, two are stopped, before and after the first words, one gives up."""
    me = world.epoch
    assert await world.lanes.release(cap=9, at_most=9, epoch=me) == ["u2"]
    await world.dispatch(task(2))
    assert await world.pools.move_ready("p", "q", epoch=me) == 1
    await world.lanes.fail("u2", Cause.QUEUE_DEADLINE, state="ready", epoch=me)
    await world.effects({**effect(task(2)), "op": "retry", "id": "u2r", "task": "u2", "key": "r", "kind": "retry"})
    await world.effects({"op": "stop", "key": "s1", **CHAT})
    await world.effects({"op": "forget", **CHAT}, {"op": "notice", "key": "n", "kind": "new", **CHAT})
    world.agent = world.work(await world.pools.new_job("p", "agent", epoch=me))
    for n, end in ((3, "stopped before a word"), (4, "stopped"), (5, "gives up")):
        run = await world.claimed(task(n, chat=n))
        await world.displays.reserved(f"t:u{n}", 0, 900 + n)
        if end == "gives up":
            await world.failed(run)
            continue
        if end == "stopped":
            await world.agent.write(run, "So far")
        await world.effects({"op": "stop", "key": f"s{n}", "chat": str(n), "lang": "en", "task": f"u{n}"})
        with pytest.raises(LostOwnership):
            await world.agent.renew(run)


async def _one_that_grows(world: World) -> None:
    """Its user sends more after an agent has taken it, and before it has written anything."""
    first = replace(task(11, chat=11, text="first:"), cut=True)
    act = {"act": "11:1", "group": ""}
    await world.effects({**effect(first), **act, "sent_s": 50, "open_s": 2})
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    await world.dispatch(first)
    run = await world.claim()
    await world.effects({**effect(task(12, chat=11)), **act, "sent_s": 51, "open_s": -1})
    assert not await world.agent.end(run, Answered(markdown="early", usage=RunUsage()))
    assert not await world.agent.write(run, "early")
    assert not await world.agent.step(run, 1, completed_step(1))
    await world.hear()
    assert await world.news.regrow(run.name, epoch=world.epoch)
    whole = await world.agent.grown(run)
    assert whole is not None
    await world.agents.step("grown", run=run.name, job=world.agent.job)
    assert await world.agent.end(whole, GaveUp(cause=Cause.MODEL_DOWN))
    await world.hear()
    await world.effects({"op": "end_act", "act": "11:1", "chat": "11"})


async def _one_that_nobody_can_read(world: World) -> None:
    """It waits for words, which come; another waits for words that never come, and is told."""
    unread = {"op": "notice", "key": "unsupported:12", "kind": "unsupported", "wait_ms": 3_600_000}
    link = {"act": "12:1", "sent_s": 50, "open_s": 2, "group": ""}
    await world.effects({**effect(task(13, chat=12)), **link, **unread})
    await world.displays.changed(0)
    await world.effects({**effect(task(14, chat=12)), **link, **unread, "sent_s": 51})
    later = world.script.keys("later")
    assert await world.script.read("ZRANGE", later, 0, -1) == ["n:unsupported:12"]
    await world.effects({**effect(task(15, chat=12)), **link, "sent_s": 52})
    assert await world.script.read("EXISTS", later) == 0
    assert (await world.lanes.queued("u15")).parts == 2
    await world.effects({"op": "end_act", "act": "12:1", "chat": "12"})
    await world.effects({**effect(task(16, chat=12)), **link, **unread, "sent_s": 60})
    await world.script.read("ZADD", later, "XX", "1", "n:unsupported:12")  # its hour has passed
    assert await world.opened("n:unsupported:12")
    assert await world.lanes.fail("u15", Cause.BAD_TASK, epoch=world.epoch)


async def _one_alone(world: World) -> None:
    """It is started twice; then its answer is shown, and its third start has nothing to do."""
    await AloneTasks(world.script, start="first").begin(task(6, chat=6))
    alone, displays = AloneTasks(world.script, start="second"), RedisDisplays(world.script, alone="second")
    await alone.begin(task(6, chat=6))
    assert await world.field("u6", "start") == "second"
    await displays.reserved("t:u6", 0, 5)
    await alone.end("u6", Answered(markdown="a", usage=RunUsage()))
    await displays.shown("t:u6", 0, Delivery.DELIVERED)
    assert not (await AloneTasks(world.script, start="third").begin(task(6, chat=6))).unshown


async def _a_group_that_moves(world: World) -> None:
    """It has a task that waits and one that is out, and becomes a supergroup, which is heard twice; then both end."""
    me = world.epoch
    for n in (7, 8):
        await world.ask(task(n, chat=-7))
    await world.lanes.release(cap=9, at_most=9, epoch=me)
    await world.effects({"op": "move", "from": "-7", "to": "-1007"})
    await world.script.step("move_chat", **{"from": "-7", "to": "-1007"})
    await world.lanes.reconcile(epoch=me)
    for n in (7, 8):
        assert await world.lanes.fail(f"u{n}", Cause.BAD_TASK, epoch=me)
        await world.lanes.release(cap=9, at_most=9, epoch=me)


async def _all_is_told(world: World) -> None:
    """And the small signs are taken, the oldest record goes, and another leads."""
    for display in await world.displays.changed(0):
        if not display.slots and display.stage is Stage.NOTICE:
            await world.displays.reserved(display.id, 0, 31)
            await world.displays.reserved(display.id, 0, 32, gone=31)
    await world.show_all()
    assert await world.displays.changed(0) == []
    await world.displays.take_indicators(99)
    await world.pools.move_ready("q", "p", epoch=world.epoch)
    for pool in await world.pools.ids():
        for name in await world.pools.jobs(pool):
            await world.pools.forget(pool, name)
    assert await world.inbox.make_room(at_most=1, epoch=world.epoch) == 1
    await world.effects(
        {"op": "forget_user", "chat": "5", "user": "5", "update": "9999999", "lang": "en", "everywhere": True}
    )
    assert not await world.inbox.forget_some(at_most=99, epoch=world.epoch)
    await world.show_all()
    await world.leadership.give_up_lead("me")
    await world.leadership.raise_epoch("another")


async def test_a_step_that_is_executed_once_more_at_any_later_moment_changes_nothing(
    world: World, redis_url: str
) -> None:
    async with a_story(world, redis_url) as story:
        await told(world)
        used = {(rights, op) for rights, op, _ in story.calls}
        assert {(rights, op) for rights, op in used if op not in SHARED} | {
            ("leader", op) for _, op in used if op in SHARED
        } == STEPS, "each step of the Lua files has its part in the story"
        handled = {e["op"] for _, op, args in story.calls if op == "handle" for e in args["effects"]}
        assert handled == EFFECTS, "and each effect"


def permanent() -> set[str]:
    """Keys that stay for ever, as docs/data.md lists them."""
    rows = [line.split("|") for line in DATA_MD.read_text().splitlines() if line.startswith("| `")]
    return {key for row in rows if row[5].strip().startswith("never") for key in re.findall(r"`([^`]+)`", row[1])}


async def test_every_key_goes_by_itself_or_is_one_that_the_docs_say_stays(world: World, redis_url: str) -> None:
    async with a_story(world, redis_url) as story:
        story.repeats = False
        await told(world)
        assert await staying(story) <= permanent()
        await story.again(story.calls)
        assert await staying(story) <= permanent(), "after each call has come late"


async def staying(story: Story) -> set[str]:
    """Keys that nothing ends: all work is done by now, so what held it has gone."""
    prefix = story.keys.prefix
    names = [str(name) for name in await story.raw.keys(f"{prefix}*")]
    return {name.removeprefix(prefix) for name in names if await story.raw.pttl(name) == -1}


@pytest.mark.parametrize("rights", BOTH)
async def test_a_call_that_redis_gets_to_after_its_time_out_is_refused(
    world: World, rights: Literal["leader", "agent"]
) -> None:
    await world.ask(task(1))
    script = world.script if rights == "leader" else world.agents
    op, prefix = ("release", script.keys.prefix) if rights == "leader" else ("check_in", script.keys("agent", ""))
    args = {"cap": 9, "max": 9, "epoch": world.epoch, "turn": 1, "pool": "p", "job": "j", "by_ms": 1}
    with pytest.raises(ResponseError, match="LATE"):
        await script.redis.evalsha(digest(rights), 1, prefix, op, json.dumps(args))
    assert await world.lanes.released() == []
    assert await world.pools.jobs("p") == {}
    await world.agent.check_in()
    script._ahead_s -= 3600  # our clock, or Redis', was set meanwhile
    assert await world.lanes.release(cap=9, at_most=9, epoch=world.epoch) == ["u1"]
    assert await world.agent.check_in()


async def test_a_claim_whose_answer_was_lost_gives_the_same_run_again(world: World) -> None:
    await world.ready(task(1))
    await world.ready(task(2, chat=2))
    reply = await world.agents.step("claim", pool="p", job="job-1", call="c", lease_ms=15000)
    lost = [part.decode() for part in reply[:5]]
    world.agent._call = "c"  # as after a time-out
    run = await world.agent.claim()
    assert run is not None
    assert (run.name, str(run.attempt)) == (lost[0], lost[4])
    other = await world.agent.claim()
    assert other is not None
    assert other.task.id == "u2"


async def test_a_claim_that_comes_again_after_its_run_was_taken_gives_nothing(world: World) -> None:
    await world.ready(task(1))
    claim = {"pool": "p", "job": "job-1", "call": "c", "lease_ms": 15000}
    assert await world.agents.step("claim", **claim)
    await world.hear()
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    assert await world.agents.step("claim", **claim) == []
    assert len(await world.pools.ready("p")) == 1


@pytest.mark.parametrize("step", ["write", "end"])
async def test_words_about_less_than_was_asked_come_too_late(world: World, step: str) -> None:
    """They were refused, since more was sent; executed once more, now that all of it is one record, they would be taken."""
    act = {"act": "1:9", "group": "", "open_s": 2}
    await world.effects({**effect(task(1)), **act, "sent_s": 50})
    await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
    await world.dispatch(task(1))
    run = await world.claim()
    await world.effects({**effect(task(2)), **act, "sent_s": 51})
    late: list[tuple[str, Mapping[str, Any]]] = []
    steps = world.agents.steps

    async def kept(calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        late.extend(calls)
        return await steps(calls)

    world.agents.steps = kept  # type: ignore[method-assign]
    assert not await (world.agent.write(run, "early") if step == "write" else world.agent.end(run, EARLY))
    assert await world.news.regrow(run.name, epoch=world.epoch)
    [(op, args)] = late
    assert await steps([(op, args)]) == [2]
    assert not (await world.displays.growing("t:u1")).began
    whole = await world.agent.grown(run)
    assert whole is not None
    assert await (world.agent.write(whole, "Now.") if step == "write" else world.agent.end(whole, EARLY))


EARLY = Answered(markdown="early", usage=RunUsage())


async def test_a_failure_that_was_judged_of_another_attempt_comes_too_late(world: World) -> None:
    first = await world.claimed(task(1))
    since = await world.field("u1", "attempt_ms")
    await world.end(first, HandedBack())
    await world.script.read("HSET", world.script.keys("task", "u1"), "attempt_ms", "1")
    await world.claim()
    assert not await world.lanes.fail("u1", Cause.DEADLINE, since=f"{since}0", epoch=world.epoch)
    assert not await world.lanes.fail("u1", Cause.QUEUE_DEADLINE, state="ready", epoch=world.epoch)
    assert await world.state(task(1)) == "running"


async def test_an_old_leaders_steps_are_refused_by_name(world: World) -> None:
    old = world.epoch
    await world.leadership.give_up_lead("me")
    await world.lead("other")
    with pytest.raises(LostOwnership):
        await world.lanes.reconcile(epoch=old)
    for step in (
        world.inbox.set_files_at("x", epoch=old),
        world.inbox.make_room(at_most=1, epoch=old),
    ):
        with pytest.raises(LostOwnership):
            await step
