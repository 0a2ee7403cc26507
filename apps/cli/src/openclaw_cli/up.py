"""`openclaw up`: store, chat, model, brain and agents of one machine, until Ctrl-C; then nothing is left running."""

import argparse
import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rich.console import Console

from openclaw_cli.backends import LOCAL_TOKEN, model_from
from openclaw_cli.local_redis import local_redis
from openclaw_cli.standin.bot_api import BotApi
from openclaw_core.environment import Environment
from openclaw_core.errors import OpenClawError, SettingsError, StoreMisconfigured
from openclaw_core.store import open_script

DEFAULT_PORT = 8787
STOP_S = 15.0
"""The brain's agents hand back within 5 s; after this the process group is killed."""


def main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    return asyncio.run(_main(args, env))


async def _main(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    console = Console()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    data = Path(args.data).resolve()
    data.mkdir(parents=True, exist_ok=True)
    if args.fresh:
        await _forget(data)
    async with AsyncExitStack() as stack:
        with console.status("starting the store") as status:
            redis_url = await stack.enter_async_context(
                local_redis(data / "redis", redis_url=env.get("REDIS_URL"), share=False)
            )
            await _check_store({**env, "REDIS_URL": redis_url})
            status.update("starting the model")
            model = await stack.enter_async_context(model_from(env))
            status.update("starting the chat")
            chat_env, where = await _chat(stack, env, args.port, data, demo=model.demo)
            status.update("starting the brain")
            log_file = data / "brain.log"
            log = None if args.verbose else stack.enter_context(log_file.open("ab"))
            brain = await stack.enter_async_context(
                _brain({**env, **model.env, **chat_env, "REDIS_URL": redis_url}, log)
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
        await asyncio.wait([stopping, ended], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if ended.done() and not stop.is_set():
            console.print(
                f"[red]The brain ended (exit {ended.result()}).[/red] Why: {'above' if args.verbose else log_file}",
                highlight=False,
            )
            return 1
        console.print("stopping")
        ended.cancel()
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
    async with local_redis(data / "redis", share=False):
        pass
    for name in ("redis", "chat"):
        shutil.rmtree(data / name, ignore_errors=True)


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
    page = await stack.enter_async_context(
        BotApi.open(
            host="127.0.0.1",
            port=_free_port(port),
            token=LOCAL_TOKEN,
            data_dir=data / "chat",
            flood=True,
            notice=notice,
        )
    )
    return {"TELEGRAM_TOKEN": LOCAL_TOKEN, "TELEGRAM_BASE_URL": page.url, "ALLOWED_USER_IDS": "*"}, page.url


def _free_port(asked: int | None) -> int:
    """The port asked for, or the usual one, or a free one. Raises SettingsError for a port that was asked for and is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT if asked is None else asked))
            return int(probe.getsockname()[1])
        except OSError:
            if asked is not None:
                raise SettingsError(f"port {asked} is taken: choose another with --port, or leave --port out") from None
    return 0


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
