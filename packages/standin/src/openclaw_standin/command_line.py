"""Command line of both stand-ins: their common options, and a server that runs until a signal."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from openclaw_standin import guard

T = TypeVar("T")


def parser_for(module: str, description: str | None) -> argparse.ArgumentParser:
    """A parser with the options of both stand-ins."""
    parser = argparse.ArgumentParser(prog=f"python -m openclaw_standin.{module}", description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; the address is the first line printed")
    parser.add_argument("--allow-host", action="append", default=[], help=guard.ALLOW_HOST_HELP)
    return parser


def serve(opening: AbstractAsyncContextManager[T], greeting: Callable[[T], str], *, port: int) -> int:
    """Open a server, print its *greeting*, and wait for SIGINT or SIGTERM. Returns the exit code; 1 if *port* is taken."""
    try:
        asyncio.run(_until_stopped(opening, greeting))
    except OSError as exc:
        print(f"port {port} cannot be used ({exc.strerror}): choose another with --port", file=sys.stderr)
        return 1
    return 0


async def _until_stopped(opening: AbstractAsyncContextManager[T], greeting: Callable[[T], str]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opening as opened:
        print(greeting(opened), flush=True)
        await stop.wait()
