"""One sealed child: started, watched until it ends or passes a limit, and ended with all that it has started."""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from openclaw_core.sealed.values import RunnerCause
from openclaw_runner import seals
from openclaw_runner.kernel.calls import NotAvailable
from openclaw_runner.printable import printable
from openclaw_runner.seals import ChildSeal, SealPart
from openclaw_runner.watching import Watch, descendants

TURN_S = 0.02
"""How often processes and memory are asked for."""
FLOOD = 64
"""Times the kept output after which a child is ended, rather than its output counted."""
SEALED = b"sealed"
SEALING_S = 10.0
DRAIN_S = 0.5  # for what is in the pipes once all who could write are killed


class Hung(Exception):
    """The caller has gone: nobody waits for this run any more."""


@dataclass(slots=True)
class KeptOutput:
    """The first and the last bytes of an output; what lies between is counted. An error's last line tells more than its middle."""

    most: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    written: int = 0

    def add(self, data: bytes) -> None:
        self.written += len(data)
        half = self.most // 2
        room = max(0, half - len(self.head))
        self.head += data[:room]
        self.tail += data[room:]
        del self.tail[: max(0, len(self.tail) - half)]

    @property
    def dropped(self) -> int:
        return self.written - len(self.head) - len(self.tail)

    def text(self) -> str:
        """Decoded, with a line where something is left out."""
        between = f"\n[… {self.dropped} bytes are left out …]\n".encode() if self.dropped else b""
        return printable((self.head + between + self.tail).decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedChild:
    """How a child ended: a code, or the cause for which it was ended or never started."""

    exit_code: int | None = None
    cause: RunnerCause | None = None
    why: str = ""
    seconds: float
    stdout: KeptOutput
    stderr: KeptOutput


def run(program: Callable[[], int], seal: ChildSeal, *, caller: int, output_bytes: int) -> EndedChild:
    """Fork, seal and run *program*, which returns its exit code.

    *output_bytes* is what is kept of each output. Raises Hung if *caller*, a connected socket, is closed meanwhile. No
    process of the run is left afterwards.
    """
    pipes = [os.pipe() for _ in range(3)]  # output, errors, word of the sealing
    started = time.monotonic()
    watch = Watch(folder=seal.folder, limits=seal.limits)
    pid = os.fork()
    if pid == 0:
        _be_child(program, seal, [write for _, write in pipes])
    for _, write in pipes:
        os.close(write)
    outputs = {pipes[0][0]: KeptOutput(output_bytes), pipes[1][0]: KeptOutput(output_bytes)}
    ended: tuple[RunnerCause | None, str] = (None, "")
    try:
        ended = _await_sealing(pipes[2][0]) or _attend(pid, seal, watch, outputs, caller, started)
    finally:
        code = _end(pid, seal.parts)
        _drain(outputs)
        for read, _ in pipes:
            os.close(read)
    kept_out, kept_err = outputs.values()
    cause, why = ended if ended[0] else _meaning(code, kept_err)
    return EndedChild(
        exit_code=code if cause is None else None,
        cause=cause,
        why=why,
        seconds=round(time.monotonic() - started, 4),
        stdout=kept_out,
        stderr=kept_err,
    )


def _be_child(program: Callable[[], int], seal: ChildSeal, writes: list[int]) -> None:
    """Never returns: an exception that left here would run the handler's code a second time, as the child."""
    code = 70
    try:
        if SealPart.GROUP in seal.parts:
            os.setsid()
        else:
            os.setpgid(0, 0)
        nothing, unused = os.pipe()
        os.close(unused)
        os.dup2(nothing, 0)
        # The word of the sealing goes out by 3, which is closed before anything runs.
        moved = [os.dup(write) for write in writes]
        for target, source in zip((1, 2), moved, strict=False):
            os.dup2(source, target)
        word = moved[2]
        # Not closed: they are this process's until its end.
        sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
        try:
            seal.apply()
        except NotAvailable as exc:
            os.write(word, str(exc).encode())
        else:
            os.write(word, SEALED)
            if SealPart.DESCRIPTORS in seal.parts:
                seals.close_descriptors()
            else:
                os.close(word)
                os.closerange(min(writes), max(moved) + 1)
            code = program()
    except BaseException as exc:  # noqa: BLE001 - whatever it is ends here, as an exit code
        with contextlib.suppress(BaseException):
            print(f"{type(exc).__name__}: {exc}", file=sys.stderr)
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


def _await_sealing(word: int) -> tuple[RunnerCause, str] | None:
    """Why the child could not be sealed, in which case it has run nothing."""
    if not select.select([word], [], [], SEALING_S)[0]:
        return RunnerCause.NOT_AVAILABLE, "sealing took too long"
    said = os.read(word, 400)
    if said == SEALED:
        return None
    return RunnerCause.NOT_AVAILABLE, said.decode("utf-8", "replace") or "the process ended before it was sealed"


def _attend(
    pid: int, seal: ChildSeal, watch: Watch, outputs: dict[int, KeptOutput], caller: int, started: float
) -> tuple[RunnerCause | None, str]:
    """Read what is written until the child ends. Returns the limit that it passed."""
    ended = os.pidfd_open(pid)
    poller = select.poll()
    for descriptor in (*outputs, ended):
        poller.register(descriptor, select.POLLIN)
    poller.register(caller, select.POLLRDHUP)
    deadline = started + seal.limits.seconds
    next_look = started + TURN_S
    try:
        while True:
            now = time.monotonic()
            if now >= deadline:
                return RunnerCause.TIMED_OUT, f"it ran longer than {seal.limits.seconds:g} seconds"
            if now >= next_look:
                next_look = now + TURN_S
                if SealPart.WATCH in seal.parts and (passed := watch.look()):
                    return passed
            for descriptor, _ in poller.poll(max(1.0, 1000 * (min(deadline, next_look) - now))):
                if descriptor == caller:
                    raise Hung
                if descriptor == ended:
                    return None, ""
                if not _take(descriptor, outputs[descriptor]):
                    poller.unregister(descriptor)
            if any(kept.written > FLOOD * kept.most for kept in outputs.values()):
                return RunnerCause.OUTPUT_LIMIT, "it wrote more than is read"
    finally:
        os.close(ended)


def _take(descriptor: int, kept: KeptOutput) -> bool:
    """Read once. False at the end of the output."""
    data = os.read(descriptor, 1 << 16)
    kept.add(data)
    return bool(data)


def _end(pid: int, parts: frozenset[SealPart]) -> int:
    """Kill the child's whole group, wait for all who were in it, and return the child's own status as waitpid gives it.

    The group is killed before its first process is waited for: until then its number cannot be another's.
    """
    whole = SealPart.GROUP in parts
    if whole:
        _kill(-pid)
        for left in descendants():
            _kill(left)
    _kill(pid)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if whole:
        end_all()
    return code


def end_all(within_s: float = 2.0) -> None:
    """Kill all that this process has started, and wait for it. A grandchild becomes ours when its parent ends, a moment later."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        for left in descendants():
            _kill(left)
        try:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                time.sleep(0.002)
        except ChildProcessError:
            return


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _drain(outputs: dict[int, KeptOutput]) -> None:
    until = time.monotonic() + DRAIN_S
    left = list(outputs)
    while left and (ready := select.select(left, [], [], max(0.0, until - time.monotonic()))[0]):
        left = [each for each in left if each not in ready or _take(each, outputs[each])]


def _meaning(code: int, errors: KeptOutput) -> tuple[RunnerCause | None, str]:
    """The cause that an exit by itself stands for. The kernel's limits are met inside: as a signal, or as Python's MemoryError."""
    if code == -signal.SIGXCPU:
        return RunnerCause.TIMED_OUT, "it used more CPU time than it had"
    if code == -signal.SIGXFSZ:
        return RunnerCause.FOLDER_LIMIT, "a file became larger than allowed"
    if code < 0:
        return RunnerCause.KILLED, f"signal {signal.Signals(-code).name}"
    lines = errors.text().strip().rsplit("\n", 1)
    if code and lines[-1].startswith(("MemoryError", "numpy._core._exceptions._ArrayMemoryError")):
        return RunnerCause.OUT_OF_MEMORY, "an allocation was refused"
    return None, ""
