"""One run at a time in a data folder: its lock, the process that holds it, and the URL of its store.

The lock is a file's, so that it ends with the process that holds it, however that ends.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from openclaw_core.errors import SettingsError

STOPPING_S = 15.0
"""How long the server of a run that was killed may take to end."""
URL_NAME = "url"
"""The file with the URL of a running store, which holds the password: for this user's other commands."""


@contextmanager
def lock_file(data_dir: Path) -> Iterator[int]:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise SettingsError(f"{data_dir} cannot be used ({exc.strerror}): give another folder with --data") from None
    try:
        yield lock
    finally:
        os.close(lock)


@asynccontextmanager
async def exclusive(data_dir: Path) -> AsyncIterator[None]:
    """Hold the lock of *data_dir* for the block. Raises SettingsError if another run has it."""
    with lock_file(data_dir) as lock:
        if not await take_lock(lock, data_dir):
            await url_of_running_store(data_dir, owner_of(lock), share=False)
        yield


async def take_lock(lock: int, data_dir: Path) -> bool:
    """Take the lock, and write our process id into it. The server keeps it too: while it runs, no second one is started.

    False if another run has it. The server of a run that was killed is waited for.
    """
    for _ in range(int(STOPPING_S / 0.1)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _alive(owner_of(lock)):
                return False
            await asyncio.sleep(0.1)
            continue
        os.ftruncate(lock, 0)
        with contextlib.suppress(OSError):  # a full disk: then the message cannot name the process
            os.pwrite(lock, str(os.getpid()).encode(), 0)
        return True
    raise SettingsError(f"a server of an earlier run still uses {data_dir}: end it, then try again")


def owner_of(lock: int) -> int:
    """The process that took the lock; 0 if it has not written its id yet, or is of an older version."""
    pid = os.pread(lock, 20, 0)
    return int(pid) if pid.isdigit() else 0


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # for 0, ourselves: unknown counts as alive
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


async def url_of_running_store(data_dir: Path, owner: int, *, share: bool) -> str:
    """The URL of the server over *data_dir*, which may still be starting."""
    if not share:
        who = f" (process {owner})" if owner else ""
        raise SettingsError(
            f"another openclaw runs over {data_dir}{who}: stop that one first, or give another folder with --data"
        )
    for _ in range(100):
        with contextlib.suppress(FileNotFoundError):
            return (data_dir / URL_NAME).read_text(encoding="utf-8")
        await asyncio.sleep(0.1)
    raise SettingsError(f"another process holds {data_dir} and its store does not answer: stop it, then try again")
