"""Exit codes of agents, the same for Jobs and local processes."""

from openclaw_core.tasks.outcome import Cause, Exit


def cause_of_exit(code: int) -> Cause | None:
    """Why an agent with this exit code failed; None if it did not. After a signal codes are negative or above 128."""
    match code:
        case Exit.DONE | Exit.BAD_TASK | Exit.TRY_AGAIN:
            return None  # the agent has recorded its result in Redis
        case Exit.MISCONFIGURED:
            return Cause.MISCONFIGURED
        case _:
            return Cause.CRASH
