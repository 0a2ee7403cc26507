"""`openclaw dev`: `openclaw up` for developers. It restarts when a file changes, and its log is in colour."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from openclaw_cli.up import child_processes
from openclaw_cli.up.command import page_port

WATCHED = ("packages", "apps", "platform/openclaw/base")
"""From the root of the repository: code, prompts, roles."""
SUFFIXES = {".py", ".lua", ".md", ".yaml", ".html", ".css", ".js"}
POLL_S = 0.5
STOP_TIMEOUT_S = 30.0
"""`openclaw up` gives its brain 15 s, and stops chat, model and store after it."""
LINE_MAX_BYTES = 1 << 20

RESET, DIM, BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"
COLOURS = {"debug": DIM, "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
NOT_FIELDS = {"at", "level", "service", "event", "faults"}

Times = Mapping[Path, int]


def main(args: argparse.Namespace, _env: Mapping[str, str]) -> int:
    port = str(page_port(args.port))  # chosen once: the page in the browser finds the bot again
    program = [sys.executable, "-m", "openclaw_cli", "up", "--verbose", "--data", args.data, "--port", port]
    return asyncio.run(_main(program, [Path(folder) for folder in WATCHED], colour=sys.stdout.isatty()))


async def _main(program: Sequence[str], folders: Sequence[Path], *, colour: bool) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(program, folders, stop, tell=lambda line: print(in_colour(line) if colour else line, flush=True))
    return 0


async def run(
    program: Sequence[str],
    folders: Sequence[Path],
    stop: asyncio.Event,
    *,
    tell: Callable[[str], None],
    poll_s: float = POLL_S,
) -> None:
    """Keep *program* running until *stop*, and start it again after each change in *folders*. Each line of it goes to *tell*.

    A program that ends by itself is started again at the next change: until then its code would end it again.
    """
    while not stop.is_set():
        before = file_times(folders)
        process = await child_processes.start(program, output=asyncio.subprocess.PIPE, line_max_bytes=LINE_MAX_BYTES)
        reading = asyncio.create_task(_lines(process, tell), name="read the log")
        try:
            changed = await _change(folders, before, stop, poll_s)
        finally:
            await child_processes.stop(process, timeout_s=STOP_TIMEOUT_S)
            await reading
        if changed:
            tell(f"dev: {', '.join(path.as_posix() for path in changed[:3])} changed: starting again")


async def _lines(process: asyncio.subprocess.Process, tell: Callable[[str], None]) -> None:
    while process.stdout and (line := await process.stdout.readline()):
        tell(line.decode(errors="replace").rstrip("\n"))
    code = await process.wait()
    if code > 0:
        tell(f"dev: it ended with exit code {code}: mend it, the next change starts it again")


async def _change(folders: Sequence[Path], before: Times, stop: asyncio.Event, poll_s: float) -> list[Path]:
    """What has changed, once something has and then nothing for one look; nothing if it is to stop."""
    last = before
    while not stop.is_set():
        try:
            async with asyncio.timeout(poll_s):
                await stop.wait()
        except TimeoutError:
            now = await asyncio.to_thread(file_times, folders)
            if now == last and now != before:  # an editor, or git switch, has written all that it had to
                return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
            last = now
    return []


def file_times(folders: Iterable[Path]) -> Times:
    """The files that matter in *folders*, with the times of their last change."""
    found: dict[Path, int] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix in SUFFIXES:
                try:
                    found[path] = path.stat().st_mtime_ns
                except FileNotFoundError:  # an editor replaces files
                    continue
    return found


def in_colour(line: str) -> str:
    """*line* in colour: an event of the log as time, level, service, name and fields; anything else as it is."""
    try:
        event = json.loads(line)
        at, level, service, name = (str(event[key]) for key in ("at", "level", "service", "event"))
    except (ValueError, KeyError, TypeError):
        return line
    fields = " ".join(f"{DIM}{key}={RESET}{value}" for key, value in event.items() if key not in NOT_FIELDS)
    first = f"{DIM}{at[11:23]}{RESET} {COLOURS.get(level, '')}{level:7}{RESET} {service:6} {BOLD}{name}{RESET} {fields}".rstrip()
    return "\n".join(
        [first, *(f"    {fault['type']} {DIM}{' '.join(fault['at'])}{RESET}" for fault in event.get("faults", []))]
    )
