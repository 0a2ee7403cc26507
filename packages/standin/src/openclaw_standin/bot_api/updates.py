"""The queue of updates for the bot: each has a number and is kept until acknowledged. One long poll at a time takes them."""

import asyncio
import random
from collections import deque
from typing import Any

from openclaw_standin.bot_api.storage import Storage
from openclaw_standin.bot_api.wire import ErrorReply

NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
MAX_POLL_S = 50
MAX_BATCH = 100
REMEMBERED = 10_000

_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK_SET = "Conflict: terminated by setWebhook request"
_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class Updates:
    """The queue of one bot. As in Telegram, ids start at a random number. They survive a restart."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._pending: dict[int, dict[str, Any]] = dict(storage.updates())
        known = storage.fact("next_update_id", None)
        start = random.randint(100_000_000, 900_000_000) if known is None else int(known)
        self.next_id = max(start, max(self._pending, default=0) + 1)
        storage.save_fact("next_update_id", self.next_id)
        self._allowed: frozenset[str] | None = None
        self._delivered: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._replayed: list[dict[str, Any]] = []
        self._poller: asyncio.Future[None] | None = None
        self._webhook_url = ""

    @property
    def webhook_url(self) -> str:
        """Set by a test: all polls, the running one too, are refused as by an active webhook. Nothing is delivered to it."""
        return self._webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._webhook_url = url
        if url and self._poller is not None and not self._poller.done():
            self._poller.set_exception(ErrorReply(409, _WEBHOOK_SET))

    @property
    def pending(self) -> int:
        return len(self._pending)

    def take_number(self) -> int:
        number, self.next_id = self.next_id, self.next_id + 1
        return number

    def add(self, update: dict[str, Any]) -> int:
        """Queue *update* and return its id; it gets one if it has none. Kinds that the bot did not ask for are dropped."""
        update_id = update["update_id"] if "update_id" in update else self.take_number()
        body = {"update_id": update_id, **{key: value for key, value in update.items() if key != "update_id"}}
        kinds = set(body) - {"update_id"}
        wanted = (self._allowed is None and not kinds <= NOT_BY_DEFAULT) or bool(kinds & (self._allowed or set()))
        if wanted or not kinds:
            self._storage.save_update(update_id, body)
            self._pending[update_id] = body
            self.next_id = max(self.next_id, update_id + 1)
            self._wake()
        return int(update_id)

    def replay(self, *update_ids: int) -> None:
        """Deliver acknowledged updates again, as after a restart between a poll and its acknowledgement."""
        self._replayed += [update for update in self._delivered if update["update_id"] in update_ids]
        self._wake()

    async def poll(self, *, offset: int, limit: int, timeout_s: int, allowed: list[str] | None) -> list[dict[str, Any]]:
        """The next updates. Waits up to *timeout_s* for one. Raises ErrorReply (409) if another poll begins."""
        if self.webhook_url:
            raise ErrorReply(409, _WEBHOOK)
        if allowed is not None:
            self._allowed = frozenset(allowed) if allowed else None
        self._acknowledge(offset)
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(ErrorReply(409, _CONFLICT))
        size = min(max(limit, 1), MAX_BATCH)
        batch = self._batch(size)
        if batch or timeout_s <= 0:
            return batch
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poller = mine
        try:
            async with asyncio.timeout(min(timeout_s, MAX_POLL_S)):
                await mine
        except TimeoutError:
            return []
        finally:
            if self._poller is mine:
                self._poller = None
        return self._batch(size)

    def _acknowledge(self, offset: int) -> None:
        if offset == 0:
            return
        if offset < 0:  # counted from the end of the queue; earlier updates are dropped
            gone = sorted(self._pending)[:offset]
        else:
            gone = [update_id for update_id in self._pending if update_id < offset]
        if gone:
            self._delivered.extend(self._pending.pop(update_id) for update_id in gone)
            self._storage.delete_updates(gone, self.next_id)

    def _batch(self, size: int) -> list[dict[str, Any]]:
        replayed, self._replayed = self._replayed[:size], self._replayed[size:]
        return replayed + [self._pending[n] for n in sorted(self._pending)[: size - len(replayed)]]

    def _wake(self) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)
