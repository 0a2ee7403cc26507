"""Faults that a test has ordered and no call has met yet; both stand-ins keep one such queue."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Limited(Protocol):
    times: int | None
    """How many calls still meet the fault; None for all, until the queue is cleared."""


F = TypeVar("F", bound=Limited)


class FaultQueue(Generic[F]):
    def __init__(self) -> None:
        self._faults: list[F] = []

    def add(self, fault: F) -> F:
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def first(self, matches: Callable[[F], bool]) -> F | None:
        """The oldest fault that *matches*, counted down by one; None if there is none."""
        fault = next(filter(matches, self._faults), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault
