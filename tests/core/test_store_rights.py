"""What an agent's password is good for in Redis: one answer, and no more. The users are those that are deployed.

The threat model in docs/infrastructure.md names these tests.
"""

import hashlib
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from openclaw_core.errors import LostOwnership, StoreFault, StoreFull, StoreMisconfigured
from openclaw_core.store import Became, RedisSettings, Script, agent_work, open_script
from openclaw_core.store.client import digest, source
from openclaw_core.store.rights import AGENT_CONNECTS, AGENT_MAY, acl_lines
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.run_usage import RunUsage
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import Answered, GaveUp, HandedBack, PutBack, Result, Run, Work
from tests.core.store_world import ORDER, World, completed_step, task
from tests.redis_server import NO_OLDEST, SERVERS, RedisServer
from tests.redis_users import ONCE, PASSWORDS, deployed

POOL = "p"


@pytest.fixture(scope="module", params=["packaged", "oldest"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = SERVERS[request.param]()
    if not program:
        pytest.skip(NO_OLDEST)
    with deployed(tmp_path_factory.mktemp("users"), program=program) as started:
        yield started


def answered(text: str) -> Answered:
    return Answered(markdown=text, usage=RunUsage(model="m", calls=1))


def url_of(server: RedisServer, user: str) -> str:
    return f"redis://{user}:{PASSWORDS[user]}@127.0.0.1:{server.port}"


def plain(server: RedisServer, user: str) -> "redis.Redis":
    return redis.Redis(port=server.port, username=user, password=PASSWORDS[user], decode_responses=True)


@dataclass(kw_only=True)
class Bot:
    """A bot that leads with the password of the brain; its agents have an agent's."""

    world: World
    server: RedisServer
    asked: int = 0

    @property
    def script(self) -> Script:
        return self.world.script

    def key(self, *parts: object) -> str:
        return self.script.keys(*parts)

    async def hand_over(self, *, chat: int, text: str = "hello") -> Task:
        """A question that is ready for an agent."""
        self.asked += 1
        one = task(self.asked, chat=chat, text=text)
        await self.world.ready(one)
        return one

    async def adopt(self, run: Run) -> Became:
        [heard] = await self.world.news.adopt([run.name], epoch=self.world.epoch)
        return heard.became

    async def answer(self, *, chat: int, text: str, answer: str) -> None:
        """A question and its answer, which are history then."""
        await self.hand_over(chat=chat, text=text)
        work = self.world.work("job-of-a-good-agent")
        run = await self.world.claim(work)
        await work.end(run, answered(answer))
        assert await self.adopt(run) is Became.ENDED

    async def all_but_the_agents(self) -> dict[str, str]:
        """What stands outside the agents' area."""
        names = [name for name in await self.script.read("KEYS", self.key("*")) if ":agent:" not in name]
        return {name: repr(await self._value(name)) for name in names}

    async def _value(self, name: str) -> Any:
        read: dict[str, tuple[Any, ...]] = {
            "string": ("GET",), "hash": ("HGETALL",), "list": ("LRANGE", 0, -1), "set": ("SMEMBERS",), "zset": ("ZRANGE", 0, -1),
            "stream": ("XRANGE", "-", "+"),
        }  # fmt: skip
        command, *rest = read[await self.script.read("TYPE", name)]
        value = await self.script.read(command, name, *rest)
        return sorted(value) if isinstance(value, set) else value


@pytest.fixture
async def bot(server: RedisServer, bot_id: int) -> AsyncIterator[Bot]:
    async with (
        open_script(RedisSettings(url=url_of(server, "brain"), timeout_s=30), bot_id=bot_id) as brain,
        open_script(RedisSettings(url=url_of(server, "agent"), timeout_s=30), bot_id=bot_id, rights="agent") as agents,
    ):
        world = World(brain)
        world.agents = agents
        await world.lead()
        yield Bot(world=world, server=server)


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
        "epoch": bot.world.epoch, "holder": "me", "ttl_ms": 1, "pool": POOL, "name": "x", "job": "x", "call": "x", "task": "u1", "run": "u1.0", "chat": "5",
        "updates": [], "ids": ["u1"], "tasks": ["u1"], "runs": ["u1.0"], "cap": 9, "at_most": 9, "prices": {}, "limits": {}, "display": "t:u1", "address": "http://x",
        "from": "5", "to": "6", "secret": "0", "since": 0, "stream": "inbox", "entries": [], "version": 1, "slot": 0, "part": 0, "due_ms": 1,
    })  # fmt: skip

    for prefix in (bot.key(""), bot.key("agent", ""), bot.key("agent", "run", "x")):
        with plain(bot.server, "agent") as thief, pytest.raises(redis.ResponseError):
            thief.execute_command("EVALSHA", digest("leader"), 1, prefix, op, args)

    assert await bot.all_but_the_agents() == before


async def test_another_bots_chats_are_as_closed(bot: Bot) -> None:
    with plain(bot.server, "agent") as thief, pytest.raises(redis.ResponseError, match="perm"):
        thief.lrange("oc:1:turns:5", 0, -1)


# ---- what a taken-over agent can still do


async def test_it_can_claim_what_waits_read_that_history_and_answer_it_falsely(bot: Bot) -> None:
    await bot.answer(chat=5, text="before", answer="said before")
    one = await bot.hand_over(chat=5)
    thief = bot.world.work("job-of-a-thief")
    run = await thief.claim()
    assert run is not None
    assert [turn.text for turn in run.history] == ["before", "said before"]
    await thief.end(run, answered("a lie"))
    assert await bot.adopt(run) is Became.ENDED

    assert await bot.world.displays.answer(f"t:{one.id}") == "a lie"


async def test_it_cannot_answer_for_a_run_that_another_has_without_its_secret(bot: Bot) -> None:
    one = await bot.hand_over(chat=5)
    honest = bot.world.work("job-1")
    thief = bot.world.work("job-of-a-thief")
    run = await honest.claim()
    assert run is not None
    guessed = Run(name=f"{one.id}.{'0' * 32}", task=one, snapshot=ORDER, history=(), attempt=1, last=False)
    with pytest.raises(LostOwnership):
        await thief.end(guessed, answered("a lie"))
    with plain(bot.server, "agent") as forged:  # a run that the leader never made
        forged.hset(bot.key("agent", "run", guessed.name), mapping={"job": "x", "result": "{}"})
        forged.rpush(bot.key("agent", "news"), guessed.name)
    assert await bot.adopt(guessed) is Became.GONE
    await honest.end(run, answered("the truth"))
    assert await bot.adopt(run) is Became.ENDED

    assert await bot.world.displays.answer(f"t:{one.id}") == "the truth"


async def test_it_learns_of_no_run_that_another_has(bot: Bot) -> None:
    """A Job's name can be guessed, so what stands there of it must not name its run."""
    await bot.hand_over(chat=5)
    honest = bot.world.work("job-1")
    run = await honest.claim()
    assert run is not None
    with plain(bot.server, "agent") as thief:
        state = thief.hget(bot.key("agent", "jobs", POOL), "job-1")

    assert state.startswith("claimed ")
    assert run.name.rpartition(".")[2] not in state


async def test_the_leader_knows_whether_a_job_still_has_what_it_claimed(bot: Bot) -> None:
    await bot.hand_over(chat=5)
    pools = bot.world.pools
    work = bot.world.work("job-1")
    run = await work.claim()
    assert run is not None
    state = (await pools.jobs(POOL))["job-1"]
    assert (state.state, state.task_id) == ("claimed", run.task.id)
    assert await pools.left({"job-1": state.run}) == []
    assert await pools.left({"job-2": state.run}) == ["job-2"]
    assert await work.check_in()
    assert (await pools.jobs(POOL))["job-1"].state == "claimed"

    assert await pools.left({"job-1": f"{run.task.id}.{'0' * 40}"}) == ["job-1"]
    await bot.script.read("DEL", bot.key("agent", "run", run.name))  # as the leader does when the task is stopped
    assert await pools.left({"job-1": state.run}) == ["job-1"]
    assert await work.check_in()
    assert (await pools.jobs(POOL))["job-1"].state == "waiting"


async def test_garbage_in_its_area_costs_no_other_chat_its_answer(bot: Bot) -> None:
    """Rows that cannot be read are skipped: the leader goes on."""
    with plain(bot.server, "agent") as thief:
        for name in ("", "u1", "no such run", "u1.zz", "\x00", "a" * 10_000, bot.key("leader")):
            thief.rpush(bot.key("agent", "news"), name)
        thief.zadd(bot.key("agent", "leases"), {"u99.abc": 1, "garbage": 2})
        thief.hset(
            bot.key("agent", "jobs", POOL),
            mapping={"x": "claimed ", "y": "claimed u99.zz", "z": "\x01", "w": "waiting never"},
        )
    news = bot.world.news
    for heard in await news.adopt((await news.wait(timeout_s=1))[0], epoch=bot.world.epoch):
        assert heard.became is Became.GONE
    await bot.world.pools.jobs(POOL)
    await bot.world.lanes.reconcile(epoch=bot.world.epoch)

    await bot.answer(chat=6, text="hello", answer="as ever")


async def test_it_can_hold_up_its_pool_and_no_message_is_lost_with_it(bot: Bot) -> None:
    one = await bot.hand_over(chat=5)
    with plain(bot.server, "agent") as thief:
        thief.hset(bot.key("agent", "jobs", POOL), "job-1", "retired 1")
    honest = bot.world.work("job-1")
    with pytest.raises(LostOwnership):
        await honest.claim()
    next_one = bot.world.work("job-2")
    run = await next_one.claim()

    assert run is not None
    assert run.task.id == one.id


async def test_it_can_throw_a_waiting_run_away_and_the_leader_finds_it(bot: Bot) -> None:
    one = await bot.hand_over(chat=5)
    with plain(bot.server, "agent") as thief:
        thief.lpop(bot.key("agent", "ready", POOL))
    await bot.world.lanes.reconcile(epoch=bot.world.epoch)
    honest = bot.world.work("job-1")
    run = await honest.claim()

    assert run is not None
    assert run.task.id == one.id


def fill(thief: "redis.Redis", name: str, size: int) -> None:
    for n in range(100_000):
        thief.set(f"{name}-{n}", "x" * size)


async def test_it_can_fill_redis_and_nothing_that_stands_there_goes(bot: Bot) -> None:
    await bot.answer(chat=5, text="hello", answer="kept")
    before = await bot.all_but_the_agents()
    limit = (await bot.script.memory()).used + 4_000_000
    await bot.script.read("CONFIG", "SET", "maxmemory", limit)
    try:
        with plain(bot.server, "agent") as thief:
            for size in (100_000, 100):
                with pytest.raises(redis.OutOfMemoryError):
                    fill(thief, bot.key("agent", "claim.call", size), size)
            with pytest.raises(StoreFull):
                await bot.world.inbox.admit([("inbox", {"update_id": 900})], offset=901, epoch=bot.world.epoch)
        assert await bot.all_but_the_agents() == before
        await bot.script.read("DEL", *await bot.script.read("KEYS", bot.key("agent", "claim.call", "*")))
        assert await bot.world.inbox.admit([("inbox", {"update_id": 900})], offset=901, epoch=bot.world.epoch) == 1
    finally:
        await bot.script.read("CONFIG", "SET", "maxmemory", 256 * 1024 * 1024)


# ---- the exporter


async def test_the_exporter_sees_numbers_and_no_content(bot: Bot) -> None:
    await bot.answer(chat=5, text="a secret", answer="kept")
    with plain(bot.server, "exporter") as exporter:
        assert exporter.info("all")["redis_version"]
        assert exporter.execute_command("LATENCY", "LATEST") == []
        exporter.execute_command("LATENCY", "HISTOGRAM")
        assert exporter.execute_command("SLOWLOG", "LEN") >= 0
        for command in (
            ("SLOWLOG", "GET", "1"), ("CONFIG", "GET", "*"), ("KEYS", "*"), ("SCAN", "0"), ("GET", bot.key("leader")), ("TYPE", bot.key("leader")),
            ("HGETALL", bot.key("task", "u1")), ("CLIENT", "LIST"), ("MONITOR",), ("EVAL", "return 1", 0), ("EVALSHA", digest("agent"), 1, bot.key("agent", "")),
            ("FLUSHALL",), ("ACL", "LIST"), ("SET", "x", "y"), ("PUBLISH", "x", "y"), ("COMMAND", "INFO", "GET"), ("LATENCY", "RESET"),
        ):  # fmt: skip
            with pytest.raises(redis.ResponseError, match="perm"):
                exporter.execute_command(*command)


# ---- everybody else


async def test_nobody_gets_in_without_a_password(bot: Bot) -> None:
    with redis.Redis(port=bot.server.port, retry=ONCE) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.get("x")


@pytest.mark.parametrize("user", ["brain", "agent", "exporter", "default"])
async def test_nobody_gets_in_with_anothers_password(bot: Bot, user: str) -> None:
    for name, password in PASSWORDS.items():
        if name != user:
            with (
                redis.Redis(port=bot.server.port, username=user, password=password, retry=ONCE) as thief,
                pytest.raises(redis.AuthenticationError),
            ):
                thief.ping()


def test_the_passwords_stand_nowhere_in_the_lines() -> None:
    digests = {user: hashlib.sha256(password.encode()).hexdigest() for user, password in PASSWORDS.items()}
    lines = acl_lines(**digests)
    assert not any(password in line for line in lines for password in PASSWORDS.values())
    assert lines[0] == "user default off"


async def test_a_refused_command_is_told_as_a_setting_to_mend(bot: Bot) -> None:
    settings = RedisSettings(url=url_of(bot.server, "agent"), timeout_s=30)
    async with open_script(settings, bot_id=bot.script.keys.bot_id, rights="agent") as script:
        with pytest.raises((StoreMisconfigured, StoreFault)):
            await script.read("INFO")
