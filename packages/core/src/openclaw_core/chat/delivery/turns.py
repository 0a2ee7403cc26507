"""Whose turn it is among the chats: by rank, then by who was served longest ago. And who is to be looked at again, and when."""

import heapq
from dataclasses import dataclass, field
from itertools import count
from math import inf

from openclaw_core.chat.delivery.limits import Rank

SAME_TIME_S = 0.001
"""Two times that differ by less are one: a chat that is looked at often costs no entry each time."""


@dataclass(frozen=True, slots=True)
class _Ready:
    rank: Rank
    served: float


@dataclass(frozen=True, slots=True)
class _Waits:
    until: float


@dataclass(slots=True)
class Turns:
    """Each chat is ready, waits for a time, or neither. An entry of the heaps counts only while it is the chat's newest."""

    _ready: list[tuple[Rank, float, int, int]] = field(default_factory=list)
    _waiting: list[tuple[float, int, int]] = field(default_factory=list)
    _now: dict[int, tuple[int, _Ready | _Waits]] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def ready(self, chat_id: int, rank: Rank, served: float) -> None:
        """The chat has a call of *rank*; it was served last at *served*."""
        if number := self._noted(chat_id, _Ready(rank, served)):
            heapq.heappush(self._ready, (rank, served, number, chat_id))

    def later(self, chat_id: int, until: float) -> None:
        """The chat is to be looked at again at *until*; never, if that is infinite."""
        if until == inf:
            self._now.pop(chat_id, None)
        elif number := self._noted(chat_id, _Waits(until)):
            heapq.heappush(self._waiting, (until, number, chat_id))

    def drop(self, chat_id: int) -> None:
        self._now.pop(chat_id, None)

    def first(self) -> tuple[Rank, int] | None:
        """The rank and chat whose turn it is."""
        while self._ready:
            rank, _, number, chat_id = self._ready[0]
            if self._current(chat_id, number):
                return rank, chat_id
            heapq.heappop(self._ready)
        return None

    def over(self, now: float) -> list[int]:
        """Chats whose time has come; they are taken out."""
        chats = []
        while self._waiting:
            until, number, chat_id = self._waiting[0]
            current = self._current(chat_id, number)
            if current and until > now:
                break
            heapq.heappop(self._waiting)
            if current:
                del self._now[chat_id]
                chats.append(chat_id)
        return chats

    def next_at(self) -> float:
        """When the next chat is to be looked at."""
        return self._waiting[0][0] if self._waiting else inf

    def _noted(self, chat_id: int, state: _Ready | _Waits) -> int:
        """The number of a new entry; 0 if the chat has this one already."""
        known = self._now.get(chat_id)
        if known is not None and _same(known[1], state):
            return 0
        number = next(self._numbers)
        self._now[chat_id] = (number, state)
        return number

    def _current(self, chat_id: int, number: int) -> bool:
        known = self._now.get(chat_id)
        return known is not None and known[0] == number


def _same(a: _Ready | _Waits, b: _Ready | _Waits) -> bool:
    if isinstance(a, _Waits) and isinstance(b, _Waits):
        return abs(a.until - b.until) < SAME_TIME_S
    return a == b
