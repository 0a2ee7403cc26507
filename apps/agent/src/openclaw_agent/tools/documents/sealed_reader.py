"""Has a document opened by the sealed runner, and says in our causes why there is no text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from openclaw_agent.tools.runner import runner_at
from openclaw_core import sealed
from openclaw_core.sealed import ReadRequest, ReadResult, RunLimits
from openclaw_core.sealed.values import PAGES_MAX
from openclaw_core.tasks.outcome import Cause

_SUFFIX = re.compile(r"\.([A-Za-z0-9]{1,10})$")
_CAUSES: Mapping[sealed.RunnerCause, Cause] = {
    sealed.RunnerCause.NOT_AVAILABLE: Cause.NO_RUNNER,
    sealed.RunnerCause.BAD_REQUEST: Cause.FILE_UNREADABLE,
    sealed.RunnerCause.UNSUPPORTED: Cause.FILE_UNSUPPORTED,
    sealed.RunnerCause.EMPTY: Cause.FILE_EMPTY,
    sealed.RunnerCause.SCANNED: Cause.FILE_SCANNED,
    sealed.RunnerCause.ENCRYPTED: Cause.FILE_ENCRYPTED,
    sealed.RunnerCause.DAMAGED: Cause.FILE_DAMAGED,
}


class DocumentReader(Protocol):
    """Opens documents."""

    async def read(self, name: str, data: bytes) -> ReadResult:
        """The text of all pages of *data*, or why there is none. Raises nothing but CancelledError, which ends the reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedReader:
    """`DocumentReader` by the runner at *socket*. Without one, nothing is opened."""

    socket: Path | None
    seconds: float = 30.0
    """For one document, by the runner's clock."""

    async def read(self, name: str, data: bytes) -> ReadResult:
        if self.socket is None:
            return ReadResult(cause=sealed.RunnerCause.NOT_AVAILABLE, why="no runner is set up")
        request = ReadRequest(name=safe_name(name), data=data, pages=PAGES_MAX, limits=RunLimits(seconds=self.seconds))
        return await runner_at(self.socket).read(request)


def safe_name(name: str) -> str:
    """A name that the runner takes. It needs the ending alone, and a person's name for a file may have any letters."""
    ending = _SUFFIX.search(name)
    return f"document.{ending[1].lower()}" if ending else "document"


def cause_of(result: ReadResult) -> Cause | None:
    """Why there is no text; None if there is some. All limits of the runner are one cause: the document asks for too much."""
    if result.pages:
        return None
    if result.cause is None:
        return Cause.FILE_EMPTY
    return _CAUSES.get(result.cause, Cause.FILE_HOSTILE)
