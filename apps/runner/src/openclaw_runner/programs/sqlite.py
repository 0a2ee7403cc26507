"""SQL for SQLite, on a database in memory. Each CSV file of the folder is a table of its name; rows come out with tabs between."""

import csv
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

NAME = "main.sql"


def run() -> int:
    """Run the statements of `main.sql`, one after the other, until one fails."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for path in sorted(Path().glob("*.csv")):
            _load(connection, path)
        for statement in statements(Path(NAME).read_text(encoding="utf-8")):
            cursor = connection.execute(statement)
            if cursor.description:
                _print(column[0] for column in cursor.description)
                for row in cursor:
                    _print("" if value is None else str(value) for value in row)
    except (sqlite3.Error, sqlite3.Warning) as exc:
        print(f"{type(exc).__name__}: {exc}", file=sys.stderr)
        return 1
    return 0


def statements(text: str) -> Iterator[str]:
    """The statements of *text*, each up to the semicolon that ends it: one within a text or a trigger does not."""
    found = ""
    for piece in re.split(r"(?<=;)", text):
        found += piece
        if sqlite3.complete_statement(found):
            yield found
            found = ""
    if found.strip():
        yield found


def _load(connection: sqlite3.Connection, path: Path) -> None:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(file)
        columns = next(rows, [])
        if not columns:
            return
        table = _quoted(path.stem)
        connection.execute(f"CREATE TABLE {table} ({', '.join(f'{_quoted(name)} NUMERIC' for name in columns)})")
        places = ", ".join("?" * len(columns))
        connection.executemany(
            f"INSERT INTO {table} VALUES ({places})",  # noqa: S608 - quoted, and in a database of nobody
            ((row + [None] * len(columns))[: len(columns)] for row in rows),
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _print(values: Iterator[str]) -> None:
    print("\t".join(value.replace("\t", " ").replace("\n", " ") for value in values))
