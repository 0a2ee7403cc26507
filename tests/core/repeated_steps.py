"""Every step of both scripts, and a story whose calls are executed once more at every later moment."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from redis.asyncio import Redis

from openclaw_core.store import Script
from openclaw_core.store.client import Rights, digest, source
from openclaw_core.store.step_values import without_none
from tests.core.store_world import World

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
    "take_lead", "give_up_lead", "raise_epoch", "retire", "note_job", "forget_job", "doubt", "begin_alone", "move_chat",
    "check_in", "claim",
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
        """Whether *call*, made late, does what is to be done anyway: hear of a run, as long as there is something to hear.

        And one of which no record is left, since room was made: that is long after any call about it was given up.
        """
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
            pipe.evalsha(digest(rights), 1, prefix, op, json.dumps(without_none(args)))
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
