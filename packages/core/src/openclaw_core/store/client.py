"""The connection: where Redis is, which settings it must have, and the one script that holds all atomic steps."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from openclaw_core.errors import LostOwnership, StoreFull, StoreMisconfigured, StoreUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """Where Redis is. *url* carries the password, so it stays out of every repr. *timeout_s* bounds each call that does not block."""

    url: str = field(repr=False)
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of keys: `oc:<bot id>:` and what `docs/data.md` lists."""

    bot_id: int

    @property
    def prefix(self) -> str:
        return f"oc:{self.bot_id}:"

    def __call__(self, *parts: object) -> str:
        return self.prefix + ":".join(str(part) for part in parts)


@cache
def source() -> str:
    """The script: the Lua files of this package, joined in the order of their names."""
    files = sorted(Path(__file__).with_name("lua").glob("*.lua"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


class Script:
    """Calls steps of the script, and plain reads, with errors translated. Safe to share between tasks."""

    def __init__(self, redis: "Redis", keys: Keys) -> None:
        self.redis = redis
        self.keys = keys
        self._sha = ""
        self.timed: Callable[[float], None] | None = None
        """Told how many seconds each round trip of steps took that came back."""
        self._calls: set[asyncio.Future[Any]] = set()

    async def _whole(self, call: Coroutine[Any, Any, T]) -> T:
        """Await *call* in a task of its own: the client loses cancellations that meet it in a read (redis-py 8.1, more than half of
        them in a tight loop) and tears its connection. So the caller is cancelled at once, and the call runs to its end behind it."""
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
        """Run one step. Integers, strings and lists come back as Redis gives them.

        Raises StoreUnavailable, StoreFull (nothing was written) and StoreMisconfigured.
        """
        return (await self.steps([(op, args)]))[0]

    async def steps(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        """Run steps in order in one round trip; each is atomic by itself. Raises as `step`, for the first that failed."""
        if not calls:
            return []
        began = time.monotonic()
        with translated():
            results = await self._whole(self._run(calls))
        if self.timed is not None:
            self.timed(time.monotonic() - began)
        return results

    async def _run(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        for _ in range(2):
            if not self._sha:
                self._sha = await self.redis.script_load(source())
            pipe = self.redis.pipeline(transaction=False)
            for op, args in calls:
                pipe.evalsha(self._sha, 1, self.keys.prefix, op, json.dumps(_without_none(args)))
            results = await pipe.execute(raise_on_error=False)
            if any(isinstance(result, exceptions.NoScriptError) for result in results):
                # A restarted Redis has forgotten the script, so no step of this round trip has run.
                self._sha = ""
                continue
            for result in results:
                if isinstance(result, Exception):
                    raise result
            return results
        raise StoreUnavailable("Redis does not keep the script")

    async def read(self, command: str, *args: Any) -> Any:
        """One plain command, such as HMGET. Raises as `step`."""
        with translated():
            return await self._whole(self.redis.execute_command(command, *args))  # type: ignore[no-untyped-call]

    async def reads(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Plain commands in one round trip. Raises as `step`."""
        if not commands:
            return []
        with translated():
            pipe = self.redis.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            return await self._whole(pipe.execute())

    async def wait_for(self, key: str, *, timeout_s: float) -> bool:
        """Block until a wake-up stands in the list *key*, at most *timeout_s*; True if one was taken."""
        with translated():
            async with asyncio.timeout(timeout_s + 5):
                return await self._whole(self._blocking_pop(key, timeout_s)) is not None

    async def _blocking_pop(self, key: str, timeout_s: float) -> Any:
        return await self.redis.blpop([key], timeout=timeout_s)

    async def check(self) -> None:
        """Refuse a Redis that would lose data. Raises StoreMisconfigured, StoreUnavailable."""
        found: dict[str, str] = {}
        for name in ("appendonly", "appendfsync", "maxmemory-policy"):
            reply = await self.read("CONFIG", "GET", name)
            found.update(pairs(reply))
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        wrong = [
            f"{name} is {found.get(name, 'unknown')}, set it to {value}"
            for name, value in wanted.items()
            if found.get(name) != value
        ]
        if wrong:
            raise StoreMisconfigured("Redis would lose messages: " + "; ".join(wrong))


def _without_none(value: Any) -> Any:
    """Drop None from mappings: a JSON null would be a true value in the script."""
    if isinstance(value, Mapping):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def fenced(result: object) -> int:
    """What a leader's step gave. Raises LostOwnership for -1: a newer leader has raised the epoch."""
    value = int(str(result))
    if value < 0:
        raise LostOwnership("a newer leader has raised the epoch")
    return value


def pairs(reply: Any) -> dict[str, str]:
    """A hash as a mapping, whichever shape the protocol's version gives it."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))


class translated:
    """Turn the client's exceptions into ours. The cause is dropped: its text can hold arguments, so users' words."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _tb: object) -> None:
        if exc is None:
            return
        if isinstance(exc, exceptions.AuthenticationError) or (
            isinstance(exc, exceptions.ResponseError) and str(exc).startswith(("WRONGPASS", "NOAUTH", "NOPERM"))
        ):
            raise StoreMisconfigured(
                "Redis refuses the password or the user: check REDIS_PASSWORD or REDIS_URL"
            ) from None
        if isinstance(exc, exceptions.OutOfMemoryError) or (
            isinstance(exc, exceptions.ResponseError) and "OOM" in str(exc)[:60]
        ):
            raise StoreFull("Redis is at its memory limit") from None
        if isinstance(exc, exceptions.ResponseError):
            if str(exc).startswith(("LOADING", "READONLY", "MASTERDOWN", "MISCONF", "BUSY")):
                raise StoreUnavailable("Redis is not ready for writes") from None
            return  # a bug in a step: let it crash, with the step's line in the script
        if isinstance(exc, exceptions.RedisError | OSError | TimeoutError):
            raise StoreUnavailable("Redis does not answer") from None


@asynccontextmanager
async def open_script(settings: RedisSettings, *, bot_id: int) -> AsyncIterator[Script]:
    """Connect lazily; close at the end. Nothing is retried here: the callers' loops decide what a failure means."""
    redis = Redis.from_url(
        settings.url,
        decode_responses=True,
        socket_timeout=settings.timeout_s,
        socket_connect_timeout=settings.timeout_s,
        # Retries of the client would repeat steps whose fate is unknown and stretch every deadline.
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    script = Script(redis, Keys(bot_id))
    try:
        yield script
    finally:
        await script.close()
