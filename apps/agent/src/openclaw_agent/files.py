"""Files that came with a task. An agent fetches them from the leading brain: the bot's token, which opens them all, stays there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from openclaw_core import bounded, logs, tls
from openclaw_core.errors import Permanent, StoreFull, StoreUnavailable, Transient
from openclaw_core.tasks.work import Run, Work

log = logs.get(__name__)
MAX_BYTES = 20_000_000
"""What a bot may fetch."""
FETCH_S = 60.0
"""For one try, to its last byte."""
TIMEOUT = httpx.Timeout(30.0, connect=3.0)
"""A brain gives a few files at a time: the first byte may wait for others."""
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0)
"""Between tries. Together they outlast a change of the leader."""
LONGEST_PAUSE_S = 60.0
"""Telegram may ask the brain for more; no task has as much time."""
PASSING = frozenset({408, 425, 429})
"""Statuses below 500 after which another try may work."""


class NoFile(Permanent):
    """The content is not to be had: not there any more, too large, or nobody gave it in time."""


class _Away(Transient):
    """The brain is away, is not the leader now, or broke off. It asks for a pause of *after_s* seconds, if it says so."""

    def __init__(self, why: str, *, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


class Files(Protocol):
    """The files of one task."""

    async def content(self, material_index: int) -> bytes:
        """The content of the task's material of that number, from 0. Raises NoFile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainFiles:
    """`Files` of *run*. Whoever knows its name may have them: it stays out of logs."""

    work: Work = field(repr=False)
    run: Run = field(repr=False)
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)

    async def content(self, material_index: int) -> bytes:
        """As in `Files`. Raises LostOwnership too."""
        for pause_s in (*PAUSES_S, None):
            try:
                return await self._fetched(material_index)
            except _Away as exc:
                log.info("file.not_fetched", reason=str(exc), again=pause_s is not None)
                after_s = exc.after_s
            if pause_s is not None:
                await self.sleep(max(pause_s, after_s))
        raise NoFile("the brain is away")

    async def _fetched(self, n: int) -> bytes:
        """One try, at the address of who leads now. Raises NoFile, and _Away if another may work."""
        try:
            address = await self.work.files_at(self.run)
        except (StoreUnavailable, StoreFull) as exc:
            raise _Away(type(exc).__name__) from None
        if not address:
            raise NoFile("no address")
        try:
            async with asyncio.timeout(FETCH_S), _client() as http:
                reply = await http.get(f"{address}/files/{self.run.name}/{n}")
        except bounded.TooLong:
            raise NoFile("too large") from None
        except (httpx.HTTPError, OSError, TimeoutError) as exc:
            raise _Away(type(exc).__name__) from None  # the cause's message holds the address
        except (httpx.InvalidURL, ValueError):
            raise NoFile("no address") from None
        if reply.status_code == 200:
            return reply.content
        if 400 <= reply.status_code < 500 and reply.status_code not in PASSING:
            raise NoFile(str(reply.status_code))
        raise _Away(str(reply.status_code), after_s=_pause_s(reply.headers.get("retry-after", "")))


def _pause_s(retry_after: str) -> float:
    return min(float(retry_after), LONGEST_PAUSE_S) if retry_after.isascii() and retry_after.isdigit() else 0.0


def _client() -> httpx.AsyncClient:
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below that they write addresses, which hold the run's name
    return httpx.AsyncClient(
        timeout=TIMEOUT,
        headers=bounded.PLAIN,
        event_hooks={"response": [bounded.at_most(lambda _: MAX_BYTES)]},
        trust_env=False,  # no proxy may see it
        verify=tls.context(),
    )
