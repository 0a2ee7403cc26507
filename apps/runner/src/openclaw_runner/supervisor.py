"""The supervisor: imports, listens, seals itself, and forks one handler for each connection. It never reads a byte of a request."""

import contextlib
import os
import signal
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from openclaw_runner import folder as folders
from openclaw_runner.handling import handle
from openclaw_runner.kernel.calls import PR_SET_PDEATHSIG, NotAvailable, prctl
from openclaw_runner.preload import LIBRARIES, preload
from openclaw_runner.processes import end_all
from openclaw_runner.seals import EVERY, SealPart, seal_supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one supervisor runs."""

    socket: Path  # where it listens; a file that is there is replaced
    folder: Path  # where runs have their folders; emptied at the start
    requests: int = 1  # after so many it ends
    libraries: Sequence[str] = LIBRARIES


class _Stop(BaseException):
    """The process was asked to end: raised wherever it is, by the signal's handler."""

    asked = False
    """Also noted, since an exception is lost where Python catches all of them itself: in what libraries do around a fork."""


def serve(settings: Settings, *, parts: frozenset[SealPart] = EVERY) -> None:
    """Answer requests, one after the other, until there were enough, or SIGTERM. Ends what runs then."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    unavailable = ""
    with contextlib.suppress(_Stop):
        preload(settings.libraries)
        folders.empty(settings.folder)
        listener = listen(settings.socket)
        try:
            seal_supervisor(folder=settings.folder, listener=listener.fileno(), parts=parts)
        except NotAvailable as exc:
            unavailable = str(exc)
        for _ in range(settings.requests):
            connection, _ = listener.accept()
            _hand_over(connection, listener, settings.folder, unavailable, parts)


def listen(path: Path) -> socket.socket:
    """A listening Unix socket at *path*, in the place of one that an earlier supervisor has left.

    It gets its name once it listens: who finds it can connect.
    """
    unnamed = path.with_name(f"{path.name}.new")
    for left in (path, unnamed):
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(left.lstat().st_mode):
                left.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(unnamed))
    listener.listen(8)
    unnamed.chmod(0o660)  # a caller of the same group: in a pod the agent is another user
    unnamed.rename(path)
    return listener


def _hand_over(
    connection: socket.socket, listener: socket.socket, root: Path, unavailable: str, parts: frozenset[SealPart]
) -> None:
    """Fork a handler and wait for it. What a request holds is in that process alone, and gone with it."""
    supervisor = os.getpid()
    try:
        pid = os.fork()
        if pid == 0:
            _be_handler(connection, listener, root, unavailable, parts, supervisor)
        connection.close()
        if _Stop.asked:
            raise _Stop
        os.waitpid(pid, 0)
    finally:
        # After a handler that came to its end nothing is left. One that was killed, or is killed here, ends nothing itself.
        if SealPart.GROUP in parts:
            end_all()
            folders.empty(root)


def _be_handler(
    connection: socket.socket,
    listener: socket.socket,
    root: Path,
    unavailable: str,
    parts: frozenset[SealPart],
    parent: int,
) -> NoReturn:
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if not unavailable:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            listener.close()
            handle(connection, root=root, unavailable=unavailable, parts=parts)
            code = 0
    finally:
        os._exit(code)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    _Stop.asked = True
    raise _Stop
