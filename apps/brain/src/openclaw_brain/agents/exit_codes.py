"""Pure: what the exit code of an agent says, whoever started it."""

from openclaw_core.tasks.outcome import Cause, Exit


def cause_of_exit(code: int) -> Cause | None:
    """The verdict on an agent's exit code; codes of a process that a signal ended are negative or above 128."""
    match code:
        case Exit.DONE | Exit.BAD_TASK | Exit.TRY_AGAIN:
            return None  # the agent has said in Redis what it had to say
        case Exit.MISCONFIGURED:
            return Cause.MISCONFIGURED
        case _:
            return Cause.CRASH
