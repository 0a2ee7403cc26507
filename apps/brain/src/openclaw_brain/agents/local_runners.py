"""Sealed runners of one machine: one process for each agent whose role has a tool that needs one.

It is started when such an agent has claimed a task, so that no other agent pays for its libraries, and ends with the
agent. A request of a task is in no process of another one.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from openclaw_core import child_process, logs
from openclaw_core.roles.values import RUNNER_TOOLS, Roles

log = logs.get(__name__)
REQUESTS = 10_000
"""More than one agent makes."""
END_S = 3.0
PREFIX = "openclaw-runners-"
"""Of the folder of all runners of a brain; its process and a word of its own follow."""
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it, that only this user may enter


def can_run() -> str:
    """Why no runner can be started here; empty where one can. An old kernel is the runner's own to tell."""
    if sys.platform != "linux":
        return "code runs sealed on Linux alone"
    missing = [name for name in ("openclaw_runner", "numpy", "pandas", "matplotlib") if find_spec(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


@dataclass(kw_only=True)
class LocalRunners:
    """Runners by the name of their agent.

    *environment* is what each gets, without any secret; *needs* says whether a role has tools that need one.
    """

    environment: Mapping[str, str] = field(repr=False)
    needs: Callable[[str], bool]
    _running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _root: Path = field(default_factory=lambda: _place() / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}")

    @classmethod
    def of(cls, roles: Roles, environment: Mapping[str, str]) -> "LocalRunners | None":
        """Runners for the agents of *roles*; None if no role needs one, or none can be started here."""
        needing = {name for name, role in roles.roles.items() if RUNNER_TOOLS.intersection(role.functions)}
        if not needing:
            return None
        if why := can_run():
            log.warning("runner.not_available", hint=why)
            return None
        return cls(environment=environment, needs=needing.__contains__)

    def socket_of(self, name: str) -> Path:
        """Where the runner of the agent *name* listens, once it is needed."""
        return self._root / name / "runner.sock"

    async def start(self, name: str, role: str) -> None:
        """Start the runner of the agent *name*, unless it is there or no tool of its *role* needs one."""
        if not self.needs(role):
            return
        async with self._starting:
            if name in self._running:
                return
            socket = self.socket_of(name)
            work = socket.with_name("work")
            if not self._root.exists():
                await asyncio.to_thread(_remove_left_behind, self._root.parent)
                self._root.mkdir(mode=0o700)
            work.mkdir(parents=True, exist_ok=True)
            self._running[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "openclaw_runner", "--socket", str(socket), "--folder", str(work),
                "--requests", str(REQUESTS), "--parent", str(os.getpid()), env=dict(self.environment), stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            log.info("runner.started", job=name)

    async def end(self, name: str) -> None:
        """End the runner of an agent that is gone, with all that it runs."""
        async with self._starting:
            process = self._running.pop(name, None)
        if process is None:
            return
        if not await child_process.end(process, within_s=END_S):
            log.warning("runner.not_ended", job=name)
        await asyncio.to_thread(shutil.rmtree, self._root / name, ignore_errors=True)

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*(self.end(name) for name in list(self._running)))
        await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)


def _place() -> Path:
    return MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def _remove_left_behind(place: Path) -> None:
    """Remove the folders of brains that were killed: they could remove nothing."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another brain that starts now has removed it
            if folder.stat().st_uid == os.getuid() and not Path("/proc", folder.name.split("-")[-2]).exists():
                shutil.rmtree(folder, ignore_errors=True)
