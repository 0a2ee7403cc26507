"""What the processes of a run use together, asked of /proc. No limit of the kernel counts that without a control group of its own."""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openclaw_core.sealed.values import RunLimits, RunnerCause
from openclaw_runner import folder as folders

FOLDER_EACH = 4  # turns: searching the folder costs more than asking for processes


@dataclass(frozen=True, slots=True)
class _Status:
    space: int
    memory: int
    threads: int


class Watch:
    """Watches all that this process has started. *processes* are asked about at every turn, the folder at some."""

    def __init__(self, *, folder: Path, limits: RunLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._turn = 0
        mine = _status(os.getpid())
        # What a child has in common with us at its start is not its own. Copies are made as it writes; until then they cost nothing.
        self._shared = mine.memory if mine else 0
        self._space = mine.space if mine else 0

    def look(self) -> tuple[RunnerCause, str] | None:
        """The limit that is passed, with words for it; None if none is."""
        self._turn += 1
        memory = tasks = 0
        for pid in descendants():
            if status := _status(pid):
                # A process that has started another program has given up what it shared, and is smaller than we are.
                memory += max(0, status.memory - (self._shared if status.space >= self._space else 0))
                tasks += status.threads
            if tasks > self._limits.processes:
                return (
                    RunnerCause.TOO_MANY_PROCESSES,
                    f"it had more than {self._limits.processes} processes and threads",
                )
        if memory > self._limits.memory_bytes:
            return RunnerCause.OUT_OF_MEMORY, f"it used more than {self._limits.memory_bytes >> 20} MiB of memory"
        return self._look_at_folder() if self._turn % FOLDER_EACH == 1 else None

    def _look_at_folder(self) -> tuple[RunnerCause, str] | None:
        size, entries = folders.size(self._folder, most_entries=self._limits.folder_entries)
        size += nameless()
        if entries > self._limits.folder_entries:
            return RunnerCause.FOLDER_LIMIT, f"it made more than {self._limits.folder_entries} files"
        if size > self._limits.folder_bytes:
            return (
                RunnerCause.FOLDER_LIMIT,
                f"its files were larger than {self._limits.folder_bytes >> 20} MiB together",
            )
        return None


def descendants() -> Iterator[int]:
    """All processes that this one has started, and those that they have. Orphans are ours too: we are their subreaper."""
    left = list(_children(os.getpid()))
    while left:
        pid = left.pop()
        yield pid
        left.extend(_children(pid))


def nameless() -> int:
    """Bytes of files that the descendants have open and that have no name any more: they take room, and no folder shows them."""
    found = {}
    for pid in descendants():
        with contextlib.suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    status = os.stat(f"/proc/{pid}/fd/{number}")
                    if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                        found[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(found.values())


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                found += map(int, children.read().split())
    return found


def _status(pid: int) -> _Status | None:
    """Of a process that is there and is no zombie. Memory is what nobody else has: neither programs nor libraries count."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            values = dict(line.split(":", 1) for line in file if ":" in line)
        kib = {name: int(values[name].split()[0]) for name in ("VmSize", "RssAnon", "RssShmem")}
        return _Status(kib["VmSize"] << 10, (kib["RssAnon"] + kib["RssShmem"]) << 10, int(values["Threads"]))
    except (OSError, KeyError, ValueError):
        return None
