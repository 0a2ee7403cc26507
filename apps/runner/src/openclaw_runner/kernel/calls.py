"""System calls and prctl by ctypes. Each raises OSError with the kernel's errno."""

import ctypes
import os
import platform
import sys

from openclaw_runner.kernel.numbers import MACHINES, NUMBERS

_libc = ctypes.CDLL(None, use_errno=True)


class NotAvailable(Exception):
    """The kernel or the machine lacks what sealing needs. Its text says what, for a person."""


def machine() -> str:
    """The name of this machine's architecture, one of MACHINES. Raises NotAvailable."""
    if sys.platform != "linux":
        raise NotAvailable("code is sealed by Linux, and this is another system")
    name = platform.machine()
    if name not in MACHINES or sys.maxsize < 1 << 32:
        raise NotAvailable(f"the numbers of system calls on {name} are not known")
    return name


def number(call: str) -> int:
    """The number of *call* on this machine. Raises NotAvailable where it has none."""
    found = NUMBERS[call][MACHINES.index(machine())]
    if found is None:
        raise NotAvailable(f"{call} does not exist on {machine()}")
    return found


def syscall(call: str, *arguments: object) -> int:
    """Make the system call named *call*. Integers are passed as 64 bits, ctypes values as they are."""
    passed = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = _libc.syscall(ctypes.c_long(number(call)), *passed)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), call)
    return int(result)


PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_GET_NAME = 16
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_SET_VMA = 0x53564D41


def prctl(option: int, value: int = 0) -> int:
    """Change or ask one attribute of this process."""
    zero = ctypes.c_ulong(0)
    result = _libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "prctl")
    return int(result)
