"""The sealed runner beside an agent, as its tools wait for it."""

from pathlib import Path

from openclaw_core.sealed import RunnerClient

START_S = 40.0
"""For a runner that is started beside the agent: its libraries take two seconds, on a busy machine many."""
SPARE_S = 45.0
"""Beyond the time of one's own request: calls of one step wait for each other."""


def runner_at(socket: Path) -> RunnerClient:
    return RunnerClient(socket, spare_s=SPARE_S, start_s=START_S)
