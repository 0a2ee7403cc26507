"""Start the store of a local run: a Redis that loses nothing it has confirmed, and stops when we do."""

import asyncio
import os
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openclaw_cli.up import aof, child_processes
from openclaw_cli.up.data_folder import write_private
from openclaw_cli.up.store_engine import (
    AOF_FOLDER,
    StoreProgram,
    note_writer,
    server_for,
    unreadable_message,
    written_by,
)
from openclaw_cli.up.store_lock import URL_NAME, lock_file, owner_of, take_lock, url_of_running_store
from openclaw_core.errors import SettingsError

START_TIMEOUT_S = 60.0
"""Reading a long append-only file takes a while."""
LOG_NAME = "server.log"
FULL_BYTES = 1024 * 1024
"""With less than this left, a disk counts as full: the server's last words may be lost with it."""

CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir .
appendonly yes
appendfsync always
aof-load-truncated no
save ""
maxmemory-policy noeviction
daemonize no
"""


@dataclass(kw_only=True)
class LocalStore:
    """A store to use. *process* is None if we did not start it."""

    url: str = field(repr=False)
    data_dir: Path
    process: asyncio.subprocess.Process | None = None

    async def ended(self) -> str:
        """Wait until our own server ends by itself. Returns why, and what to do."""
        if self.process is None:
            await asyncio.Event().wait()
            raise AssertionError
        code = await self.process.wait()
        if is_full(self.data_dir):
            return f"the disk of {self.data_dir} is full: make room, then start again. What was confirmed is kept"
        return f"the store ended (exit {code}): see {self.data_dir / LOG_NAME}, then start again. What was confirmed is kept"


@asynccontextmanager
async def local_redis(
    data_dir: Path, *, redis_url: str | None = None, port: int = 0, share: bool = True
) -> AsyncIterator[str]:
    """The URL of `local_store`."""
    async with local_store(data_dir, redis_url=redis_url, port=port, share=share) as store:
        yield store.url


@asynccontextmanager
async def local_store(
    data_dir: Path,
    *,
    redis_url: str | None = None,
    port: int = 0,
    share: bool = True,
    repair: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[LocalStore]:
    """A Redis: *redis_url* if given, else a server of our own with its data in *data_dir*, on 127.0.0.1 only.

    With *port* 0 a free one is chosen. If another process runs a server over *data_dir*, the result is that server. Without
    *share* it is a SettingsError. So is a taken port, a folder that cannot be used, a missing server, a full disk, and data that
    cannot be read. No data is ever thrown away: an unfinished last write is cut off and kept, and *tell* gets a sentence about it;
    with *repair* so is everything from the first damaged place on.
    """
    if redis_url:
        yield LocalStore(url=redis_url, data_dir=data_dir)
        return
    with lock_file(data_dir) as lock:
        if not await take_lock(lock, data_dir):
            # Two servers over one append-only file would destroy it.
            yield LocalStore(url=await url_of_running_store(data_dir, owner_of(lock), share=share), data_dir=data_dir)
            return
        (data_dir / URL_NAME).unlink(missing_ok=True)  # of an owner that was killed
        store = await _Start(data_dir=data_dir, port=port, lock=lock, repair=repair, tell=tell).run()
        assert store.process is not None  # noqa: S101 - it is ours
        try:
            yield store
        finally:
            await child_processes.stop(store.process)
            (data_dir / URL_NAME).unlink(missing_ok=True)


def server_binary() -> str:
    """The server of a new folder. Raises SettingsError if there is none."""
    return server_for(Path(os.devnull)).program


def is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < FULL_BYTES


# ---- start


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """The start of a server over a folder that is locked."""

    data_dir: Path
    port: int
    lock: int
    repair: bool
    tell: Callable[[str], None]

    async def run(self) -> LocalStore:
        server = await asyncio.to_thread(server_for, self.data_dir)
        for _ in range(3):  # a free port can be taken by another before the server has it; a file can need a cut
            chosen = self.port or free_port()
            # Other users of this machine reach the loopback too. Given by stdin: arguments can be read by everybody.
            password = secrets.token_hex(16)
            process = await self._attempt(server, chosen, password)
            if process.returncode is None:
                url = f"redis://:{password}@127.0.0.1:{chosen}"
                try:
                    note_writer(self.data_dir, server.engine)
                    write_private(self.data_dir / URL_NAME, url)
                except OSError:
                    await child_processes.stop(process)
                    raise SettingsError(self._why_unwritable()) from None
                return LocalStore(url=url, data_dir=self.data_dir, process=process)
            log = (self.data_dir / LOG_NAME).read_text(encoding="utf-8", errors="replace")
            if "in use" in log:
                if self.port:
                    raise SettingsError(
                        f"port {self.port} is taken: give another one for the store, or none to have one chosen"
                    )
                continue
            await self._repair_end(server, log, process.returncode)
        raise SettingsError("no free port was found for the store: give one, or set REDIS_URL")

    async def _attempt(self, server: StoreProgram, port: int, password: str) -> asyncio.subprocess.Process:
        """A server that answers, or one that has ended."""
        config = CONFIG.format(port=port, password=password).encode()
        log_file = self.data_dir / LOG_NAME
        try:
            with log_file.open("wb") as log:
                process = await child_processes.start(
                    [server.program, "-"], cwd=self.data_dir, stdin=config, output=log, pass_fds=[self.lock]
                )
        except OSError:
            raise SettingsError(self._why_unwritable()) from None
        answers = _wait_for_answer(process, port, password)
        try:
            await child_processes.wait_until(answers, process, timeout_s=START_TIMEOUT_S)
        except TimeoutError:
            raise SettingsError(f"the store did not start in {START_TIMEOUT_S:.0f} s: see {log_file}") from None
        return process

    async def _repair_end(self, server: StoreProgram, log: str, code: int) -> None:
        """Cut off the damaged end of the file after a failed start, if that is allowed. Raises SettingsError otherwise."""
        fault = aof.fault_in(log)
        if fault is None:
            if is_full(self.data_dir):
                raise SettingsError(self._why_unwritable())
            raise SettingsError(
                f"the store ended while it started (exit {code}): see {self.data_dir / LOG_NAME}; if its data is damaged, "
                f"move {self.data_dir} away. Nothing was changed"
            )
        writer = written_by(self.data_dir)
        if writer is not None and not server.engine.reads(writer):
            raise SettingsError(unreadable_message(self.data_dir, writer, [server.engine]))
        damage = await asyncio.to_thread(aof.damage_at_end, server, self.data_dir, fault)
        place = self.data_dir / AOF_FOLDER / fault.file
        if damage is None:
            raise SettingsError(
                f"the store's data is damaged and cannot be read: {place}, see {self.data_dir / LOG_NAME}. Nothing was changed: "
                f"put a copy of {self.data_dir} in its place, or move it away to begin anew"
            )
        unfinished = fault.unfinished and damage.is_one_write()
        if not (self.repair or unfinished):
            raise SettingsError(
                f"the store's data is damaged: of {place} the first {damage.good_bytes} bytes can be read, the last {damage.bad_bytes} "
                f"cannot. Nothing was changed. To go on with what can be read, and keep the rest in {self.data_dir / aof.CUT_OFF}: "
                "make up ARGS=--repair"
            )
        try:
            kept = damage.cut(self.data_dir)
        except OSError:
            raise SettingsError(self._why_unwritable()) from None
        what = "its last write was unfinished" if unfinished else "it was damaged"
        self.tell(f"the store goes on without {damage.bad_bytes} bytes, since {what}; they are kept in {kept}")

    def _why_unwritable(self) -> str:
        if is_full(self.data_dir):
            return f"the disk of {self.data_dir} is full: make room, then start again. Nothing was changed"
        return f"{self.data_dir} cannot be written to: check its rights, or give another folder with --data"


async def _wait_for_answer(process: asyncio.subprocess.Process, port: int, password: str) -> None:
    """Wait until *our* server answers, or has ended."""
    while process.returncode is None:
        try:
            async with asyncio.timeout(1):  # another program may hold the port, accept and never answer
                if await _ping(port, password):
                    return
        except OSError:
            pass
        await asyncio.sleep(0.02)


async def _ping(port: int, password: str) -> bool:
    """Whether the server on *port* knows *password* and has read its data. Another one there would not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        return (await reader.readline()).startswith(b"+OK") and (await reader.readline()).startswith(b"+PONG")
    finally:
        writer.close()


def free_port() -> int:
    """A free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
