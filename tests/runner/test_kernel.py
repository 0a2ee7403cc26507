"""What is asked of the kernel: the filters' programs on both machines, the numbers in them, and what they let through."""

import errno
import re
import struct
from pathlib import Path

import pytest

from openclaw_runner.kernel import bpf, filters
from openclaw_runner.kernel.bpf import ALLOW, KILL_PROCESS, Argument, Rule, assemble, packed_program
from openclaw_runner.kernel.numbers import AUDIT_ARCH, MACHINES, NUMBERS

EPERM, ENOSYS, NOTHING = (bpf.errno(number) for number in (errno.EPERM, errno.ENOSYS, 0))


def answer(rules: tuple[Rule, ...], call: str | int, *arguments: int, machine: str = "x86_64", arch: int = 0) -> int:
    """Run the program as the kernel would, on one call."""
    number = call if isinstance(call, int) else NUMBERS[call][MACHINES.index(machine)]
    assert number is not None
    passed = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", number, arch or AUDIT_ARCH[machine], 0, *(value & (1 << 64) - 1 for value in passed))
    program = list(struct.iter_unpack("=HBBI", packed_program(assemble(rules, machine=machine, default=EPERM))))
    at = accumulator = 0
    while True:
        code, true, false, value = program[at]
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif code == 0x54:
            accumulator &= value
        elif code == 0x06:
            return int(value)
        else:
            at += true if (accumulator == value if code == 0x15 else accumulator >= value) else false


def headers() -> dict[str, dict[str, int]]:
    """The numbers as the headers of this machine's C library have them; of aarch64 those that all newer machines share."""
    found = {}
    for machine, path in (("x86_64", "x86_64-linux-gnu/asm/unistd_64.h"), ("aarch64", "asm-generic/unistd.h")):
        file = Path("/usr/include", path)
        if file.exists():
            defined = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", file.read_text())
            found[machine] = {name: int(number) for name, number in defined}
            found[machine].setdefault("newfstatat", found[machine].get("fstatat", 0))
    return found


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_the_kernels(machine: str) -> None:
    known = headers().get(machine)
    if not known:
        pytest.skip("this machine has no such headers")
    ours = {name: numbers[MACHINES.index(machine)] for name, numbers in NUMBERS.items()}

    wrong = {name: number for name, number in ours.items() if number != known.get(name)}
    # Headers may be older than the newest call.
    assert wrong in ({}, {"fchmodat2": 452})


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    "rules", [filters.CODE, filters.READER, filters.supervisor(7)], ids=["code", "reader", "supervisor"]
)
def test_calls_of_another_kind_end_the_process(machine: str, rules: tuple[Rule, ...]) -> None:
    assert answer(rules, "getpid", machine=machine) == ALLOW
    assert answer(rules, "getpid", machine=machine, arch=0x40000003) == KILL_PROCESS  # 32 bits
    if machine == "x86_64":
        assert answer(rules, 0x40000000 + 39) == KILL_PROCESS  # x32's getpid


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("call", "arguments", "wanted"),
    [
        ("read", (0,), ALLOW),
        ("openat", (0,), ALLOW),
        ("clone3", (0,), ENOSYS),
        ("clone", (0x3D0F00,), ALLOW),  # a thread of glibc
        ("clone", (0x10000000 | 17,), EPERM),  # a user namespace
        ("clone", (1 << 33 | 17,), ALLOW),  # the kernel reads the lower half alone
        ("prlimit64", (0, 7, 0, 1), ALLOW),
        ("prlimit64", (0, 7, 1, 0), EPERM),
        ("prlimit64", (0, 7, 1 << 40, 0), EPERM),
        ("prlimit64", (77, 7, 0, 1), EPERM),
        ("sendto", (3, 1, 1, 0, 0), ALLOW),
        ("sendto", (3, 1, 1, 0, 1 << 40), EPERM),
        ("socketpair", (1, 1 | 0o2000000), ALLOW),
        ("socketpair", (1, 2), EPERM),
        ("socketpair", (2, 1), EPERM),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), bpf.errno(errno.ENOTTY)),  # TIOCSTI: types into a terminal
        ("fchmodat", (0,), NOTHING),
        ("setxattr", (0,), bpf.errno(errno.ENOTSUP)),
        ("prctl", (15,), ALLOW),
        ("prctl", (36,), EPERM),  # to become a subreaper
        ("setsid", (), EPERM),
        ("setpgid", (), EPERM),
        ("seccomp", (), EPERM),
        ("accept4", (7,), EPERM),
        ("pidfd_open", (1,), EPERM),
    ],
)  # fmt: skip
def test_what_code_may_call(machine: str, call: str, arguments: tuple[int, ...], wanted: int) -> None:
    assert answer(filters.CODE, call, *arguments, machine=machine) == wanted


@pytest.mark.parametrize("machine", MACHINES)
def test_a_reader_starts_no_process_and_no_program(machine: str) -> None:
    for call in ("execve", "fork", "vfork"):
        if NUMBERS[call][MACHINES.index(machine)] is not None:
            assert answer(filters.READER, call, machine=machine) == EPERM
    assert answer(filters.READER, "clone", 0x3D0F00, machine=machine) == ALLOW  # CLONE_THREAD
    assert answer(filters.READER, "clone", 17, machine=machine) == EPERM
    assert answer(filters.READER, "clone", 0x00010000 | 0x10000000, machine=machine) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_the_supervisor_accepts_on_its_own_socket_alone(machine: str) -> None:
    rules = filters.supervisor(7)

    assert answer(rules, "accept4", 7, machine=machine) == ALLOW
    assert answer(rules, "accept4", 8, machine=machine) == EPERM
    assert answer(rules, 41 if machine == "x86_64" else 198, 1, machine=machine) == EPERM  # socket


def test_code_may_call_nothing_that_the_supervisor_may_not() -> None:
    """Filters add up: what is listed for code alone would never be allowed."""
    allowed = {rule.call for rule in filters.supervisor(7)}

    assert {rule.call for rule in (*filters.CODE, *filters.READER)} <= allowed


def test_all_tests_of_a_rule_have_to_hold() -> None:
    rules = (Rule("read", tests=(Argument(0, (1, 2)), Argument(1, (0x10,), mask=0xF0))),)

    got = {(a, b): answer(rules, "read", a, b) for a in (1, 2, 3, 1 << 32 | 1) for b in (0x10, 0x1F, 0x20)}

    assert [pair for pair, found in got.items() if found == ALLOW] == [(1, 0x10), (1, 0x1F), (2, 0x10), (2, 0x1F)]
