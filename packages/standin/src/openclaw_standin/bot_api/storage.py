"""Where chats, messages, files and unread updates outlive the stand-in's process: one SQLite file."""

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

CHATS = "chats.sqlite3"
TABLES = {"chats": "id", "messages": "chat_id, message_id", "updates": "update_id", "files": "file_id", "facts": "name"}
"""Each table's key."""


class Keeper:
    """Writes through at once: what a call was told is there after `kill -9`. Without a folder it keeps nothing."""

    def __init__(self, data_dir: Path | None, *, fresh: bool = False) -> None:
        where = ":memory:"
        if data_dir is not None:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = data_dir / CHATS
            if fresh:
                for old in data_dir.glob(f"{CHATS}*"):
                    old.unlink()
            file.touch(mode=0o600)
            for mine in data_dir.glob(f"{CHATS}*"):
                mine.chmod(0o600)  # SQLite gives what it makes beside it the same rights
            where = str(file)
        self._db = sqlite3.connect(where, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self._db.close()
            raise

    def _open(self) -> None:
        # The operating system has a committed write even if this process is killed. Only a power cut could lose it, and
        # waiting for the disk on each message would make the benchmarks measure the disk.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All writes inside land, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # ---- writing

    def chat(self, chat_id: int, body: dict[str, Any]) -> None:
        self._db.execute("REPLACE INTO chats VALUES (?, ?)", (chat_id, _dump(body)))

    def message(self, chat_id: int, message_id: int, body: dict[str, Any], reaction: str) -> None:
        self._db.execute("REPLACE INTO messages VALUES (?, ?, ?, ?)", (chat_id, message_id, _dump(body), reaction))

    def forget_message(self, chat_id: int, message_id: int) -> None:
        self._db.execute("DELETE FROM messages WHERE chat_id = ? AND message_id = ?", (chat_id, message_id))

    def update(self, update_id: int, body: dict[str, Any]) -> None:
        self._db.execute("REPLACE INTO updates VALUES (?, ?)", (update_id, _dump(body)))

    def acknowledged(self, update_ids: list[int], next_id: int) -> None:
        with self.together():
            self._db.executemany("DELETE FROM updates WHERE update_id = ?", [(n,) for n in update_ids])
            self.fact("next_update_id", next_id)

    def file(self, file_id: str, path: str, name: str, mime_type: str, content: bytes) -> None:
        self._db.execute("REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (file_id, path, name, mime_type, content))

    def fact(self, name: str, body: Any) -> None:
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

    def file_at(self, path: str) -> tuple[str, str, bytes] | None:
        """Name, MIME type and content."""
        row = self._db.execute("SELECT name, mime_type, content FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def known(self, name: str, default: Any) -> Any:
        row = self._db.execute("SELECT body FROM facts WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])


def is_full(exc: sqlite3.Error) -> bool:
    """Whether there was no room for a write; a disk that is full fails in several ways."""
    return getattr(exc, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR"))


def unusable(data_dir: Path, exc: Exception) -> str:
    """What to do about chats that cannot be opened."""
    if isinstance(exc, sqlite3.Error):
        if is_full(exc):
            return f"the disk of {data_dir} is full, or fails: make room, then start again. Nothing was changed"
        if getattr(exc, "sqlite_errorname", "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
            return f"{data_dir} cannot be written to: check its rights, or give another folder with --data"
    return (
        f"the chats in {data_dir / CHATS} are damaged and cannot be read. Nothing was changed. To go on with what can be read, and "
        "keep the damaged file: make up ARGS=--repair"
    )


def _dump(body: Any) -> str:
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"))
