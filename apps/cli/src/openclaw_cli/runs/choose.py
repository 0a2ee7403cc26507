"""Which runs are asked for: by role, end, cause and time."""

from dataclasses import dataclass

from openclaw_core.store.run_records import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a run has to be. Empty fields ask for nothing."""

    role: str = ""
    state: str = ""
    cause: str = ""
    since_s: float = 0
    """Unix seconds: it has ended then or later."""

    def takes(self, run: RunRecord) -> bool:
        wanted = ((self.role, run.role), (self.state, run.state), (self.cause, run.cause))
        return all(want in ("", has) for want, has in wanted) and not self.is_before(run)

    def is_before(self, run: RunRecord) -> bool:
        """Whether *run* ended too early; so did all before it."""
        return ended_s(run) < self.since_s


def ended_s(run: RunRecord) -> float:
    """Unix seconds of its end; 0 if the row does not say it."""
    return float(run.ended_ms or 0) / 1000
