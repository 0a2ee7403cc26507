"""Updates on their way to the bot: numbered, kept until acknowledged, handed out by long polling to one poller."""

import asyncio
import random
from collections import deque
from typing import Any

from openclaw_standin.bot_api.storage import Keeper
from openclaw_standin.bot_api.wire import Refused

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
    """The queue of updates of one bot. Ids start at a random number, as Telegram's do, and survive a restart."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._pending: dict[int, dict[str, Any]] = dict(keeper.updates())
        known = keeper.known("next_update_id", None)
        start = random.randint(100_000_000, 900_000_000) if known is None else int(known)
        self.next_id = max(start, max(self._pending, default=0) + 1)
        keeper.fact("next_update_id", self.next_id)
        self._allowed: frozenset[str] | None = None
        self._done: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._again: list[dict[str, Any]] = []
        self._poller: asyncio.Future[None] | None = None
        self._webhook_url = ""

    @property
    def webhook_url(self) -> str:
        """Set by a test to see what polls are told while a webhook is active, the one under way too; nothing is delivered to it."""
        return self._webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._webhook_url = url
        if url and self._poller is not None and not self._poller.done():
            self._poller.set_exception(Refused(409, _WEBHOOK_SET))

    @property
    def pending(self) -> int:
        return len(self._pending)

    def take_number(self) -> int:
        number, self.next_id = self.next_id, self.next_id + 1
        return number

    def add(self, update: dict[str, Any]) -> int:
        """Queue *update* and return its id, which is given unless it has one. Kinds that the bot did not ask for are dropped."""
        update_id = update["update_id"] if "update_id" in update else self.take_number()
        body = {"update_id": update_id, **{key: value for key, value in update.items() if key != "update_id"}}
        kinds = set(body) - {"update_id"}
        wanted = (self._allowed is None and not kinds <= NOT_BY_DEFAULT) or bool(kinds & (self._allowed or set()))
        if wanted or not kinds:
            self._keeper.update(update_id, body)
            self._pending[update_id] = body
            self.next_id = max(self.next_id, update_id + 1)
            self._wake()
        return int(update_id)

    def replay(self, *update_ids: int) -> None:
        """Hand out acknowledged updates once more, as a poll that raced with a restart would see them."""
        self._again += [update for update in self._done if update["update_id"] in update_ids]
        self._wake()

    async def poll(self, *, offset: int, limit: int, timeout_s: int, allowed: list[str] | None) -> list[dict[str, Any]]:
        """The next updates, waiting for one up to *timeout_s*. Raises Refused (409) when another poll takes over."""
        if self.webhook_url:
            raise Refused(409, _WEBHOOK)
        if allowed is not None:
            self._allowed = frozenset(allowed) if allowed else None
        self._acknowledge(offset)
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(Refused(409, _CONFLICT))
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

    def drop_all(self) -> None:
        gone = list(self._pending)
        self._pending.clear()
        self._keeper.acknowledged(gone, self.next_id)

    def _acknowledge(self, offset: int) -> None:
        if offset == 0:
            return
        if offset < 0:  # counted from the end of the queue; the ones before are forgotten
            gone = sorted(self._pending)[:offset]
        else:
            gone = [update_id for update_id in self._pending if update_id < offset]
        if gone:
            self._done.extend(self._pending.pop(update_id) for update_id in gone)
            self._keeper.acknowledged(gone, self.next_id)

    def _batch(self, size: int) -> list[dict[str, Any]]:
        again, self._again = self._again[:size], self._again[size:]
        return again + [self._pending[n] for n in sorted(self._pending)[: size - len(again)]]

    def _wake(self) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)
