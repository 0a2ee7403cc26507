"""One connection: a request is read, done in a sealed child, and answered. This process ends with it and remembers nothing."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from openclaw_core.sealed.values import (
    WHY_MAX_CHARS,
    File,
    Outcome,
    ProgramLanguage,
    ReadRequest,
    ReadResult,
    RunnerCause,
    RunRequest,
    RunResult,
)
from openclaw_core.sealed.wire import (
    PREFIX,
    REQUEST_MAX_BYTES,
    Header,
    Malformed,
    Request,
    SealedResult,
    decode_request,
    encode_result,
    header_bytes,
    read_header,
)
from openclaw_runner import folder as folders
from openclaw_runner import processes, reading
from openclaw_runner.processes import EndedChild, Hung
from openclaw_runner.programs import bash, python, sqlite
from openclaw_runner.seals import EVERY, ChildSeal, SealPart, environment

REQUEST_S = 10.0  # for a whole request to arrive
ANSWER_S = 30.0  # for a whole answer to be taken


def handle(connection: socket.socket, *, root: Path, unavailable: str = "", parts: frozenset[SealPart] = EVERY) -> None:
    """Answer one request. Where *unavailable* says why nothing can be sealed, it is answered without having been read."""
    try:
        if unavailable:
            answer: SealedResult = _not_available(unavailable)
        else:
            answer = _answer(connection, root, parts)
        _send(connection, encode_result(answer))
    except (Hung, TimeoutError, ConnectionError):
        pass  # nobody waits
    finally:
        connection.close()


def _answer(connection: socket.socket, root: Path, parts: frozenset[SealPart]) -> SealedResult:
    header: Header | None = None
    deadline = time.monotonic() + REQUEST_S
    try:
        length = header_bytes(_receive(connection, PREFIX.size, deadline))
        header = read_header(_receive(connection, length, deadline), most_bytes=REQUEST_MAX_BYTES)
        request = decode_request(header, _receive(connection, header.body_bytes, deadline))
    except Malformed as exc:
        return _refused(header, str(exc))
    return _do(request, connection, root, parts)


def _do(request: Request, connection: socket.socket, root: Path, parts: frozenset[SealPart]) -> SealedResult:
    folder = folders.make(root)
    try:
        if isinstance(request, ReadRequest):
            return reading.read(request, folder=folder, caller=connection.fileno(), parts=parts)
        return _run(request, folder, connection.fileno(), parts)
    finally:
        folders.empty(folder)
        folder.rmdir()


def _run(request: RunRequest, folder: Path, caller: int, parts: frozenset[SealPart]) -> RunResult:
    programs: dict[ProgramLanguage, tuple[str, Callable[[], int]]] = {
        ProgramLanguage.PYTHON: (python.NAME, python.run),
        ProgramLanguage.BASH: (bash.NAME, partial(bash.run, environment(folder))),
        ProgramLanguage.SQLITE: (sqlite.NAME, sqlite.run),
    }
    name, program = programs[request.language]
    given = [*request.files, File(name=name, data=request.code.encode("utf-8", "replace"))]
    folders.fill(folder, given)
    seal = ChildSeal(folder=folder, limits=request.limits, parts=parts)
    start = partial(processes.run, seal=seal, caller=caller, output_bytes=request.limits.output_bytes)
    first = start(program)
    test = None
    if request.test is not None and first.exit_code == 0:
        from openclaw_runner.programs import testing  # needs pytest: imported by now, unless a supervisor does without

        given.append(File(name=testing.NAME, data=request.test.encode("utf-8", "replace")))
        folders.fill(folder, given[-1:])
        test = _test_outcome(start(testing.run), passed=testing.PASSED, early=testing.ENDED_EARLY)
    files: tuple[File, ...] = ()
    dropped = 0
    # What was ended in the middle has left files in the middle.
    if first.exit_code is not None:
        only_regular = SealPart.REGULAR in parts
        files, dropped = folders.collect(folder, given=given, limits=request.limits, only_regular=only_regular)
    return RunResult(program=_outcome(first), test=test, files=files, files_dropped=dropped)


def _outcome(ended: EndedChild) -> Outcome:
    return Outcome(
        exit_code=ended.exit_code,
        cause=ended.cause,
        why=ended.why[:WHY_MAX_CHARS],
        stdout=ended.stdout.text(),
        stderr=ended.stderr.text(),
        stdout_dropped=ended.stdout.dropped,
        stderr_dropped=ended.stderr.dropped,
        seconds=ended.seconds,
    )


def _test_outcome(ended: EndedChild, *, passed: int, early: str) -> Outcome:
    """How a test ended: with 0 only if the process says by its exit code *passed* that tests have run; else *early* is
    added to its errors.
    """
    outcome = _outcome(ended)
    if ended.exit_code == passed:
        return replace(outcome, exit_code=0)
    if ended.exit_code == 0:
        return replace(outcome, exit_code=1, stderr=outcome.stderr + early)
    return outcome


def _not_available(why: str) -> SealedResult:
    return RunResult(program=Outcome(cause=RunnerCause.NOT_AVAILABLE, why=why[:WHY_MAX_CHARS]))


def _refused(header: Header | None, why: str) -> SealedResult:
    if header is not None and header.fields.get("kind") == "read":
        return ReadResult(cause=RunnerCause.BAD_REQUEST, why=why[:WHY_MAX_CHARS])
    return RunResult(program=Outcome(cause=RunnerCause.BAD_REQUEST, why=why[:WHY_MAX_CHARS]))


def _receive(connection: socket.socket, count: int, deadline: float) -> bytes:
    """Exactly *count* bytes. Raises Hung if they do not come."""
    pieces = []
    while count:
        if not select.select([connection], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise Hung
        piece = connection.recv(min(count, 1 << 20))
        if not piece:
            raise Hung
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _send(connection: socket.socket, message: bytes) -> None:
    connection.settimeout(ANSWER_S)
    connection.sendall(message)
    connection.shutdown(socket.SHUT_WR)
    # What was sent and not read would make closing an error at the other side, before it has read the answer.
    until = time.monotonic() + 1
    while select.select([connection], [], [], max(0.0, until - time.monotonic()))[0] and connection.recv(1 << 20):
        pass
