"""Stores chats, messages, files and unread updates in one SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS chats (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
  chat_id INTEGER NOT NULL, message_id INTEGER NOT NULL, body TEXT NOT NULL, reaction TEXT NOT NULL,
  PRIMARY KEY (chat_id, message_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS updates (update_id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  file_id TEXT PRIMARY KEY, path TEXT NOT NULL, name TEXT NOT NULL, mime_type TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, body TEXT NOT NULL);
"""

CHATS_FILE = "chats.sqlite3"
TABLE_KEYS = {
    "chats": "id",
    "messages": "chat_id, message_id",
    "updates": "update_id",
    "files": "file_id",
    "facts": "name",
}
"""The key columns of each table."""


class Storage:
    """Writes at once: what a call has returned survives `kill -9`. Without a folder, all is in memory."""

    def __init__(self, data_dir: Path | None, *, fresh: bool = False) -> None:
        where = ":memory:"
        if data_dir is not None:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = data_dir / CHATS_FILE
            if fresh:
                for old in data_dir.glob(f"{CHATS_FILE}*"):
                    old.unlink()
            file.touch(mode=0o600)
            for path in data_dir.glob(f"{CHATS_FILE}*"):
                path.chmod(0o600)  # SQLite gives the files beside it the same rights
            where = str(file)
        self._db = sqlite3.connect(where, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self._db.close()
            raise

    def _open(self) -> None:
        # A committed write survives a kill of this process. Only a power cut could lose it, and with a wait for the disk at each
        # message the benchmarks would measure the disk.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are stored, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # ---- writing

    def save_chat(self, chat_id: int, body: dict[str, Any]) -> None:
        self._db.execute("REPLACE INTO chats VALUES (?, ?)", (chat_id, _dump(body)))

    def save_message(self, chat_id: int, message_id: int, body: dict[str, Any], reaction: str) -> None:
        self._db.execute("REPLACE INTO messages VALUES (?, ?, ?, ?)", (chat_id, message_id, _dump(body), reaction))

    def delete_message(self, chat_id: int, message_id: int) -> None:
        self._db.execute("DELETE FROM messages WHERE chat_id = ? AND message_id = ?", (chat_id, message_id))

    def save_update(self, update_id: int, body: dict[str, Any]) -> None:
        self._db.execute("REPLACE INTO updates VALUES (?, ?)", (update_id, _dump(body)))

    def delete_updates(self, update_ids: list[int], next_id: int) -> None:
        with self.transaction():
            self._db.executemany("DELETE FROM updates WHERE update_id = ?", [(n,) for n in update_ids])
            self.save_fact("next_update_id", next_id)

    def save_file(self, file_id: str, path: str, name: str, mime_type: str, content: bytes) -> None:
        self._db.execute("REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (file_id, path, name, mime_type, content))

    def save_fact(self, name: str, body: Any) -> None:
        self._db.execute("REPLACE INTO facts VALUES (?, ?)", (name, _dump(body)))

    # ---- reading

    def chats(self) -> list[dict[str, Any]]:
        return [json.loads(body) for (body,) in self._db.execute("SELECT body FROM chats ORDER BY rowid")]

    def messages(self) -> Iterator[tuple[int, int, dict[str, Any], str]]:
        rows = self._db.execute("SELECT chat_id, message_id, body, reaction FROM messages ORDER BY chat_id, message_id")
        for chat_id, message_id, body, reaction in rows:
            yield chat_id, message_id, json.loads(body), reaction

    def updates(self) -> list[tuple[int, dict[str, Any]]]:
        rows = self._db.execute("SELECT update_id, body FROM updates ORDER BY update_id")
        return [(update_id, json.loads(body)) for update_id, body in rows]

    def stored_file(self, file_id: str) -> tuple[str, str, str, bytes] | None:
        """Path, name, MIME type and content."""
        row = self._db.execute(
            "SELECT path, name, mime_type, content FROM files WHERE file_id = ?", (file_id,)
        ).fetchone()
        return None if row is None else (row[0], row[1], row[2], row[3])

    def content_at(self, path: str) -> bytes | None:
        row = self._db.execute("SELECT content FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else bytes(row[0])

    def fact(self, name: str, default: Any) -> Any:
        row = self._db.execute("SELECT body FROM facts WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])


def is_full(exc: sqlite3.Error) -> bool:
    """Whether a write failed for lack of room. SQLite reports a full disk in several ways."""
    return getattr(exc, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR"))


def open_error(data_dir: Path, exc: Exception) -> str:
    """The error text for data that cannot be opened: what to do."""
    if isinstance(exc, sqlite3.Error):
        if is_full(exc):
            return f"the disk of {data_dir} is full, or fails: make room, then start again. Nothing was changed"
        if getattr(exc, "sqlite_errorname", "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
            return f"{data_dir} cannot be written to: check its rights, or give another folder with --data"
    return (
        f"the chats in {data_dir / CHATS_FILE} are damaged and cannot be read. Nothing was changed. To go on with what can be read, and "
        "keep the damaged file: make up ARGS=--repair"
    )


def _dump(body: Any) -> str:
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"))
