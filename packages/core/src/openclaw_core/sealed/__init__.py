"""What a caller and the sealed runner share: requests, results and their limits, the wire, and the caller's client.

Only the standard library is imported here: the runner's image holds this folder and nothing else of the core.
How code is sealed is not told here: that is `openclaw_runner`.
"""

from openclaw_core.sealed.client import RunnerClient
from openclaw_core.sealed.values import (
    MOST,
    Cause,
    File,
    Language,
    Limits,
    Outcome,
    Page,
    ReadRequest,
    ReadResult,
    RunRequest,
    RunResult,
)
from openclaw_core.sealed.wire import Malformed

__all__ = [
    "MOST",
    "Cause",
    "File",
    "Language",
    "Limits",
    "Malformed",
    "Outcome",
    "Page",
    "ReadRequest",
    "ReadResult",
    "RunRequest",
    "RunResult",
    "RunnerClient",
]
