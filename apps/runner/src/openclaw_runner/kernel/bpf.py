"""A small assembler for seccomp's filters: a list of rules becomes the program that the kernel runs before each system call.

A program sees the call's number and its six arguments as values. It cannot follow a pointer, so a rule about a path or an address does not
exist: those are Landlock's.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from openclaw_runner.kernel.numbers import AUDIT_ARCH, MACHINES, NUMBERS

KILL_PROCESS = 0x80000000
ALLOW = 0x7FFF0000

# struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
# Both machines are little-endian: the low half of an argument comes first.
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06  # ld [k] as 32 bits; and with k; return k
_EQUAL, _AT_LEAST = 0x15, 0x35
X32_BIT = 0x40000000
"""x86_64 has a second table of calls with 32-bit pointers, marked by this bit. No filter of ours lists its numbers."""


def errno(number: int) -> int:
    """The answer that fails a call with *number*. With 0 the call does nothing and succeeds."""
    return 0x00050000 | number


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument's value under *mask* is one of *values* (at most 32 bits; the upper half then has to be 0, unless *low_only*)."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    low_only: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens at *call*: *answer* if all tests hold, else *otherwise*."""

    call: str
    answer: int = ALLOW
    tests: tuple[Argument, ...] = ()
    otherwise: int | None = None


Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


def assemble(rules: Sequence[Rule], *, machine: str, default: int) -> list[Instruction]:
    """The program for *machine*. The first rule of a call decides; a call without one gets *default*."""
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, X32_BIT), (_RETURN, 0, 0, KILL_PROCESS)]
    for rule in rules:
        number = NUMBERS[rule.call][MACHINES.index(machine)]
        if number is not None:
            body = _body(rule, default)
            program += [(_EQUAL, 0, len(body), number), *body]
    return [*program, (_RETURN, 0, 0, default)]


def _body(rule: Rule, default: int) -> list[Instruction]:
    """What follows the comparison of the number. It always returns, so that no jump is longer than one rule."""
    otherwise = default if rule.otherwise is None else rule.otherwise
    blocks = [_block(test) for test in rule.tests]
    length = sum(map(len, blocks))
    body: list[Instruction] = []
    for block in blocks:
        for code, true, false, value in block:
            fails = length - len(body)  # to the last instruction, `return otherwise`
            body.append((code, fails if true < 0 else true, fails if false < 0 else false, value))
    body.append((_RETURN, 0, 0, rule.answer))
    if blocks:
        body.append((_RETURN, 0, 0, otherwise))
    return body


def _block(test: Argument) -> list[Instruction]:
    """Falls through where the test holds; a jump of -1 means that it does not."""
    at = _ARGUMENTS + 8 * test.argument
    block: list[Instruction] = []
    if not test.low_only:
        block += [(_LOAD, 0, 0, at + 4), (_EQUAL, 0, -1, 0)]
    block.append((_LOAD, 0, 0, at))
    if test.mask != 0xFFFFFFFF:
        block.append((_AND, 0, 0, test.mask))
    for n, value in enumerate(test.values):
        left = len(test.values) - 1 - n
        block.append((_EQUAL, left, 0 if left else -1, value))
    return block


def packed_program(program: Sequence[Instruction]) -> bytes:
    """As the kernel reads it: struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
