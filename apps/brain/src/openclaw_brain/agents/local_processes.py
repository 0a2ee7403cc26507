"""Agents as processes of this machine, with the same code and the same contract as a Job.

On Linux agents are forked from one process that has imported everything (`openclaw_agent.fork_server`); elsewhere each is started anew.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw_brain.agents.exit_codes import cause_of_exit
from openclaw_brain.agents.ports import JobEnded, LaunchFailed, Pool
from openclaw_brain.loops import Loop
from openclaw_core import logs
from openclaw_core.tasks.outcome import Cause

log = logs.get(__name__)
GRACE_S = 6.0
"""An agent hands its task back within 5 s of SIGTERM."""


@dataclass(kw_only=True)
class LocalProcesses:
    """Agents by name. *environment* is what every agent gets. It never holds a task."""

    environment: Mapping[str, str] = field(repr=False)
    forks: bool = sys.platform == "linux"
    fork_server: str = "openclaw_agent.fork_server"
    """Its module: a test's own gives agents that may open pages of this machine."""
    tries_templates: bool = False
    _pools: dict[str, str] = field(default_factory=dict)
    _children: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _fork_server: asyncio.subprocess.Process | None = None
    _ordering: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _ended: asyncio.Queue[JobEnded] = field(default_factory=asyncio.Queue)

    # ---- the port

    async def create(self, name: str, pool: Pool) -> None:
        if name in self._pools:
            return
        env = {**self.environment, **pool.env, "AGENT_JOB": name, "AGENT_POOL": pool.id}
        try:
            if self.forks:
                await self._order({"start": name, "env": env})
            else:
                self._children[name] = child = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "openclaw_agent", env=env, stdin=asyncio.subprocess.DEVNULL
                )
                self._spawn(self._watch(name, child), f"watch {name}")
        except OSError:
            raise LaunchFailed(Cause.NO_ROOM) from None
        self._pools[name] = pool.id

    async def alive(self) -> frozenset[str]:
        return frozenset(self._pools)

    async def delete(self, name: str) -> None:
        await self._signal(name, signal.SIGKILL)

    async def pod(self, template: str) -> Mapping[str, Any]:
        return {}  # an agent is a process with this one's own code

    async def claimed(self, name: str, task_id: str, role: str) -> None:
        return None  # a process has no labels

    async def delete_finished(self, cap: int) -> None:
        return None  # a process that has ended is gone

    def troubles(self) -> Mapping[str, Cause]:
        return {}

    async def watch(self, *, loop_of: Callable[[str], Loop], confirmed: Callable[[str], None]) -> None:
        async def wait() -> float:
            return 10  # there is nothing to ask: the processes report their end

        await loop_of("watch").run(wait)

    async def reachable(self) -> bool:
        return True

    async def next_end(self) -> JobEnded:
        return await self._ended.get()

    async def close(self) -> None:
        """End all agents: they hand their tasks back."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for name in list(self._pools):
                await self._signal(name, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    while self._pools:
                        await asyncio.sleep(0.02)
        if self._fork_server is not None and self._fork_server.stdin is not None:
            self._fork_server.stdin.close()
            await self._fork_server.wait()
        await asyncio.gather(*self._tasks)

    # ---- processes

    async def _order(self, order: Mapping[str, object]) -> None:
        async with self._ordering:  # two creates at once must not start two fork servers
            if self._fork_server is None or self._fork_server.returncode is not None:
                self._fork_server = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", self.fork_server, env=dict(self.environment), stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                self._spawn(self._listen(self._fork_server), "fork server")
            assert self._fork_server.stdin is not None  # noqa: S101 - it was asked for
            self._fork_server.stdin.write(json.dumps(order).encode() + b"\n")
            await self._fork_server.stdin.drain()

    async def _listen(self, fork_server: asyncio.subprocess.Process) -> None:
        assert fork_server.stdout is not None  # noqa: S101 - it was asked for
        async for line in fork_server.stdout:
            said = json.loads(line)
            if "ended" in said:
                await self._gone(said["ended"], said["code"])
        code = await fork_server.wait()
        if code:  # its agents go on; their tasks are recovered by their leases
            log.error("fork_server.ended", code=code)
            for name in list(self._pools):
                self._pools.pop(name, None)

    async def _watch(self, name: str, child: asyncio.subprocess.Process) -> None:
        code = await child.wait()
        self._children.pop(name, None)
        await self._gone(name, code)

    async def _gone(self, name: str, code: int) -> None:
        pool = self._pools.pop(name, "")
        await self._ended.put(JobEnded(name=name, pool=pool, cause=cause_of_exit(code), detail=f"exit {code}"))

    async def _signal(self, name: str, number: int) -> None:
        if name not in self._pools:
            return
        with contextlib.suppress(ProcessLookupError, OSError):
            if name in self._children:
                self._children[name].send_signal(number)
            else:
                await self._order({"signal": name, "number": int(number)})

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def agent_environment(env: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """What an agent gets of the brain's environment: the settings *names*, and what Python needs."""
    keep = (
        "PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "PYTHONWARNINGS", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR",
    )  # fmt: skip
    return {name: env[name] for name in (*keep, *names, *(f"{name}_FILE" for name in names)) if name in env}
