"""`openclaw up`: run store, chat, model, brain and agents on this machine until Ctrl-C. Then nothing is left running."""

import argparse
import asyncio
import errno
import os
import shutil
import signal
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from openclaw_cli.up import child_processes, data_folder, search_services
from openclaw_cli.up.backends import local_token, model_from
from openclaw_cli.up.local_redis import LocalStore, free_port, local_store
from openclaw_cli.up.store_lock import exclusive
from openclaw_core.environment import Environment
from openclaw_core.errors import OpenClawError, SettingsError, StoreMisconfigured
from openclaw_core.store import open_script
from openclaw_standin.bot_api import BotApi
from openclaw_standin.bot_api.repair import is_undamaged, repair
from openclaw_standin.bot_api.storage import CHATS_FILE

DEFAULT_PORT = 8787
STORE_END_WAIT_S = 1.0
"""A brain ends soon after its store: so long the end of the store, which is the reason, is waited for."""


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    data = Path(args.data).resolve()
    try:
        return asyncio.run(_main(args, env, data))
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise SettingsError(
            f"the disk of {data} is full: make room, then start again. What was confirmed is kept"
        ) from None


async def _main(args: argparse.Namespace, env: Mapping[str, str], data: Path) -> int:
    console = Console()
    say = partial(console.print, highlight=False, soft_wrap=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    os.umask(data_folder.PRIVATE_UMASK)  # for all that is started here
    data_folder.prepare(data)
    if args.fresh:
        await _forget(data)
        say(f"forgot the chats and the store's data in {data}")

    def tell(what: str) -> None:
        say(f"[yellow]{escape(what)}[/yellow]")

    async with AsyncExitStack() as stack:
        with console.status("starting the store") as status:
            store = await stack.enter_async_context(
                local_store(data / "redis", redis_url=env.get("REDIS_URL"), share=False, repair=args.repair, tell=tell)
            )
            await _check_store({**env, "REDIS_URL": store.url})
            if args.repair:
                _repair_chats(data / "chat", tell)
            status.update("starting the model")
            model = await stack.enter_async_context(model_from(env, tell))
            status.update("starting the chat")
            chat_env, where = await _chat(stack, env, args.port, data, demo=model.demo)
            status.update("starting the brain")
            log_file = data / "brain.log"
            log = None if args.verbose else stack.enter_context(log_file.open("ab"))
            settings = {**search_services.DEFAULTS, **env, **model.env, **chat_env, "REDIS_URL": store.url}
            brain = await stack.enter_async_context(child_processes.brain(settings, log))
        say(f"[bold]OpenClaw is up.[/bold] Chat: [bold cyan]{where}[/bold cyan]")
        say(f"  model  {model.name}")
        if not model.demo:  # that one calls no tools
            titles = [search_services.SERVICE_TITLES[one.name] for one in search_services.services_from(env)]
            say(f"  search {', then '.join(titles) or 'none: SEARCH_URL, BRAVE_API_KEY or TAVILY_API_KEY'}")
        console.print(
            f"  store  {'REDIS_URL' if env.get('REDIS_URL') else data / 'redis'} (kept over restarts; --fresh forgets)",
            highlight=False,
        )
        say(f"  logs   {'here' if args.verbose else log_file}")
        if "ALLOWED_USER_IDS" not in chat_env and not env.get("ALLOWED_USER_IDS"):
            say(
                "  access [yellow]closed[/yellow]: write to the bot, it tells you your id; then ALLOWED_USER_IDS=<id> make up"
            )
        console.print("Ctrl-C stops everything.")
        reason = await _until_end(stop, store, brain, log="above" if args.verbose else str(log_file))
        if reason:
            say(reason)
            return 1
        console.print("stopping")
    return 0


async def _until_end(stop: asyncio.Event, store: LocalStore, brain: asyncio.subprocess.Process, *, log: str) -> str:
    """Wait for *stop*, or for the end of the store or the brain. Returns why one of these ended, empty after *stop*."""
    stopping = asyncio.create_task(stop.wait())
    brain_ended = asyncio.create_task(brain.wait())
    store_ended = asyncio.create_task(store.ended())
    try:
        await asyncio.wait([stopping, brain_ended, store_ended], return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            return ""
        await asyncio.wait([store_ended], timeout=STORE_END_WAIT_S)
        if store_ended.done():
            return f"[red]{escape(store_ended.result())}[/red]"
        return f"[red]The brain ended (exit {brain_ended.result()}).[/red] Why: {log}"
    finally:
        for task in (stopping, brain_ended, store_ended):
            task.cancel()


async def _check_store(env: Mapping[str, str]) -> None:
    """Raises SettingsError if the store cannot be used, before anything else starts."""
    read = Environment(env)
    settings = read.redis()
    read.done()
    async with open_script(settings, bot_id=0) as script:
        try:
            await script.check()
        except StoreMisconfigured as exc:
            raise SettingsError(str(exc)) from None
        except OpenClawError as exc:
            raise SettingsError(
                f"{exc}: start the server that REDIS_URL names, or leave REDIS_URL out for one of our own"
            ) from None


async def _forget(data: Path) -> None:
    """Empty the folder, but never under a running bot: its store holds the lock. Raises SettingsError if there is one."""
    async with exclusive(data / "redis"):
        for name in ("redis", "chat"):
            if (data / name).is_dir():
                shutil.rmtree(data / name)


def _repair_chats(folder: Path, tell: Callable[[str], None]) -> None:
    """If the chats' file is damaged, keep what can be read of it. Raises SettingsError if there is no room for that."""
    if not (folder / CHATS_FILE).exists() or is_undamaged(folder):
        return
    try:
        kept, rows = repair(folder)
    except (OSError, sqlite3.Error):
        raise SettingsError(
            f"the chats in {folder} could not be repaired: make room on that disk, then try again"
        ) from None
    tell(
        f"the chats were damaged: {rows} entries could be read, and the page goes on with them; the damaged file is kept in {kept}"
    )


async def _chat(
    stack: AsyncExitStack, env: Mapping[str, str], port: int | None, data: Path, *, demo: bool
) -> tuple[dict[str, str], str]:
    if env.get("TELEGRAM_TOKEN") or env.get("TELEGRAM_TOKEN_FILE"):
        return {}, env.get("TELEGRAM_BASE_URL") or "Telegram"
    notice = (
        "This is a small English demo model: expect mistakes. Set GROQ_API_KEY for real answers and Hebrew."
        if demo
        else ""
    )
    token, port = local_token(), page_port(port)
    page = await stack.enter_async_context(
        BotApi.open(
            host="127.0.0.1",
            port=port,
            token=token,
            data_dir=data / "chat",
            flood=True,
            notice=notice,
            page_secret=data_folder.page_secret(data, port),
        )
    )
    return {"TELEGRAM_TOKEN": token, "TELEGRAM_BASE_URL": page.url, "ALLOWED_USER_IDS": "*"}, page.page_url


def page_port(asked: int | None) -> int:
    """The port asked for, or the usual one, or a free one. Raises SettingsError for a port that was asked for and is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT if asked is None else asked))
            return int(probe.getsockname()[1])
        except OSError:
            if asked is not None:
                raise SettingsError(f"port {asked} is taken: choose another with --port, or leave --port out") from None
    return free_port()
