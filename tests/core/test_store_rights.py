"""Two users of Redis: a brain may do all, an agent what its answers need, and nothing else."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from openclaw_core.errors import LostOwnership
from openclaw_core.outcome import Cause
from openclaw_core.store import RedisSettings, open_script
from openclaw_core.store.client import source
from openclaw_core.store.rights import acl_lines
from openclaw_core.work import Answered, GaveUp
from tests.core.store_world import World, task
from tests.redis_server import SERVERS, RedisServer

DENIED = r"(?i)no permission|NOPERM|ACL|can't access"
BRAIN, AGENT = "brain's", "agent's"


def sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


@pytest.fixture(scope="module", params=list(SERVERS))
def locked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = SERVERS[request.param]()
    if program is None:
        pytest.skip("the oldest supported Redis is not here: OPENCLAW_OLDEST_REDIS names it")
    folder = tmp_path_factory.mktemp("locked")
    (folder / "users.acl").write_text("\n".join(acl_lines(brain=sha256(BRAIN), agent=sha256(AGENT))) + "\n")
    with RedisServer.start(folder, "--aclfile", str(folder / "users.acl"), program=program) as server:
        yield server


@dataclass
class Locked:
    world: World
    agent: Redis
    """A connection of its own, with the agent's password: what a taken-over agent may try."""
    prefix: str


@pytest.fixture
async def users(locked: RedisServer, bot_id: int) -> AsyncIterator[Locked]:
    as_brain = RedisSettings(url=locked.url.replace("//", f"//brain:{BRAIN}@"), timeout_s=30)
    as_agent = RedisSettings(url=locked.url.replace("//", f"//agent:{AGENT}@"), timeout_s=30)
    async with (
        open_script(as_brain, bot_id=bot_id) as script,
        open_script(as_agent, bot_id=bot_id, rights="agent") as agents,
    ):
        world = World(script)
        world.agents = agents
        world.agent = world.work()
        await world.lead()
        yield Locked(world, agents.redis, script.keys.prefix)


async def test_an_agent_may_do_all_that_its_answers_need(users: Locked) -> None:
    world = users.world
    await world.agent.check_in()
    await world.agent.wait(timeout_s=0.01)
    await world.ready(task(1))
    run = await world.claim()
    await world.agent.renew(run)
    await world.agent.check(run)
    await world.agent.amend(run, "said")
    assert await world.agent.write(run, "So")
    assert await world.agent.grown(run) is not None
    await world.hear()
    await world.answered(run)
    await world.failed(await world.claimed(task(2)))
    await world.agent.retire()
    assert await world.history() == [("user", "said"), ("assistant", "42"), ("user", "hello")]


def forbidden(prefix: str) -> dict[str, tuple[object, ...]]:
    """What an agent's password must not open, by what it would be good for."""
    run = f"{prefix}agent:run:"
    return {
        "read what a chat has said": ("LRANGE", f"{prefix}turns:1", 0, -1),
        "read a task": ("HGETALL", f"{prefix}task:u1"),
        "read an answer": ("GET", f"{prefix}answer:u1"),
        "forge an update": ("XADD", f"{prefix}inbox", "*", "u", "1"),
        "read updates": ("XRANGE", f"{prefix}inbox", "-", "+"),
        "forge a turn": ("RPUSH", f"{prefix}turns:1", "{}"),
        "forge an answer": ("SET", f"{prefix}answer:u1", "x"),
        "forge a notice": ("HSET", f"{prefix}notice:x", "chat", "1"),
        "let a lane go": ("DEL", f"{prefix}busy:1"),
        "take the lead": ("SET", f"{prefix}leader", "me"),
        "raise the epoch": ("SET", f"{prefix}epoch", "99"),
        "change a prompt": ("SET", f"{prefix}agent:order:x", "{}"),
        "drop a prompt": ("DEL", f"{prefix}agent:order:x"),
        "read another bot": ("HGETALL", "oc:999:task:u1"),
        "write outside": ("SET", "x", "1"),
        "find the runs of others": ("KEYS", "*"),
        "walk over all keys": ("SCAN", "0"),
        "read a whole run": ("HGETALL", f"{run}u1.ff"),
        "look at the leases": ("ZRANGE", f"{prefix}agent:leases", 0, -1),
        "look at who waits": ("LRANGE", f"{prefix}agent:ready:p", 0, -1),
        "empty the server": ("FLUSHALL",),
        "empty the database": ("FLUSHDB",),
        "read settings": ("CONFIG", "GET", "*"),
        "stop it": ("SHUTDOWN",),
        "listen to all": ("MONITOR",),
        "see other clients": ("CLIENT", "LIST"),
        "read the users": ("ACL", "LIST"),
        "copy it": ("REPLICAOF", "evil", "1"),
        "load a script": ("SCRIPT", "LOAD", "return 1"),
        "run one of its own": ("EVAL", "return 1", 0),
        "run one that only reads": ("EVAL_RO", "return 1", 0),
        "load a function": ("FUNCTION", "LIST"),
        "publish": ("PUBLISH", "x", "y"),
        "move a key out": ("RENAME", f"{run}u1.ff", "x"),
        "see what a key is": ("OBJECT", "ENCODING", f"{run}u1.ff"),
        "dump it": ("DUMP", f"{run}u1.ff"),
    }  # fmt: skip


@pytest.mark.parametrize("wish", list(forbidden("")))
async def test_an_agent_may_do_nothing_else(users: Locked, wish: str) -> None:
    await users.world.claimed(task(1))
    with pytest.raises(NoPermissionError):
        await users.agent.execute_command(*forbidden(users.prefix)[wish])  # type: ignore[no-untyped-call]


async def test_the_leaders_script_gives_an_agent_no_more(users: Locked) -> None:
    """It stands in the same server, and runs with the rights of who calls it."""
    await users.world.claimed(task(1))
    leader = hashlib.sha1(source("leader").encode(), usedforsecurity=False).hexdigest()
    for op, args in (
        ("take_lead", '{"holder":"me","ttl_ms":8000}'),
        ("fail_task", '{"task":"u1","cause":"crash","alone":true}'),
        ("begin_alone", '{"task":"u9","chat":"1"}'),
    ):
        with pytest.raises(Exception, match=DENIED):
            await users.agent.execute_command("EVALSHA", leader, 1, users.prefix, op, args)  # type: ignore[no-untyped-call]
    area = f"{users.prefix}agent:"
    with pytest.raises(Exception, match=DENIED):
        await users.agent.execute_command("EVALSHA", leader, 1, area, "take_lead", '{"holder":"me","ttl_ms":8000}')  # type: ignore[no-untyped-call]
    assert await users.world.state(task(1)) == "running"


async def test_nobody_gets_in_without_a_password(locked: RedisServer) -> None:
    async with Redis.from_url(locked.url) as nobody:
        with pytest.raises(Exception, match=r"(?i)authenticated|authentication required"):
            await nobody.execute_command("GET", "x")  # type: ignore[no-untyped-call]


async def test_an_agent_that_knows_only_its_own_run_cannot_write_into_another(users: Locked) -> None:
    world = users.world
    mine, others = await world.claimed(task(1)), await world.claimed(task(2, chat=2))
    guess = others.name.rpartition(".")[0] + "." + mine.name.rpartition(".")[2]
    assert await world.agents.step("write", run=guess, job="job-1", at=0, piece="forged") == -1
    await users.agent.execute_command("HSET", f"{users.prefix}agent:run:{guess}", "result", '{"kind":"answered"}')  # type: ignore[no-untyped-call]
    await users.agent.execute_command("RPUSH", f"{users.prefix}agent:news", guess)  # type: ignore[no-untyped-call]
    await world.hear()
    assert await world.state(task(2, chat=2)) == "running"
    assert await users.world.script.read("EXISTS", f"{users.prefix}agent:run:{guess}") == 0


async def test_the_passwords_stand_nowhere_in_the_lines() -> None:
    lines = acl_lines(brain=sha256(BRAIN), agent=sha256(AGENT))
    assert not any(BRAIN in line or AGENT in line for line in lines)
    assert lines[0] == "user default off"


async def test_a_failure_of_an_agent_is_heard_by_the_brain(users: Locked) -> None:
    run = await users.world.claimed(task(1))
    assert await users.world.agent.end(run, GaveUp(cause=Cause.TOO_LONG))
    await users.world.hear()
    assert (await users.world.opened("t:u1")).cause is Cause.TOO_LONG


async def test_a_late_agent_is_refused(users: Locked) -> None:
    run = await users.world.claimed(task(1))
    await users.world.pools.lost("u1", Cause.CRASH, epoch=users.world.epoch)
    with pytest.raises(LostOwnership):
        await users.world.agent.end(run, Answered(markdown="late", usage={}))
