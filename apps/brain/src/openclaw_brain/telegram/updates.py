"""Polls updates: admit a batch to Redis, only then move the offset. The library's `run_polling` acknowledges before a handler ends."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from openclaw_brain.loops import Loop
from openclaw_brain.telegram.incoming import stream_of
from openclaw_core import logs, reply_limit
from openclaw_core.chat.telegram.error_translation import RETRY_MAX_S
from openclaw_core.errors import (
    FloodWait,
    MessengerUnauthorized,
    MessengerUnavailable,
    PollConflict,
    StoreFull,
    StoreUnavailable,
    WebhookSet,
)
from openclaw_core.records import parsed, whole
from openclaw_core.store import Inbox
from openclaw_core.store.inbox import Admitted, Stream

POLL_S = 20
"""How long the server holds an empty poll open, in seconds."""
WATCHDOG_S = POLL_S + 15
"""A poll that takes longer hangs. It is cancelled and sent again."""
BATCH_MAX_BYTES = 8_000_000
"""A hundred updates are a tenth of that."""
FORGET_OFFSET_S = 24 * 3600
"""After a quiet week Telegram may restart with a lower update id. Ids of handled updates are stored for 48 h."""
# The kinds that `read_update` knows. Telegram does not send the others.
ALLOWED = ("message", "edited_message", "callback_query", "channel_post", "my_chat_member")

log = logs.get(__name__)
Batch = Sequence[tuple[Stream, Admitted]]


class Poller:
    """`getUpdates` as raw JSON: an update that no library can parse must neither block the queue nor be lost."""

    def __init__(self, token: str, base_url: str | None) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs URLs, which carry the token
        self._url = f"{base_url or 'https://api.telegram.org'}/bot{token}"
        self._request = HTTPXRequest(
            connection_pool_size=2, read_timeout=POLL_S + 10, connect_timeout=5, http_version="1.1",
            httpx_kwargs={"headers": reply_limit.UNCOMPRESSED, "event_hooks": {"response": [reply_limit.at_most(lambda _: BATCH_MAX_BYTES)]}},
        )  # fmt: skip

    async def end_webhook(self) -> None:
        """Delete the webhook: polls are refused while one is set. Raises as `poll` does."""
        await self._get("deleteWebhook")

    async def aclose(self) -> None:
        await self._request.shutdown()

    async def poll(self, offset: int | None) -> list[dict[str, Any]]:
        """Return up to 100 updates from *offset* on. Raises PollConflict, FloodWait, MessengerUnauthorized, MessengerUnavailable."""
        query = f"getUpdates?timeout={POLL_S}&limit=100&allowed_updates={json.dumps(ALLOWED, separators=(',', ':'))}"
        result = await self._get(query + (f"&offset={offset}" if offset is not None else ""))
        return (
            [update for update in result if isinstance(update, dict) and isinstance(update.get("update_id"), int)]
            if isinstance(result, list)
            else []
        )

    async def _get(self, path: str) -> Any:
        try:
            async with asyncio.timeout(WATCHDOG_S):
                # `do_request` returns the reply as it is. The library's own exceptions carry the URL with the token and lose the reply.
                status, payload = await self._request.do_request(f"{self._url}/{path}", "GET")
            reply = parsed(payload)
        except (TelegramError, TimeoutError, ValueError):
            raise MessengerUnavailable("the Bot API does not answer") from None
        if not isinstance(reply, dict):
            raise MessengerUnavailable("the Bot API does not answer as it should")
        if status == 409:
            if "webhook" in str(reply.get("description")).lower():
                raise WebhookSet("a webhook is set for this bot")
            raise PollConflict("another process polls with this token")
        if status == 429:
            parameters = reply.get("parameters")
            wait_s = whole(parameters.get("retry_after"), 1) if isinstance(parameters, dict) else 1
            raise FloodWait(retry_after_s=min(RETRY_MAX_S, max(1, wait_s)))
        if status in (401, 404):
            raise MessengerUnauthorized("Telegram refuses the token")
        if status != 200:
            raise MessengerUnavailable("the Bot API does not answer as it should")
        return reply.get("result")


async def admit_forever(
    poller: Poller, inbox: Inbox, loop: Loop, *, epoch: int, on_admitted: Callable[[Batch, bool], None],
    clock: Callable[[], float] = time.monotonic,
    on_webhook: Callable[[], None] = lambda: None, on_heard: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Poll until cancelled; *on_admitted* is told what was new, and whether that was all.

    Raises LostOwnership when a newer leader has come.

    *on_heard* is called now, and after each poll that Telegram has answered.

    The offset moves only after the batch is in Redis; while Redis is full or away nothing is acknowledged.
    """
    offset: int | None = None  # at start: everything that is not acknowledged, known ids are dropped
    last_update = clock()
    pause_s = 0.0
    may_poll = False

    async def step() -> float:
        nonlocal offset, last_update, pause_s, may_poll
        try:
            if not may_poll:  # a call of this loop alone: nothing else waits for a Bot API that hangs
                await poller.end_webhook()
                may_poll = True
                loop.heartbeat()
            updates = await poller.poll(offset)
            if updates:
                newest = max(update["update_id"] for update in updates) + 1
                fresh = await _admit(inbox, updates, newest, loop, epoch=epoch)
                offset, last_update = newest, clock()
                log.info("updates.admitted", fetched=len(updates), fresh=len(fresh))
                on_admitted(fresh, len(fresh) == len(updates))
            elif clock() - last_update > FORGET_OFFSET_S:
                offset, last_update = None, clock()
            on_heard()
            pause_s = 0.0
        except WebhookSet:
            may_poll, pause_s = False, 1.0  # ended before the next poll, and what has not been fetched stays
            on_webhook()
            log.error(
                "updates.webhook",
                hint="somebody set a webhook for this bot, which takes its messages away; it is ended again: "
                "stop whatever sets it, or make a new token if nobody of yours does",
            )
        except PollConflict:
            pause_s = 5.0
            log.warning("updates.conflict", hint="another process polls with this token; stop it, or use another token")
        except FloodWait as exc:
            pause_s = exc.retry_after_s
            log.warning("updates.flood", wait_s=pause_s)
        except MessengerUnauthorized:
            pause_s = 30.0
            log.error("updates.unauthorized", hint="the token is refused: set TELEGRAM_TOKEN anew, see @BotFather")
        except MessengerUnavailable:
            pause_s = min(30.0, max(0.5, pause_s * 2))
            log.warning("updates.unavailable", wait_s=pause_s)
        loop.heartbeat()  # the poll may have taken long, and Telegram may ask for a long pause
        return pause_s

    on_heard()
    await loop.run(step)


async def _admit(inbox: Inbox, updates: list[dict[str, Any]], newest: int, loop: Loop, *, epoch: int) -> Batch:
    batch = [(stream_of(update), update) for update in updates]
    while True:
        loop.heartbeat()
        try:
            return await inbox.admitted(batch, offset=newest, epoch=epoch)
        except StoreFull:
            log.error("store.full", hint="nothing is acknowledged until Redis has room: raise maxmemory, or free some")
        except StoreUnavailable:
            log.warning("store.unavailable", during="admit")
        await loop.sleep(1.0)
