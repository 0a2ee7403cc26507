"""The only map from the end of a run, or an error, to an exit code of the process."""

from openclaw_core.errors import (
    BadTask,
    MessengerUnauthorized,
    Permanent,
    SettingsError,
    StoreMisconfigured,
    Transient,
)
from openclaw_core.tasks.outcome import Cause, Exit


def after_run(cause: Cause | None) -> Exit:
    """The code after a run that failed with *cause*, or was answered (None)."""
    match cause:
        case Cause.BAD_TASK:
            return Exit.BAD_TASK
        case Cause.MODEL_KEY | Cause.MISCONFIGURED:
            return Exit.MISCONFIGURED
        case _:
            return Exit.DONE  # another try would not help


def after_error(exc: Exception) -> Exit:
    """The code for an error that ends the process before or between runs. Raises *exc* again if it is a bug."""
    match exc:
        case BadTask():
            return Exit.BAD_TASK
        case SettingsError() | StoreMisconfigured() | MessengerUnauthorized():
            return Exit.MISCONFIGURED
        case Transient():
            return Exit.TRY_AGAIN
        case Permanent():
            return Exit.BAD_TASK
        case _:
            raise exc
