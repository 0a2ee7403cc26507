"""What the supervisor and a sealed child give up, in which order, and the proof that it is gone.

A part can be left out, by tests alone: they show that the attack which it refuses would succeed without it.
"""

import errno
import os
import resource
import signal
import socket
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import openclaw_core.sealed
import openclaw_runner
from openclaw_core.sealed.values import MIB, RunLimits
from openclaw_runner.kernel import filters, landlock
from openclaw_runner.kernel.bpf import Rule
from openclaw_runner.kernel.calls import (
    PR_GET_NO_NEW_PRIVS,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    NotAvailable,
    prctl,
    syscall,
)
from openclaw_runner.kernel.landlock import Allowed


class SealPart(StrEnum):
    """One part of the sealing."""

    FILES = "files"  # Landlock: paths
    NETWORK = "network"  # Landlock: TCP
    SCOPE = "scope"  # Landlock: signals, abstract sockets
    FILTER = "filter"  # seccomp
    PRIVILEGES = "privileges"  # no_new_privs, and a memory that no other process may read
    LIMITS = "limits"  # rlimits of each process
    WATCH = "watch"  # what all processes of a run use together
    ENVIRONMENT = "environment"
    DESCRIPTORS = "descriptors"
    GROUP = "group"  # one process group, killed as a whole
    REGULAR = "regular"  # what is collected are regular files with one name


EVERY = frozenset(SealPart)

THREAD_STACK = 9 * MIB  # of address space, which each thread reserves and hardly fills
PATIENT = 5  # how much nicer sealed code is than who watches it

_READABLE = (Path("/usr"), Path("/lib"), Path("/lib64"), Path("/bin"))
_SINGLE_FILES = (Path("/etc/ld.so.cache"), Path("/etc/localtime"), Path("/dev/zero"), Path("/dev/random"), Path("/dev/urandom"))  # fmt: skip


@cache
def libraries() -> tuple[Allowed, ...]:
    """Python, its libraries, the system's programs, and of our own code what runs inside the seal."""
    ours = {Path(openclaw_runner.__file__).parent, Path(openclaw_core.sealed.__file__).parent}
    python = {Path(path) for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))}
    packages = {Path(path) for path in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))}
    shared = Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib")
    compiled = {Path(sys.pycache_prefix)} if sys.pycache_prefix else set()
    folders = {path.resolve() for path in {*_READABLE, *compiled, *ours, *python, *packages, shared}}
    return (
        *(Allowed(path, landlock.READ_AND_EXECUTE) for path in sorted(folders)),
        *(Allowed(path, landlock.READ_FILE) for path in _SINGLE_FILES),
        Allowed(Path("/dev/null"), landlock.READ_FILE | landlock.WRITE_FILE),
    )


def _one_thread() -> None:
    """A thread that was started before would stay unsealed."""
    if len(os.listdir("/proc/self/task")) != 1:
        raise NotAvailable("a library has started a thread before the sealing")


def seal_supervisor(*, folder: Path, listener: int, parts: frozenset[SealPart] = EVERY) -> None:
    """Leave this process the libraries, its work folder, and connections of *listener*. Raises NotAvailable."""
    landlock.require()
    _one_thread()
    try:
        # Whatever a run leaves behind becomes a child of ours, and can be ended.
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        if SealPart.PRIVILEGES in parts:
            prctl(PR_SET_NO_NEW_PRIVS, 1)
            prctl(PR_SET_DUMPABLE, 0)
        _restrict([*libraries(), Allowed(folder, landlock.OWN_FOLDER), Allowed(Path("/proc"), landlock.READ)], parts)
        if SealPart.FILTER in parts:
            filters.install(filters.supervisor(listener))
    except OSError as exc:
        raise NotAvailable(f"the kernel refuses to seal: {exc.filename or ''} {exc.strerror}") from exc
    _prove(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSeal:
    """What a child is left with."""

    folder: Path
    limits: RunLimits
    rules: tuple[Rule, ...] = filters.CODE
    parts: frozenset[SealPart] = EVERY

    def apply(self) -> None:
        """Seal this process. Only 0, 1 and 2 of its descriptors stay open. Raises NotAvailable."""
        try:
            self._apply()
        except OSError as exc:
            raise NotAvailable(f"the kernel refuses to seal: {exc.filename or ''} {exc.strerror}") from exc
        _prove(self.parts)

    def _apply(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.chdir(self.folder)
        os.umask(0o077)
        if SealPart.ENVIRONMENT in self.parts:
            os.environ.clear()
            os.environ.update(environment(self.folder))
        os.nice(PATIENT)
        # The handler counts the files that are open and have no name any more, which is a look into the process.
        prctl(PR_SET_DUMPABLE, 1)
        if SealPart.LIMITS in self.parts:
            _limit(self.limits)
        _restrict([*libraries(), Allowed(self.folder, landlock.OWN_FOLDER)], self.parts)
        if SealPart.FILTER in self.parts:
            filters.install(self.rules)


def environment(folder: Path) -> Mapping[str, str]:
    """All variables that code sees."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "MPLBACKEND": "agg",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def close_descriptors() -> None:
    """Close all but standard input, output and error."""
    syscall("close_range", 3, 0x7FFFFFFF, 0)


def _limit(limits: RunLimits) -> None:
    here = _address_space()
    space = here + limits.memory_bytes + limits.processes * THREAD_STACK
    # A second line: the handler ends a run by the clock. At the soft limit the signal says why, at the hard one it would not.
    cpu = 4 * int(limits.seconds) + 2
    for which, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(which, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    # Counted over all processes of this user, on a node also over those of other pods: a second line, far above what one run may have.
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    backstop = 4096 if most == resource.RLIM_INFINITY else min(4096, most)
    resource.setrlimit(resource.RLIMIT_NPROC, (backstop, backstop))


def _address_space() -> int:
    """The virtual memory that this process already has, in bytes: most of it are the imported libraries."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def _restrict(paths: list[Allowed], parts: frozenset[SealPart]) -> None:
    which = {"files": SealPart.FILES in parts, "network": SealPart.NETWORK in parts, "scope": SealPart.SCOPE in parts}
    if any(which.values()):
        landlock.restrict(paths, **which)


def _prove(parts: frozenset[SealPart]) -> None:
    """Try what must fail. Raises NotAvailable if it does not: a kernel that accepts a seal and does not keep it must run nothing."""
    if SealPart.PRIVILEGES in parts and prctl(PR_GET_NO_NEW_PRIVS) != 1:
        raise NotAvailable("the sealed process could gain privileges")
    if SealPart.FILES in parts and not _fails(lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)), errno.EACCES):
        raise NotAvailable("the sealed process could read foreign files")
    if SealPart.FILTER in parts and not _fails(
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(), errno.EPERM
    ):
        raise NotAvailable("the sealed process could open sockets")


def _fails(attempt: object, wanted: int) -> bool:
    try:
        attempt()  # type: ignore[operator]
    except OSError as exc:
        return exc.errno == wanted
    return False
