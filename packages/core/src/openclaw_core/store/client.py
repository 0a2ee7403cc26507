"""The connection: where Redis is, which settings it must have, and the one script that holds all atomic steps."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.client import NEVER_DECODE

from openclaw_core import logs
from openclaw_core.errors import StoreFault, StoreMisconfigured, StoreUnavailable
from openclaw_core.store.redis_faults import NoReplicas, translated
from openclaw_core.store.server import WANTED, Memory, Server, memory_of, server_fault, server_of
from openclaw_core.store.step_values import compact, pairs, without_none

log = logs.get(__name__)
T = TypeVar("T")
PROBE = "return redis.call('DEL', KEYS[1])"
"""A write that changes nothing, which a full server takes as well."""
MEMORY = """local info = redis.call('INFO', 'memory')
return {'used_memory', info:match('used_memory:(%d+)') or '', 'maxmemory', info:match('maxmemory:(%d+)') or ''}"""
"""Two of the fields that INFO tells of memory: all of them are 1.5 kB, and a leader asks every two seconds."""
IN_BYTES = ("claim", "grown")
"""Steps that give bytes for strings: a packed order is no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """Where Redis is. *url* carries the password, so it stays out of every repr. *timeout_s* bounds each call that does not block.

    *stated* are settings of a server that does not tell them, as the operator states them.
    """

    url: str = field(repr=False)
    timeout_s: float = 5.0
    stated: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of keys: `oc:<bot id>:` and what `docs/data.md` lists."""

    bot_id: int

    @property
    def prefix(self) -> str:
        return f"oc:{self.bot_id}:"

    def __call__(self, *parts: object) -> str:
        return self.prefix + ":".join(str(part) for part in parts)


Rights = Literal["leader", "agent"]


@cache
def source(rights: Rights) -> str:
    """The script of the leader, or the smaller one of agents: the Lua files of their folders, joined in the order of their names."""
    lua = Path(__file__).with_name("lua")
    files = [file for folder in ("shared", rights) for file in sorted((lua / folder).glob("*.lua"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@cache
def digest(rights: Rights) -> str:
    """The name under which a server keeps a script."""
    return hashlib.sha1(source(rights).encode(), usedforsecurity=False).hexdigest()


class Script:
    """Calls steps of the script, and plain reads, with errors translated. Safe to share between tasks."""

    def __init__(
        self,
        redis: "Redis",
        keys: Keys,
        *,
        rights: Rights = "leader",
        timeout_s: float = 5.0,
        stated: Mapping[str, str] | None = None,
    ) -> None:
        self.redis = redis
        self._rights: Rights = rights
        self.keys = keys
        self._timeout_s = timeout_s
        self._stated = stated or {}
        self._ready = False
        self._ahead_s = 0.0
        """Redis' clock less ours, too large by no more than a round trip."""
        self.timed: Callable[[float], None] | None = None
        """Told how many seconds each round trip of steps took that came back."""
        self._calls: set[asyncio.Future[Any]] = set()

    async def _shielded(self, call: Coroutine[Any, Any, T]) -> T:
        """Run *call* to completion even if the caller is cancelled.

        redis-py 8.1 can lose a cancellation that arrives during a read (more than half of them in a tight loop), and
        breaks its connection. So the call runs in a task of its own: the caller is cancelled at once, and the command
        finishes in the background.
        """
        task = asyncio.ensure_future(call)
        self._calls.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def _over(self, task: "asyncio.Future[Any]") -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever waited has been cancelled, or has it too

    async def close(self) -> None:
        """End what still runs behind cancelled callers, then the connections."""
        for _ in range(20):
            if not self._calls:
                break
            for task in self._calls:
                task.cancel()
            await asyncio.wait(self._calls, timeout=0.1)
        await self.redis.aclose()

    async def step(self, op: str, **args: Any) -> Any:
        """Run one step. Integers, strings and lists come back as Redis gives them, strings of `IN_BYTES` as bytes.

        Raises StoreUnavailable, StoreFull (nothing was written) and StoreMisconfigured.
        """
        return (await self.steps([(op, args)]))[0]

    async def steps(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        """Run steps in order in one round trip; each is atomic by itself. Raises as `step`, for the first that failed.

        A step that Redis gets to only after our time-out is refused there: we would not get its reply.
        """
        if not calls:
            return []
        began = time.monotonic()
        with translated():
            results = await self._shielded(self._run(calls))
        if self.timed is not None:
            self.timed(time.monotonic() - began)
        return results

    async def _run(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        done: list[Any] = []
        for _ in range(3):
            if not self._ready:
                await self._load()
            by_ms = round((time.monotonic() + self._ahead_s + self._timeout_s) * 1000)
            prefix = self.keys.prefix if self._rights == "leader" else self.keys("agent", "")
            pipe = self.redis.pipeline(transaction=False)
            for op, args in calls[len(done) :]:
                options = {NEVER_DECODE: True} if op in IN_BYTES else {}
                body = compact({**without_none(args), "by_ms": by_ms})
                pipe.execute_command("EVALSHA", digest(self._rights), 1, prefix, op, body, **options)
            for result in await pipe.execute(raise_on_error=False):
                if isinstance(result, exceptions.NoScriptError) or _is_late(result):
                    # A restarted Redis has forgotten the script; or its clock, or ours, was set. This step has not run, nor any after it.
                    self._ready = False
                    break
                if isinstance(result, Exception):
                    raise result
                done.append(result)
            if len(done) == len(calls):
                return done
        raise StoreUnavailable("Redis does not have the script, or is too slow")

    async def _load(self) -> None:
        """Learn Redis' clock; a brain loads the scripts, also that of its agents, who may not and wait for it."""
        pipe = self.redis.pipeline(transaction=False)
        pipe.execute_command("TIME")
        for rights in ("leader", "agent") if self._rights == "leader" else ():
            pipe.script_load(source(rights))
        sent = time.monotonic()
        (seconds, micros), *_ = await pipe.execute()
        self._ready, self._ahead_s = True, int(seconds) + int(micros) / 1e6 - sent

    async def read(self, command: str, *args: Any) -> Any:
        """One plain command, such as HMGET. Raises as `step`."""
        with translated():
            return await self._shielded(self.redis.execute_command(command, *args))  # type: ignore[no-untyped-call]

    async def read_bytes(self, command: str, *args: Any) -> Any:
        """As `read`, for a value that is no text."""
        with translated():
            return await self._shielded(self.redis.execute_command(command, *args, **{NEVER_DECODE: True}))  # type: ignore[no-untyped-call]

    async def reads(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Plain commands in one round trip. Raises as `step`. What is at a key of another type than the command's reads as None."""
        if not commands:
            return []
        with translated():
            pipe = self.redis.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            results = await self._shielded(pipe.execute(raise_on_error=False))
            for n, result in enumerate(results):
                if isinstance(result, exceptions.ResponseError) and str(result).startswith("WRONGTYPE"):
                    log.error("store.fault", kind="WRONGTYPE", command=commands[n][0])
                    results[n] = None
                elif isinstance(result, Exception):
                    raise result
        return list(results)

    async def wait_for(self, key: str, *, timeout_s: float) -> bool:
        """Block until a wake-up is in the list *key*, at most *timeout_s*; True if one was taken."""
        return await self._waited(timeout_s, "BLPOP", key, timeout_s) is not None

    async def pop(self, key: str, *, at_most: int, timeout_s: float) -> list[str]:
        """Take up to *at_most* from the head of the list *key*, waiting at most *timeout_s* for the first."""
        taken = await self._waited(timeout_s, "BLMPOP", timeout_s, 1, key, "LEFT", "COUNT", at_most)
        return list(taken[1]) if taken else []

    async def _waited(self, timeout_s: float, command: str, *args: Any) -> Any:
        with translated():
            async with asyncio.timeout(timeout_s + 5):
                return await self.read(command, *args)

    async def check(self) -> Server:
        """Refuse a server that is of no supported kind (`docs/redis.md`) or would lose data; gives who it is.

        Raises StoreMisconfigured with a sentence for the operator, StoreUnavailable.
        """
        with translated():
            info, config = await self._shielded(self._asked())
        if not info:
            raise StoreMisconfigured("the server does not say what it is: INFO has to be allowed")
        if fault := server_fault(info, config, self._stated):
            raise StoreMisconfigured(fault)
        await self._probe()
        return server_of(info)

    async def memory(self) -> Memory:
        """How much memory the server uses, and may use."""
        with translated():
            return memory_of(await self._shielded(self._told("EVAL", MEMORY, "0")))

    async def _asked(self) -> tuple[dict[str, str], dict[str, str]]:
        """INFO, and the settings that matter."""
        info = await self._told("INFO")
        config: dict[str, str] = {}
        for name in WANTED:
            config |= await self._told("CONFIG", "GET", name)
        return info, config

    async def _told(self, *command: str) -> dict[str, str]:
        """The reply to INFO or CONFIG as a mapping, empty where the command is not allowed."""
        try:
            reply = await self.redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except exceptions.AuthenticationError:
            raise
        except exceptions.ResponseError as exc:
            if str(exc).startswith(("LOADING", "BUSY", "WRONGPASS", "NOAUTH")):
                raise
            return {}
        if isinstance(reply, str):
            rows = (row.partition(":") for row in reply.splitlines() if not row.startswith("#"))
            return {name: value.strip() for name, _, value in rows if name}
        return {str(name): str(value) for name, value in pairs(reply).items()}

    async def _probe(self) -> None:
        """Whether scripts and writes are allowed."""
        try:
            with translated():
                await self._shielded(self._evaluated(PROBE))
        except NoReplicas as exc:
            raise StoreMisconfigured(str(exc)) from None
        except StoreFault:
            raise StoreMisconfigured(
                "the server refuses scripts or writes: EVAL has to be allowed, on all keys of the bot"
            ) from None

    async def _evaluated(self, script: str) -> Any:
        return await self.redis.execute_command("EVAL", script, 1, self.keys("probe"))  # type: ignore[no-untyped-call]


def _is_late(result: Any) -> bool:
    return isinstance(result, exceptions.ResponseError) and str(result).startswith("LATE")


@asynccontextmanager
async def open_script(settings: RedisSettings, *, bot_id: int, rights: Rights = "leader") -> AsyncIterator[Script]:
    """Connect lazily; close at the end. Nothing is retried here: the callers' loops decide what a failure means."""
    redis = Redis.from_url(
        settings.url,
        decode_responses=True,
        encoding_errors="replace",  # an agent that is taken over may write bytes that are no text
        socket_timeout=settings.timeout_s,
        socket_connect_timeout=settings.timeout_s,
        # Retries of the client would repeat steps whose fate is unknown and stretch every deadline.
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
        # An agent connects for each task, where it does one. The greeting of protocol 3 and the name of the client cost 0.5 kB then.
        protocol=2,
        driver_info=None,
    )
    script = Script(redis, Keys(bot_id), rights=rights, timeout_s=settings.timeout_s, stated=settings.stated)
    try:
        yield script
    finally:
        await script.close()
