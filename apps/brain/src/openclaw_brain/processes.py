"""The launcher of local runs: an agent is a process of this machine with the same code and the same contract as a Job."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from openclaw_brain.ports import JobEnded, LaunchFailed, Pool
from openclaw_core.outcome import Cause, Exit

GRACE_S = 6.0
"""An agent hands its task back within 5 s of SIGTERM."""


@dataclass(kw_only=True)
class Processes:
    """Children by name. *environment* is what every agent gets; the task never stands in it."""

    environment: Mapping[str, str] = field(repr=False)
    _children: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _watchers: set[asyncio.Task[None]] = field(default_factory=set)
    _ended: asyncio.Queue[JobEnded] = field(default_factory=asyncio.Queue)

    async def create(self, name: str, pool: Pool) -> None:
        if name in self._children:
            return
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "openclaw_agent",
                env={**self.environment, "AGENT_JOB": name, "AGENT_POOL": pool.id},
                stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError:
            raise LaunchFailed(Cause.NO_ROOM) from None
        self._children[name] = child
        watcher = asyncio.create_task(self._watch(name, pool.id, child), name=f"watch {name}")
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, name: str, pool: str, child: asyncio.subprocess.Process) -> None:
        code = await child.wait()
        self._children.pop(name, None)
        await self._ended.put(JobEnded(name=name, pool=pool, cause=cause_of(code), detail=f"exit {code}"))

    async def alive(self) -> frozenset[str]:
        return frozenset(self._children)

    async def delete(self, name: str) -> None:
        child = self._children.get(name)
        if child is not None:
            await _end(child, grace_s=0)

    async def ended(self) -> AsyncIterator[JobEnded]:
        while True:
            yield await self._ended.get()

    async def close(self) -> None:
        """End all children: they hand their tasks back."""
        await asyncio.gather(*(_end(child, grace_s=GRACE_S) for child in list(self._children.values())))
        await asyncio.gather(*self._watchers)


async def _end(child: asyncio.subprocess.Process, *, grace_s: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        if grace_s:
            child.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(grace_s):
                    await child.wait()
                    return
            except TimeoutError:
                pass
        child.kill()
    await child.wait()


def cause_of(code: int) -> Cause | None:
    """The verdict on a process: negative codes are signals."""
    match code:
        case Exit.DONE | Exit.BAD_TASK | Exit.TRY_AGAIN:
            return None  # the agent has said in Redis what it had to say
        case Exit.MISCONFIGURED:
            return Cause.MISCONFIGURED
        case _:
            return Cause.CRASH


def agent_environment(env: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """What an agent may see of our environment: the named settings, and what Python itself needs."""
    keep = (
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "PYTHONPATH",
        "PYTHONWARNINGS",
        "VIRTUAL_ENV",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "OPENCLAW_DATA",
        "TMPDIR",
    )
    return {name: env[name] for name in (*keep, *names, *(f"{name}_FILE" for name in names)) if name in env}
