"""What a caller and the sealed runner share: requests, results and their limits, the wire, and the caller's client.

Only the standard library is imported here: the runner's image holds this folder and nothing else of the core.
How code is sealed is not told here: that is `openclaw_runner`.
"""

from openclaw_core.sealed.client import RunnerClient
from openclaw_core.sealed.values import (
    MOST,
    DocumentPage,
    File,
    Outcome,
    ProgramLanguage,
    ReadRequest,
    ReadResult,
    RunLimits,
    RunnerCause,
    RunRequest,
    RunResult,
)
from openclaw_core.sealed.wire import Malformed

__all__ = [
    "MOST",
    "DocumentPage",
    "File",
    "Malformed",
    "Outcome",
    "ProgramLanguage",
    "ReadRequest",
    "ReadResult",
    "RunLimits",
    "RunRequest",
    "RunResult",
    "RunnerCause",
    "RunnerClient",
]
