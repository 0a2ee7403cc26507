"""A chat file that was damaged: said in one sentence, left alone, and on request gone on with, with the damaged one kept."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from openclaw_cli.up.command import _repair_chats
from openclaw_core.errors import SettingsError
from openclaw_standin.bot_api import BotApi
from openclaw_standin.bot_api.repair import is_undamaged, repair
from tests.standin.conftest import TOKEN

MESSAGES = 400


async def filled(folder: Path) -> Path:
    async with BotApi.open(token=TOKEN, data_dir=folder, flood=False) as api:
        for n in range(MESSAGES):
            api.users.write(7, f"message {n} " + "x" * 300)
    file = folder / "chats.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def cut_in_half(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def a_hole(whole: bytes) -> bytes:
    at = len(whole) // 2 // 4096 * 4096
    return whole[:at] + b"\xa5" * 8192 + whole[at + 8192 :]


def no_database(whole: bytes) -> bytes:
    return b"\x00" * len(whole)


def a_bad_row(whole: bytes) -> bytes:
    at = whole.index(b'"text":"message 200 ')
    return whole[: at - 20] + b"<" * 20 + whole[at:]


@pytest.mark.parametrize(
    ("damage", "at_least"), [(cut_in_half, 50), (a_hole, 200), (no_database, 0), (a_bad_row, MESSAGES - 1)]
)
async def test_damaged_chats_are_left_alone_until_their_repair_is_asked_for(
    tmp_path: Path, damage: Callable[[bytes], bytes], at_least: int
) -> None:
    file = await filled(tmp_path / "chat")
    assert is_undamaged(file.parent)
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)

    for _ in range(2):
        with pytest.raises(SettingsError, match=r"are damaged .*Nothing was changed.*make up ARGS=--repair"):
            async with BotApi.open(token=TOKEN, data_dir=file.parent):
                pass
        assert file.read_bytes() == damaged

    told: list[str] = []
    _repair_chats(file.parent, told.append)
    [kept] = file.parent.glob("damaged-*")
    assert (kept / file.name).read_bytes() == damaged
    assert str(kept) in told[0]
    assert [path for path in file.parent.rglob("*") if path.stat().st_mode & 0o077] == []
    async with BotApi.open(token=TOKEN, data_dir=file.parent) as api:
        texts = [m["text"] for m in api.messages(7)]
        assert len(texts) >= at_least
        assert all(text.startswith("message ") for text in texts)
        api.users.write(7, "and on it goes")
    _repair_chats(file.parent, told.append)
    assert len(told) == 1  # nothing is done to chats that can be read


async def test_update_ids_go_on_above_those_that_were_given_out(tmp_path: Path) -> None:
    file = await filled(tmp_path)
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        [(last,)] = db.execute("SELECT max(update_id) FROM updates")
        db.execute("DELETE FROM updates")
        db.execute("DELETE FROM facts")
    repair(tmp_path)
    async with BotApi.open(token=TOKEN, data_dir=tmp_path) as api:
        assert api.users.write(7, "next") > last
