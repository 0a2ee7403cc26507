"""Fetches the files of a task from the leading brain. The bot's token, which opens all files, stays in the brain."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from openclaw_core import logs, reply_limit, tls
from openclaw_core.errors import Permanent, StoreError, Transient
from openclaw_core.tasks.work import Run, Work

log = logs.get(__name__)
MAX_BYTES = 20_000_000
"""Telegram's limit for a bot."""
FETCH_S = 60.0
"""For one try, until its last byte."""
TIMEOUT = httpx.Timeout(30.0, connect=3.0)
"""The brain serves a few files at a time, so the first byte may take a while."""
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0)
"""Between tries. Together they are longer than a change of the leader takes."""
LONGEST_PAUSE_S = 60.0
"""Telegram may ask for a longer pause, but no task has that much time."""
RETRY_STATUSES = frozenset({408, 425, 429})
"""Statuses below 500 that may be gone at the next try."""


class NoFile(Permanent):
    """The content cannot be fetched: it is gone, too large, or did not come in time."""


class _TryAgain(Transient):
    """The brain is away, does not lead, or broke off. It may ask for a pause of *after_s* seconds."""

    def __init__(self, why: str, *, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


class Files(Protocol):
    """The files of one task."""

    async def content(self, attachment_index: int) -> bytes:
        """The content of the task's attachment at that index. Raises NoFile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainFiles:
    """`Files` of *run*, from the brain. The name of the run gives access to them, so it stays out of logs."""

    work: Work = field(repr=False)
    run: Run = field(repr=False)
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)

    async def content(self, attachment_index: int) -> bytes:
        """As in `Files`. Raises LostOwnership too."""
        for pause_s in (*PAUSES_S, None):
            try:
                return await self._fetch(attachment_index)
            except _TryAgain as exc:
                log.info("file.not_fetched", reason=str(exc), again=pause_s is not None)
                after_s = exc.after_s
            if pause_s is not None:
                await self.sleep(max(pause_s, after_s))
        raise NoFile("the brain is away")

    async def _fetch(self, index: int) -> bytes:
        """One try, at the address of the present leader. Raises NoFile, or _TryAgain if another try may work."""
        try:
            address = await self.work.files_at(self.run)
        except StoreError as exc:
            raise _TryAgain(type(exc).__name__) from None
        if not address:
            raise NoFile("no address")
        try:
            async with asyncio.timeout(FETCH_S), _client() as http:
                reply = await http.get(f"{address}/files/{self.run.name}/{index}")
        except reply_limit.ReplyTooLong:
            raise NoFile("too large") from None
        except (httpx.HTTPError, OSError, TimeoutError) as exc:
            raise _TryAgain(type(exc).__name__) from None  # the message of the cause holds the address
        except (httpx.InvalidURL, ValueError):
            raise NoFile("no address") from None
        if reply.status_code == 200:
            return reply.content
        if 400 <= reply.status_code < 500 and reply.status_code not in RETRY_STATUSES:
            raise NoFile(str(reply.status_code))
        raise _TryAgain(str(reply.status_code), after_s=_pause_s(reply.headers.get("retry-after", "")))


def _pause_s(retry_after: str) -> float:
    return min(float(retry_after), LONGEST_PAUSE_S) if retry_after.isascii() and retry_after.isdigit() else 0.0


def _client() -> httpx.AsyncClient:
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # at INFO they log addresses, which hold the name of the run
    return httpx.AsyncClient(
        timeout=TIMEOUT,
        headers=reply_limit.UNCOMPRESSED,
        event_hooks={"response": [reply_limit.at_most(lambda _: MAX_BYTES)]},
        trust_env=False,  # no proxy may see the address
        verify=tls.context(),
    )
