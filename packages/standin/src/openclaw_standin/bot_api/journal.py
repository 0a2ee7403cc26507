"""The journal of all calls of the bot: method, time and outcome. Tests and benchmarks read it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MAX_ENTRIES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One call. *outcome* is `ok`, `withheld`, `closed`, `cut` (the caller went away), or code and text of the error."""

    n: int
    method: str
    chat_id: int | None
    message_id: int | None
    at_s: float
    """By the monotonic clock of this process, when the call began."""
    wall_s: float
    took_s: float
    outcome: str
    text: str | None = field(default=None, repr=False)
    """The text of a send or edit; None for other methods."""


class Journal:
    """The newest 200,000 calls, in the order of their outcomes."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._news = asyncio.Event()
        self._count = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def next_number(self) -> int:
        self._count += 1
        return self._count

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._news.set()
        self._news = asyncio.Event()

    def calls(self, method: str | None = None, *, chat_id: int | None = None, after: int = 0) -> list[Entry]:
        """Entries of *method* (any if None) in *chat_id* (any if None) with a number above *after*."""
        return [
            entry
            for entry in self._entries
            if (method is None or entry.method.lower() == method.lower())
            and (chat_id is None or entry.chat_id == chat_id)
            and entry.n > after
        ]

    async def wait_for(self, wanted: Callable[[Entry], bool], *, timeout_s: float = 10.0) -> Entry:
        """The first entry, past or future, for which *wanted* holds. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                news = self._news
                for entry in self._entries:
                    if wanted(entry):
                        return entry
                await news.wait()
