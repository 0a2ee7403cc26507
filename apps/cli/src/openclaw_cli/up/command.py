"""`openclaw up`: store, chat, model, brain and agents of one machine, until Ctrl-C; then nothing is left running."""

import argparse
import asyncio
import contextlib
import ctypes
import errno
import os
import shutil
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from openclaw_cli.up import data_folder
from openclaw_cli.up.backends import local_token, model_from
from openclaw_cli.up.local_redis import free_port, local_store
from openclaw_cli.up.store_lock import holding
from openclaw_core.environment import Environment
from openclaw_core.errors import OpenClawError, SettingsError, StoreMisconfigured
from openclaw_core.store import open_script
from openclaw_standin.bot_api import BotApi
from openclaw_standin.keeping import CHATS
from openclaw_standin.salvage import readable, salvage

DEFAULT_PORT = 8787
STORE_FIRST_S = 1.0
STOP_S = 15.0
"""The brain's agents hand back within 5 s; after this the process group is killed."""


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
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    os.umask(data_folder.PRIVATE_UMASK)  # for all that is started here
    data_folder.prepare(data)
    if args.fresh:
        await _forget(data)
        console.print(f"forgot the chats and the store's data in {data}", highlight=False, soft_wrap=True)

    def tell(what: str) -> None:
        console.print(f"[yellow]{escape(what)}[/yellow]", highlight=False, soft_wrap=True)

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
            brain = await stack.enter_async_context(
                _brain({**env, **model.env, **chat_env, "REDIS_URL": store.url}, log)
            )
        console.print(
            f"[bold]OpenClaw is up.[/bold] Chat: [bold cyan]{where}[/bold cyan]", highlight=False, soft_wrap=True
        )
        console.print(f"  model  {model.name}", highlight=False, soft_wrap=True)
        console.print(
            f"  store  {'REDIS_URL' if env.get('REDIS_URL') else data / 'redis'} (kept over restarts; --fresh forgets)",
            highlight=False,
        )
        console.print(f"  logs   {'here' if args.verbose else log_file}", highlight=False, soft_wrap=True)
        if "ALLOWED_USER_IDS" not in chat_env and not env.get("ALLOWED_USER_IDS"):
            console.print(
                "  access [yellow]closed[/yellow]: write to the bot, it tells you your id; then ALLOWED_USER_IDS=<id> make up",
                highlight=False,
                soft_wrap=True,
            )
        console.print("Ctrl-C stops everything.")
        stopping = asyncio.create_task(stop.wait())
        ended = asyncio.create_task(brain.wait())
        store_ended = asyncio.create_task(store.ended())
        await asyncio.wait([stopping, ended, store_ended], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not stop.is_set():
            if not store_ended.done():  # a brain ends with its store: then that is the reason to tell
                await asyncio.wait([store_ended], timeout=STORE_FIRST_S)
            if store_ended.done():
                console.print(f"[red]{escape(store_ended.result())}[/red]", highlight=False, soft_wrap=True)
            else:
                console.print(
                    f"[red]The brain ended (exit {ended.result()}).[/red] Why: {'above' if args.verbose else log_file}",
                    highlight=False,
                )
        store_ended.cancel()
        ended.cancel()
        if not stop.is_set():
            return 1
        console.print("stopping")
    return 0


async def _check_store(env: Mapping[str, str]) -> None:
    """Say before anything else starts why a store cannot be used. Raises SettingsError."""
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
    async with holding(data / "redis"):
        for name in ("redis", "chat"):
            if (data / name).is_dir():
                shutil.rmtree(data / name)


def _repair_chats(folder: Path, tell: Callable[[str], None]) -> None:
    """Where the chats cannot be read, go on with those that can. Raises SettingsError if there is no room for that."""
    if not (folder / CHATS).exists() or readable(folder):
        return
    try:
        kept, rows = salvage(folder)
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


@asynccontextmanager
async def _brain(env: Mapping[str, str], log: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """The brain in a process group of its own, which its agents share: at the end all of it is gone."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openclaw_brain", env=dict(env), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,  # type: ignore[arg-type]
        start_new_session=True, preexec_fn=_end_with_parent,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _end_with_parent() -> None:
    """On Linux: SIGTERM for the brain when `openclaw up` itself is killed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
