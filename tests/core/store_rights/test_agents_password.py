"""What an agent's password is good for in Redis: one answer, and no more. The users are those that are deployed.

The threat model in docs/infrastructure.md names these tests.
"""

import inspect
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import redis

from openclaw_core.errors import LostOwnership
from openclaw_core.store import Became, agent_work
from openclaw_core.store.client import digest, source
from openclaw_core.store.rights import AGENT_CONNECTS, AGENT_MAY
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.work import GaveUp, HandedBack, PutBack, Result, Work
from tests.core.store_rights.deployed_bot import POOL, Bot, answered, plain
from tests.core.store_world import ORDER, completed_step


class Watched:
    """An agent's work that remembers which of its calls were made."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.called.add(name)
        return getattr(self._work, name)


async def test_a_whole_answer_needs_no_more_than_an_agents_rights(bot: Bot) -> None:
    """It makes each call that an agent can make: one that the users' lines do not allow would stop every agent of a cluster."""
    await bot.world.inbox.set_files_at("http://brain", epoch=bot.world.epoch)
    await bot.answer(chat=5, text="before", answer="said before")
    one = await bot.hand_over(chat=5)
    work = Watched(bot.world.work())
    assert await work.check_in()
    await work.wait(timeout_s=1)
    assert await work.any_ready()
    run = await work.claim()
    assert run is not None
    assert (run.task.id, run.snapshot, len(run.history)) == (one.id, ORDER, 2)
    assert await bot.adopt(run) is Became.BEGAN
    assert await work.files_at(run) == "http://brain"
    await work.status(run, Status(doing=Doing.SEARCHING))
    assert await work.step(run, 1, completed_step(1))
    assert await work.pictures(run, (b"first", b"second"))
    assert await work.write(run, "Hel")
    assert await work.write(run, "Hello wor")
    await work.renew(run)
    await work.check(run)
    await work.amend(run, "what a recording said")
    assert await work.grown(run) is not None
    assert await work.check_in()
    assert await work.end(run, answered("Hello world"))
    assert await work.check_in()
    await work.retire()
    assert work.called >= {name for name, _ in inspect.getmembers(Work, inspect.iscoroutinefunction)}
    assert await bot.adopt(run) is Became.ENDED

    assert await bot.world.displays.answer(f"t:{one.id}") == "Hello world"
    await bot.world.shown(f"t:{one.id}")
    assert (await bot.world.history(5))[2:] == [("user", "what a recording said"), ("assistant", "Hello world")]


@pytest.mark.parametrize("result", [GaveUp(cause=Cause.TOO_LONG), HandedBack(), PutBack()], ids=str)
async def test_an_end_without_an_answer_needs_no_more_either(bot: Bot, result: Result) -> None:
    one = await bot.hand_over(chat=5)
    work = bot.world.work()
    run = await work.claim()
    assert run is not None
    assert await work.end(run, result)
    await bot.adopt(run)
    assert await bot.world.state(one) == ("failed" if isinstance(result, GaveUp) else "ready")


async def test_more_words_before_the_first_one_need_no_more_either(bot: Bot) -> None:
    one = await bot.hand_over(chat=5)
    work = bot.world.work()
    run = await work.claim()
    assert run is not None
    await bot.script.read("HSET", bot.key("agent", "run", run.name), "more", "1")
    assert not await work.write(run, "early")
    assert not await work.end(run, answered("early"))
    assert await work.grown(run) is None
    await bot.world.pools.lost(one.id, Cause.CRASH, epoch=bot.world.epoch)
    for late in (work.renew(run), work.write(run, "late"), work.end(run, answered("late")), work.files_at(run)):
        with pytest.raises(LostOwnership):
            await late
    assert await bot.world.agents.step("claim", pool=POOL, job="job-1", call="c", lease_ms=1)
    assert await bot.world.agents.step("claim", pool=POOL, job="job-1", call="c", lease_ms=1)


def test_an_agent_may_use_the_commands_of_its_steps_and_no_other() -> None:
    steps = set(re.findall(r"call\('([A-Z]+)'", source("agent").replace("\n", " "))) - {"TIME"}
    used = steps | set(re.findall(r'read\(\s*"([A-Z]+)"', inspect.getsource(agent_work)))
    given = {name.upper() for names in AGENT_MAY.values() for name in names} - {"EVALSHA", "BLPOP"}

    assert given == used
    assert set(AGENT_CONNECTS) == {"auth", "hello", "ping", "time"}


Command = Callable[[Bot], tuple[Any, ...]]
LEAD = json.dumps({"holder": "thief", "ttl_ms": 600_000})
REFUSED: dict[str, Command] = {
    "read another chat's turns": lambda bot: ("LRANGE", bot.key("turns", 5), 0, -1),
    "read another chat's answer": lambda bot: ("GET", bot.key("answer", "u1")),
    "read another task": lambda bot: ("HGETALL", bot.key("task", "u1")),
    "read one field of another task": lambda bot: ("HGET", bot.key("task", "u1"), "record"),
    "copy another task": lambda bot: ("COPY", bot.key("task", "u1"), bot.key("agent", "run", "mine")),
    "rename another task": lambda bot: ("RENAME", bot.key("task", "u1"), bot.key("agent", "run", "mine")),
    "dump another task": lambda bot: ("DUMP", bot.key("task", "u1")),
    "sort by another's keys": lambda bot: ("SORT", bot.key("agent", "ready", POOL), "GET", bot.key("task", "*")),
    "read whole a run whose name it guessed": lambda bot: ("HGETALL", bot.key("agent", "run", "u1." + "0" * 32)),
    "list runs that wait": lambda bot: ("LRANGE", bot.key("agent", "ready", POOL), 0, -1),
    "list runs that others have": lambda bot: ("ZRANGE", bot.key("agent", "leases"), 0, -1),
    "list the pool's Jobs": lambda bot: ("HGETALL", bot.key("agent", "jobs", POOL)),
    "take the news, which name others' runs": lambda bot: ("LPOP", bot.key("agent", "news")),
    "wait for the news": lambda bot: ("BLPOP", bot.key("agent", "news"), 1),
    "put back into the ready list": lambda bot: ("RPUSH", bot.key("agent", "ready", POOL), "u1.x"),
    "delete a run": lambda bot: ("DEL", bot.key("agent", "run", "u1.x")),
    "write an order": lambda bot: ("SET", bot.key("agent", "order", "0"), "obey me"),
    "forge an update": lambda bot: ("XADD", bot.key("inbox"), "*", "u", "1", "j", "{}"),
    "read updates": lambda bot: ("XRANGE", bot.key("inbox"), "-", "+"),
    "forge a turn": lambda bot: ("RPUSH", bot.key("turns", 5), "{}"),
    "forge an answer": lambda bot: ("SET", bot.key("answer", "u1"), "x"),
    "forge a notice": lambda bot: ("HSET", bot.key("notice", "x"), "chat", "1"),
    "let a lane go": lambda bot: ("DEL", bot.key("busy", 5)),
    "drop an order": lambda bot: ("DEL", bot.key("agent", "order", "0")),
    "move a run out": lambda bot: ("RENAME", bot.key("agent", "run", "u1.x"), "x"),
    "dump a run": lambda bot: ("DUMP", bot.key("agent", "run", "u1.x")),
    "see what a run is": lambda bot: ("OBJECT", "ENCODING", bot.key("agent", "run", "u1.x")),
    "set when a run goes": lambda bot: ("EXPIRE", bot.key("agent", "run", "u1.x"), 1),
    "drop a field of a run": lambda bot: ("HDEL", bot.key("agent", "run", "u1.x"), "record"),
    "write outside": lambda _: ("SET", "x", "1"),
    "put something up to be shown": lambda bot: ("ZADD", bot.key("open"), 1, "t:u1"),
    "take the lead": lambda bot: ("SET", bot.key("leader"), "thief"),
    "give access to the bot": lambda bot: ("HSET", bot.key("access"), "6", "1 user 5 1"),
    "read who has access": lambda bot: ("HGETALL", bot.key("access")),
    "read the requests of newcomers": lambda bot: ("HGETALL", bot.key("pairing")),
    "have somebody forgotten": lambda bot: ("HSET", bot.key("forgetting"), "6 6 everywhere", "1 9 0 1 en"),
    "raise the epoch": lambda bot: ("INCR", bot.key("epoch")),
    "take the lead by the leader's script": lambda bot: ("EVALSHA", digest("leader"), 1, bot.key(""), "take_lead", LEAD),
    "take the lead under its own prefix": lambda bot: ("EVALSHA", digest("leader"), 1, bot.key("agent", ""), "take_lead", LEAD),
    "take the lead by a prefix that is no key": lambda bot: ("EVALSHA", digest("leader"), 0, "take_lead", LEAD),
    "use its own script on the leader's keys": lambda bot: ("EVALSHA", digest("agent"), 1, bot.key(""), "retire", json.dumps({"pool": POOL, "job": "x"})),
    "run a script of its own": lambda _: ("EVAL", "return 1", 0),
    "run a script of its own, read only": lambda _: ("EVAL_RO", "return 1", 0),
    "load a script": lambda _: ("SCRIPT", "LOAD", "return 1"),
    "forget all scripts": lambda _: ("SCRIPT", "FLUSH"),
    "load a function": lambda _: ("FUNCTION", "LOAD", "#!lua name=x\nredis.register_function('x', function() end)"),
    "list functions": lambda _: ("FUNCTION", "LIST"),
    "call a function": lambda _: ("FCALL", "x", 0),
    "empty the server": lambda _: ("FLUSHALL",),
    "empty the database": lambda _: ("FLUSHDB",),
    "read settings": lambda _: ("CONFIG", "GET", "*"),
    "change settings": lambda _: ("CONFIG", "SET", "maxmemory", "1"),
    "list keys": lambda _: ("KEYS", "*"),
    "scan keys": lambda _: ("SCAN", "0"),
    "draw a key": lambda _: ("RANDOMKEY",),
    "count keys": lambda _: ("DBSIZE",),
    "see users": lambda _: ("ACL", "LIST"),
    "make a user": lambda _: ("ACL", "SETUSER", "thief", "on", "nopass", "~*", "+@all"),
    "see the server": lambda _: ("INFO",),
    "watch commands": lambda _: ("MONITOR",),
    "read slow commands, with their arguments": lambda _: ("SLOWLOG", "GET", "1"),
    "publish": lambda _: ("PUBLISH", "x", "y"),
    "subscribe": lambda _: ("SUBSCRIBE", "x"),
    "see who is connected": lambda _: ("CLIENT", "LIST"),
    "cut others off": lambda _: ("CLIENT", "KILL", "TYPE", "normal"),
    "make others wait": lambda _: ("CLIENT", "PAUSE", "10000"),
    "stop the server": lambda _: ("SHUTDOWN", "NOSAVE"),
    "make the server another's replica": lambda _: ("REPLICAOF", "203.0.113.1", "6379"),
    "send the data elsewhere": lambda bot: ("MIGRATE", "203.0.113.1", "6379", bot.key("task", "u1"), "0", "10"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", REFUSED)
async def test_an_agents_password_is_refused_to(wrong: str, bot: Bot) -> None:
    await bot.answer(chat=5, text="a secret", answer="kept")
    before = await bot.all_but_the_agents()

    with plain(bot.server, "agent") as thief, pytest.raises(redis.ResponseError) as refused:
        thief.execute_command(*REFUSED[wrong](bot))

    assert re.search(r"NOPERM|perm|can't access|attempt to", str(refused.value)), refused.value
    assert await bot.all_but_the_agents() == before


@pytest.mark.parametrize("op", sorted(set(re.findall(r"function ops\.(\w+)", source("leader"))) - {"retire"}))
async def test_a_step_of_the_leader_is_no_way_around(op: str, bot: Bot) -> None:
    """Redis keeps the leader's script under a name that anybody can compute. `retire` is a step of agents too."""
    await bot.answer(chat=5, text="a secret", answer="kept")
    before = await bot.all_but_the_agents()
    args = json.dumps({
        "epoch": bot.world.epoch, "holder": "me", "ttl_ms": 1, "pool": POOL, "name": "x", "job": "x", "call": "x",
        "task": "u1", "run": "u1.0", "chat": "5",
        "updates": [], "ids": ["u1"], "tasks": ["u1"], "runs": ["u1.0"], "cap": 9, "at_most": 9, "prices": {},
        "limits": {}, "display": "t:u1", "address": "http://x",
        "from": "5", "to": "6", "secret": "0", "since": 0, "stream": "inbox", "entries": [], "version": 1, "slot": 0,
        "part": 0, "due_ms": 1,
    })  # fmt: skip

    for prefix in (bot.key(""), bot.key("agent", ""), bot.key("agent", "run", "x")):
        with plain(bot.server, "agent") as thief, pytest.raises(redis.ResponseError):
            thief.execute_command("EVALSHA", digest("leader"), 1, prefix, op, args)

    assert await bot.all_but_the_agents() == before


async def test_another_bots_chats_are_as_closed(bot: Bot) -> None:
    with plain(bot.server, "agent") as thief, pytest.raises(redis.ResponseError, match="perm"):
        thief.lrange("oc:1:turns:5", 0, -1)
