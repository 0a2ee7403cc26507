"""Repairs a damaged chat file: copies the readable rows into a new file, and keeps the old one."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openclaw_standin.bot_api.storage import CHATS_FILE, TABLE_KEYS, Storage

_BODY_AT = {"chats": 1, "messages": 2, "updates": 1, "facts": 1}


def repair(data_dir: Path) -> tuple[Path, int]:
    """Replace the chat file of *data_dir* by one with its readable rows. Returns the folder of the old file and the count of rows.

    Raises OSError or sqlite3.OperationalError if there is no room. The old file is then unchanged.
    """
    new = data_dir / "repaired"
    for left in new.glob("*"):
        left.unlink()
    Storage(new).close()
    source = sqlite3.connect(f"file:{data_dir / CHATS_FILE}?mode=ro", uri=True)
    source.execute("PRAGMA writable_schema = ON")  # otherwise nothing is read from a truncated file
    target = sqlite3.connect(new / CHATS_FILE)
    count = 0
    with contextlib.closing(source), contextlib.closing(target):
        for table, key in TABLE_KEYS.items():
            for row in _rows(source, table, key):
                if not _is_json(row[_BODY_AT[table]] if table in _BODY_AT else "0"):
                    continue
                cursor = target.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - our own names
                count += cursor.rowcount
        # Ids must not be used twice, and the counter may be lost. It began below 900,000,000.
        target.execute("INSERT OR IGNORE INTO facts VALUES ('next_update_id', ?)", (str(int(time.time())),))
        target.commit()
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = data_dir / f"damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    kept.mkdir(mode=0o700)
    for old in data_dir.glob(f"{CHATS_FILE}*"):
        old.rename(kept / old.name)
    for made in new.glob(f"{CHATS_FILE}*"):
        made.rename(data_dir / made.name)
    new.rmdir()
    return kept, count


def is_undamaged(data_dir: Path) -> bool:
    """Whether the chat file of *data_dir* is undamaged."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{data_dir / CHATS_FILE}?mode=ro", uri=True)) as source:
            if source.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                return False
            bodies = " UNION ALL ".join(f"SELECT body FROM {table}" for table in _BODY_AT)  # noqa: S608 - our own names
            return all(_is_json(body) for (body,) in source.execute(bodies))
    except sqlite3.DatabaseError:
        return False


def _is_json(text: object) -> bool:
    try:
        json.loads(str(text))
    except ValueError:
        return False
    return True


def _rows(source: sqlite3.Connection, table: str, key: str) -> Iterator[tuple[Any, ...]]:
    """The readable rows, from both ends of the table. Some rows may come twice."""
    for order in ("ASC", "DESC"):
        ordered = ", ".join(f"{column} {order}" for column in key.split(", "))
        with contextlib.suppress(sqlite3.DatabaseError):
            yield from source.execute(f"SELECT * FROM {table} ORDER BY {ordered}")  # noqa: S608 - our own names
