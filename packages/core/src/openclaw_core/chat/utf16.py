"""Lengths and positions in UTF-16 code units, which Telegram counts in."""

from bisect import bisect_left

PAGE_MAX_UNITS = 4096
"""The longest message."""


def utf16_units(text: str) -> int:
    """The length of *text* as Telegram counts it."""
    return len(text) + sum(1 for char in text if char > "\uffff")


class Positions:
    """Converts positions of code points to UTF-16 units and back."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._wide = [at for at, char in enumerate(text) if char > "\uffff"] if not text.isascii() else []
        self._wide_units = [at + before for before, at in enumerate(self._wide)]

    def unit_of(self, position: int) -> int:
        return position + bisect_left(self._wide, position)

    def of_unit(self, unit: int) -> int:
        """The character at *unit*, also for its second half."""
        return unit - bisect_left(self._wide_units, unit)

    def after_units(self, start: int, units: int) -> int:
        """The furthest position that is at most *units* after *start*."""
        return min(self.of_unit(self.unit_of(start) + units), self._length)
