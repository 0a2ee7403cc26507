"""Sends each change of a chat to all open chat pages."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

QUEUE_SIZE = 2_000


class PageEvents:
    """One bounded queue for each listener. A listener that is too slow is disconnected, and fetches everything again."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[dict[str, Any] | None]] = set()

    def publish(self, kind: str, chat_id: int | None = None, **fields: Any) -> None:
        if not self._listeners:
            return
        change = {"kind": kind, "chat_id": chat_id, **fields}
        for queue in list(self._listeners):
            if queue.full():
                self._drop(queue)
            else:
                queue.put_nowait(change)

    @contextmanager
    def subscribe(self) -> Iterator[AsyncIterator[dict[str, Any]]]:
        """An iterator of the changes from now on. It ends when the server closes or the listener is too slow."""
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(QUEUE_SIZE + 1)
        self._listeners.add(queue)
        try:
            yield _read(queue)
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        for queue in list(self._listeners):
            self._drop(queue)

    def _drop(self, queue: asyncio.Queue[dict[str, Any] | None]) -> None:
        self._listeners.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)


async def _read(queue: asyncio.Queue[dict[str, Any] | None]) -> AsyncIterator[dict[str, Any]]:
    while (change := await queue.get()) is not None:
        yield change
