"""The Bot API stand-in: an honest, strict server for one bot, with a chat page for people and orders for tests.

Run it by itself with `python -m openclaw_standin.bot_api --token-file FILE --port 8787 --data DIR`: the first line printed is
TELEGRAM_BASE_URL, the second has the chat page's address.
"""

import json
import os
import secrets
import sqlite3
import sys
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from openclaw_core.errors import SettingsError
from openclaw_standin import command_line, guard
from openclaw_standin.bot_api.chat_page.routes import PageRoutes
from openclaw_standin.bot_api.control import ControlRoutes
from openclaw_standin.bot_api.faults import Faults
from openclaw_standin.bot_api.flood import Flood, Limits
from openclaw_standin.bot_api.journal import Journal
from openclaw_standin.bot_api.routes import BotRoutes
from openclaw_standin.bot_api.second_bot import SecondBot
from openclaw_standin.bot_api.state import Chat, Wire, World
from openclaw_standin.bot_api.storage import Keeper, unusable
from openclaw_standin.bot_api.users import FileKind, People

MAX_BODY_BYTES = 64 * 1024 * 1024
SECRET_BYTES = 18
GOODBYE_S = 0.2
"""How long open calls get at the end; long polls and page streams never end by themselves."""


class BotApi:
    """A running stand-in: its address, what users do in it, and what it saw. Made by `open`."""

    def __init__(self, world: World, url: str, faults: Faults, journal: Journal) -> None:
        self.world = world
        self.url = url
        self.faults = faults
        self.journal = journal
        self.people = People(world)
        self.page_url = ""
        """The chat page's address. It holds a secret: who has it reads and writes the chats."""
        self.second: SecondBot | None = None

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
        limits: Limits | None = None,
        notice: str = "",
        fresh: bool = False,
        control: bool = False,
        name: str = "OpenClaw",
        username: str = "openclaw_local_bot",
        second_token: str = "",
        page_secret: str = "",
        hosts: Collection[str] = (),
    ) -> AsyncIterator["BotApi"]:
        """Serve until the block ends. *data_dir* None keeps nothing; *fresh* forgets what is there.

        *notice* is the banner of the chat page, *control* opens `/control/…`, *second_token* is that of a second bot, for
        `scripts/smoke`. *page_secret* stands in the page's address; without one it is another at each start. *hosts* are names
        and addresses by which the Bot API may be called beside the loopback's, as pods of a test cluster do; the page is for this
        machine alone. Raises OSError if the port is taken, SettingsError for chats that cannot be opened.
        """
        with _opening(data_dir):
            keeper = Keeper(data_dir, fresh=fresh)
        try:
            with _opening(data_dir):
                world = World(keeper, Flood(limits or Limits(), on=flood), token=token, name=name, username=username)
            faults, journal = Faults(), Journal()
            api = cls(world, "", faults, journal)
            app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[guard.known_hosts(hosts)])
            routes = BotRoutes(world, faults, journal)
            if second_token:
                routes.second = api.second = SecondBot(world, token=second_token)
            routes.add_to(app)
            page_secret = page_secret or secrets.token_urlsafe(SECRET_BYTES)
            PageRoutes(world, api.people, notice=notice, secret=page_secret).add_to(app)
            if control:
                ControlRoutes(world, api.people, faults, journal).add_to(app)

            async def end_streams(_app: web.Application) -> None:
                world.changes.close()

            app.on_shutdown.append(end_streams)
            # A call whose caller is gone ends at once: the journal says `cut`, and no poll lingers until its time-out.
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=GOODBYE_S, **guard.CONNECTION)
            await runner.setup()
            try:
                await web.TCPSite(runner, host, port).start()
                shown = f"[{host}]" if ":" in host else host
                api.url = f"http://{shown}:{runner.addresses[0][1]}"
                api.page_url = f"{api.url}/{page_secret}/"
                yield api
            finally:
                await runner.cleanup()
        finally:
            keeper.close()

    # ---- what users do

    def user_says(self, chat_id: int, text: str, **how: Any) -> int:
        """A user writes; see `People.says`. Returns the update's id."""
        return self.people.says(chat_id, text, **how)

    def press(self, chat_id: int, message_id: int, data: str, **how: Any) -> int:
        return self.people.presses(chat_id, message_id, data, **how)

    def edit(self, chat_id: int, message_id: int, text: str) -> int:
        return self.people.edits(chat_id, message_id, text)

    def upload_file(self, chat_id: int, name: str, content: bytes, *, kind: FileKind = "document", **how: Any) -> int:
        return self.people.upload(chat_id, name, content, kind=kind, **how)

    def inject(self, update: Wire) -> int:
        return self.people.inject(update)

    def replay(self, *update_ids: int) -> None:
        """Hand out acknowledged updates once more."""
        self.world.updates.replay(*update_ids)

    def group(self, chat_id: int, **how: Any) -> Chat:
        return self.people.group(chat_id, **how)

    def block(self, chat_id: int, *, reason: str = "blocked") -> None:
        self.people.block(chat_id, reason=reason)

    # ---- what can be seen

    def messages(self, chat_id: int) -> list[Wire]:
        """All messages of a chat, oldest first, the user's and the bot's."""
        return self.world.messages(chat_id)

    def bot_texts(self, chat_id: int) -> list[str]:
        """What the bot's messages say now, oldest first."""
        bot_id = self.world.bot["id"]
        return [m["text"] for m in self.messages(chat_id) if m.get("from", {}).get("id") == bot_id and "text" in m]

    def reaction(self, chat_id: int, message_id: int) -> str:
        return self.world.reactions.get((chat_id, message_id), "")


@contextmanager
def _opening(data_dir: Path | None) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, json.JSONDecodeError) as exc:
        raise SettingsError(unusable(data_dir or Path(), exc)) from None


def main(argv: list[str] | None = None) -> int:
    parser = command_line.parser("bot_api", __doc__)
    parser.add_argument("--token-file", type=Path, help="a file with the bot's token; TELEGRAM_TOKEN otherwise")
    parser.add_argument("--data", type=Path, help="folder for chats and counters; without it nothing is kept")
    parser.add_argument("--fresh", action="store_true", help="forget what is in the folder")
    parser.add_argument("--no-flood", action="store_true", help="switch the flood limits off")
    parser.add_argument("--chat-burst", type=float, default=3.0, help="messages in a private chat before 1/s holds")
    parser.add_argument("--notice", default="", help="banner of the chat page")
    options = parser.parse_args(argv)
    try:
        token = options.token_file.read_text().strip() if options.token_file else os.environ.get("TELEGRAM_TOKEN", "")
    except OSError:
        parser.error("the token file cannot be read: check its path")
    if not token.partition(":")[0].isdigit() or ":" not in token:
        parser.error("no bot token: give --token-file, or set TELEGRAM_TOKEN to digits, a colon and letters")
    opening = BotApi.open(
        host=options.host,
        port=options.port,
        token=token,
        data_dir=options.data,
        flood=not options.no_flood,
        limits=Limits(private_burst=options.chat_burst),
        notice=options.notice,
        fresh=options.fresh,
        control=options.control,
        second_token=os.environ.get("SMOKE_BOT_TOKEN", ""),
        hosts=options.allow_host,
    )
    try:
        return command_line.serve(opening, lambda api: f"{api.url}\nchat page: {api.page_url}", port=options.port)
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return 1
