"""Times that are guaranteed on a machine that has time for us: other work of the machine is no fault of the code."""

from collections.abc import Awaitable, Callable

TRIES = 3


async def is_done_within(limit_s: float, measured: Callable[[], Awaitable[float]]) -> None:
    """Assert that one of three tries takes less than *limit_s* seconds. *measured* tries anew and returns its own seconds.

    A fault in the code is there in each try. A moment in which the machine has other work is not.
    """
    took: list[float] = []
    while len(took) < TRIES:
        took.append(await measured())
        if took[-1] < limit_s:
            return
    raise AssertionError(f"more than {limit_s} s in each of {TRIES} tries: {', '.join(f'{one:.2f} s' for one in took)}")
