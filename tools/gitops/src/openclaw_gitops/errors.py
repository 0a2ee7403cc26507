"""The error that ends a command: a sentence for its user, and an exit code for the workflow."""

FAILED = 1
"""What was looked at is not as it must be."""
USAGE = 64
REFUSED = 65
"""What was asked for must not be done, however often it is asked."""
UNAVAILABLE = 69
"""A tool or a server is missing."""
NOT_YET = 75
"""Right now it cannot be done; later it may."""


class CommandError(Exception):
    """Ends the command. The message says what to do and holds no secret."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
