"""A stand-in as a program of its own: what both take on their command line, and their life until a signal."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from openclaw_standin import guard

T = TypeVar("T")


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """With the arguments that every stand-in has; its own come after them."""
    made = argparse.ArgumentParser(prog=f"python -m openclaw_standin.{module}", description=description)
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=0, help="0 takes a free one; the address is the first line printed")
    made.add_argument("--control", action="store_true", help="open /control/… to tests")
    made.add_argument("--allow-host", action="append", default=[], help=guard.ALLOW_HOST_HELP)
    return made


def serve(opening: AbstractAsyncContextManager[T], shown: Callable[[T], str], *, port: int) -> int:
    """Keep open what *opening* opens and print *shown* of it, until SIGINT or SIGTERM. The exit code; 1 if *port* is taken."""
    try:
        asyncio.run(_until_stopped(opening, shown))
    except OSError as exc:
        print(f"port {port} cannot be used ({exc.strerror}): choose another with --port", file=sys.stderr)
        return 1
    return 0


async def _until_stopped(opening: AbstractAsyncContextManager[T], shown: Callable[[T], str]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opening as opened:
        print(shown(opened), flush=True)
        await stop.wait()
