"""The server of the Bot API stand-in: strict as Telegram, for one bot, with a chat page for people."""

import json
import secrets
import sqlite3
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from aiohttp import web

from openclaw_core.errors import SettingsError
from openclaw_standin import guard
from openclaw_standin.bot_api.chat_page.routes import PageRoutes
from openclaw_standin.bot_api.faults import Faults
from openclaw_standin.bot_api.flood import Flood, FloodTimes
from openclaw_standin.bot_api.journal import Journal
from openclaw_standin.bot_api.routes import BotRoutes
from openclaw_standin.bot_api.state import ApiObject, TelegramState
from openclaw_standin.bot_api.storage import Storage, open_error
from openclaw_standin.bot_api.users import Users

MAX_BODY_BYTES = 64 * 1024 * 1024
SECRET_BYTES = 18


class BotApi:
    """A running stand-in: its address, its `users`, and the `journal` of calls. Made by `open`."""

    def __init__(self, state: TelegramState) -> None:
        self.state = state
        self.url = ""
        self.faults, self.journal = Faults(), Journal()
        self._routes = BotRoutes(state, self.faults, self.journal)
        self.other_bots = self._routes.other_bots
        """Handlers of the calls of other bots, by their tokens. A test adds some."""
        self.users = Users(state)
        self.page_url = ""
        """The address of the chat page. It holds a secret that gives access to all chats."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str,
        data_dir: Path | None = None,
        flood: bool = True,
        limits: FloodTimes | None = None,
        notice: str = "",
        fresh: bool = False,
        page_secret: str = "",
        hosts: Collection[str] = (),
    ) -> AsyncIterator["BotApi"]:
        """Serve until the block ends.

        *data_dir* None keeps nothing, *fresh* deletes the old data. *notice* is the banner of the chat page. *page_secret* is part of the
        page's address; without one, each start has another. *hosts* are names of this server besides the loopback's, for pods of a test
        cluster; the chat page answers on this machine only. Raises OSError if the port is taken, SettingsError for data
        that cannot be opened.
        """
        with _translate_errors(data_dir):
            storage = Storage(data_dir, fresh=fresh)
        try:
            with _translate_errors(data_dir):
                state = TelegramState(storage, Flood(limits or FloodTimes(), on=flood), token=token)
            api = cls(state)
            app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[guard.known_hosts(hosts)])
            api._routes.add_to(app)
            page_secret = page_secret or secrets.token_urlsafe(SECRET_BYTES)
            PageRoutes(state, api.users, notice=notice, secret=page_secret).add_to(app)

            async def end_streams(_app: web.Application) -> None:
                state.page_events.close()

            app.on_shutdown.append(end_streams)
            # A call ends when its caller is gone: the journal says `cut`, and no poll stays until its timeout.
            async with guard.serving(app, host, port) as api.url:
                api.page_url = f"{api.url}/{page_secret}/"
                yield api
        finally:
            storage.close()

    def messages(self, chat_id: int) -> list[ApiObject]:
        """All messages of a chat, of users and of the bot, oldest first."""
        return self.state.messages(chat_id)

    def bot_texts(self, chat_id: int) -> list[str]:
        """The present texts of the bot's messages, oldest first."""
        bot_id = self.state.bot["id"]
        return [m["text"] for m in self.messages(chat_id) if m.get("from", {}).get("id") == bot_id and "text" in m]

    def reaction(self, chat_id: int, message_id: int) -> str:
        return self.state.reactions.get((chat_id, message_id), "")


@contextmanager
def _translate_errors(data_dir: Path | None) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, json.JSONDecodeError) as exc:
        raise SettingsError(open_error(data_dir or Path(), exc)) from None
