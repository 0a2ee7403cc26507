"""A supervisor as a process for tests: as root or as nobody, whole or with parts of the sealing left out."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from openclaw_core.sealed import RunnerClient
from openclaw_runner.kernel import landlock
from openclaw_runner.kernel.calls import NotAvailable

NOBODY = 65534
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where files are in memory, as in a pod; None where this machine has no such place."""
MAIN = """
import sys
from pathlib import Path
socket, folder, requests, left_out, uid, libraries = sys.argv[1:]
import os
import ctypes, asyncio, subprocess, multiprocessing, sqlite3, csv, json, resource, shutil, traceback, linecache, tempfile, mmap, encodings.idna, encodings.ascii, encodings.latin_1, encodings.utf_8_sig  # noqa
from openclaw_runner.supervisor import Settings, serve
from openclaw_runner.seals import EVERY, SealPart
from openclaw_runner import preload, seals
seals.libraries()
libraries = tuple(filter(None, libraries.split(",")))
if int(uid) != os.geteuid():
    # Its own libraries may lie where another user cannot read.
    preload.preload(libraries)
    os.setgroups([]); os.setresgid(int(uid), int(uid), int(uid)); os.setresuid(int(uid), int(uid), int(uid))
parts = EVERY - {SealPart(name) for name in left_out.split(",") if name}
serve(Settings(socket=Path(socket), folder=Path(folder), requests=int(requests), libraries=libraries), parts=parts)
"""


def cannot_seal() -> str:
    """Why this machine cannot seal; empty where it can."""
    try:
        landlock.require()
    except NotAvailable as exc:
        return str(exc)
    return ""


needs_sealing = pytest.mark.skipif(bool(cannot_seal()), reason=cannot_seal() or "it can")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A supervisor that runs."""

    process: subprocess.Popen[bytes]
    socket: Path
    folder: Path

    @property
    def client(self) -> RunnerClient:
        return RunnerClient(self.socket, spare_s=120)  # a busy machine is slow


@contextlib.contextmanager
def runner(
    *,
    requests: int = 1000,
    left_out: Sequence[str] = (),
    uid: int | None = None,
    libraries: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> Iterator[Runner]:
    """Start a supervisor and wait until it listens. Its folders are in memory where the machine has some."""
    uid = os.geteuid() if uid is None else uid
    with tempfile.TemporaryDirectory(prefix="sealed-") as place, tempfile.TemporaryDirectory(dir=MEMORY) as work:
        for path in (place, work):
            os.chmod(path, 0o711)  # noqa: S103 - entered by another user, not listed
            if os.geteuid() == 0:
                os.chown(path, uid, uid)
        socket = Path(place, "runner.sock")
        arguments = [str(socket), work, str(requests), ",".join(left_out), str(uid), ",".join(libraries)]
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *arguments],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", **(environment or {})},
            stdin=subprocess.PIPE,
        )
        try:
            until = time.monotonic() + 120
            while not socket.exists():
                assert process.poll() is None, "the supervisor has ended"
                assert time.monotonic() < until, "the supervisor does not listen"
                time.sleep(0.02)
            yield Runner(process=process, socket=socket, folder=Path(work))
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(30)
            if process.stdin:
                process.stdin.close()


def descendants(pid: int) -> list[int]:
    """All that *pid* has started, parents before children; no zombies."""
    found = []
    # A name with a wildcard alone: a longer pattern looks into processes that may have ended meanwhile.
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found += [int(process.name), *descendants(int(process.name))]
    return found
