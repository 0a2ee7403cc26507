"""Landlock: which files and TCP ports a process and its children may use, and whom they may signal. Given up for good."""

import contextlib
import ctypes
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from openclaw_runner.kernel.calls import NotAvailable, machine, syscall

ABI_NEEDED = 6
"""Linux 6.12. Version 1 knows files, 2 moves between folders, 3 truncation, 4 TCP, 5 ioctl on devices, 6 signals and abstract sockets."""

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << n for n in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << n for n in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = (1 << n for n in range(13, 16))
EVERY_FILE_RIGHT = (1 << 16) - 1
EVERY_NETWORK_RIGHT = 0b11  # bind and connect TCP
EVERY_SCOPE = 0b11  # abstract Unix sockets, signals

READ = READ_FILE | READ_DIR
READ_AND_EXECUTE = READ | EXECUTE
# No links, pipes, sockets and devices: a link would lead whoever collects the files elsewhere. Nothing written there can be executed.
OWN_FOLDER = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER
_OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_VERSION = 1
_PATH_BENEATH = 1


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


@dataclass(frozen=True, slots=True)
class Allowed:
    """A file, or a folder with all beneath it, and what may be done there."""

    path: Path
    rights: int


def abi() -> int:
    """The version that this kernel has; 0 for none. Raises NotAvailable on another system."""
    machine()
    try:
        return syscall("landlock_create_ruleset", None, 0, _VERSION)
    except OSError:
        return 0


def require() -> int:
    """The kernel's version, if it is enough. Raises NotAvailable."""
    found = abi()
    if found < ABI_NEEDED:
        have = f"has version {found}" if found else "has none, or it is switched off"
        raise NotAvailable(f"sealing needs Landlock version {ABI_NEEDED} (Linux 6.12), and this kernel {have}")
    return found


def restrict(paths: Iterable[Allowed], *, files: bool = True, network: bool = True, scope: bool = True) -> None:
    """Leave this process *paths* alone, no TCP, and signals only to those it starts. Paths that are not there, or
    cannot be reached anyway, are left out.

    The switches leave a part out, for tests that show what that part refuses.
    """
    ruleset = _Ruleset(
        EVERY_FILE_RIGHT if files else REFER,
        EVERY_NETWORK_RIGHT if network else 0,
        EVERY_SCOPE if scope else 0,
    )
    descriptor = syscall("landlock_create_ruleset", ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    try:
        if not files:
            # Moves between folders are refused by every ruleset that does not name them.
            paths = [Allowed(Path("/"), REFER)]
        for each in paths:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _add(descriptor, each)
        syscall("landlock_restrict_self", descriptor, 0)
    finally:
        os.close(descriptor)


def _add(ruleset: int, wanted: Allowed) -> None:
    parent = os.open(wanted.path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = wanted.rights if wanted.path.is_dir() else wanted.rights & _OF_A_FILE
        rule = _PathBeneath(rights, parent)
        syscall("landlock_add_rule", ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
