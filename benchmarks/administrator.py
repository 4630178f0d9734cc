"""Somebody with every right on the database, past the triggers, who has neither the site's key nor its files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


class Administrator:
    """SQL on the database of a site; each statement holds at once. `%s` stands for a value on both databases."""

    def __init__(self, place: str) -> None:
        """`place`: the file of SQLite, or the URL of PostgreSQL with the rights of a superuser."""
        self.sqlite = place.endswith("sqlite3")
        if self.sqlite:
            self.connection = sqlite3.connect(Path(place), isolation_level=None, timeout=30)
            self.triggers = self.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            for name, _ in self.triggers:
                self.run(f"DROP TRIGGER {name}")
        else:
            self.connection = psycopg.connect(place, autocommit=True)
            self.run("SET session_replication_role = replica")

    def close(self) -> None:
        """Leave everything as it was, but for what was changed."""
        if self.sqlite:
            there = [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
            for name, sql in self.triggers:
                if name not in there:
                    self.run(sql)
        self.connection.close()

    def run(self, sql: str, *values) -> int:
        """Number of rows that a statement changed."""
        return self._execute(sql, values).rowcount

    def rows(self, sql: str, *values) -> list[tuple]:
        return self._execute(sql, values).fetchall()

    def one(self, sql: str, *values):
        """The one value that a query finds."""
        return self.rows(sql, *values)[0][0]

    def _execute(self, sql: str, values: tuple):
        return self.connection.execute(sql.replace("%s", "?") if self.sqlite else sql, values)

    def tables(self) -> list[str]:
        if self.sqlite:
            return [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [name for (name,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]

    def columns(self, table: str) -> list[str]:
        if self.sqlite:
            return [row[1] for row in self.rows(f"PRAGMA table_info({table})")]
        return [
            name
            for (name,) in self.rows(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
                table,
            )
        ]

    def copy(self, table: str, row: int, **instead: str) -> int:
        """A second row like that with this id; `instead` gives SQL for columns that are to differ. Its id."""
        names = self.columns(table)
        number = "max(id) + 1" if self.sqlite else f"nextval(pg_get_serial_sequence('{table}', 'id'))"
        new = self.one(f"SELECT {number} FROM {table} LIMIT 1")
        values = [str(new) if name == "id" else instead.get(name, f'"{name}"') for name in names]
        quoted = ", ".join(f'"{name}"' for name in names)
        self.run(f"INSERT INTO {table} ({quoted}) SELECT {', '.join(values)} FROM {table} WHERE id = %s", row)
        return new

    @contextmanager
    def without_triggers(self, table: str) -> Iterator[None]:
        """The triggers of one table are out of force while the block runs, by the command made for it."""
        if self.sqlite:  # which has none: they are gone since we came in, and back when we leave
            yield
            return
        self.run("SET session_replication_role = origin")
        self.run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield
        self.run(f"ALTER TABLE {table} ENABLE TRIGGER ALL")

    def swap(self, table: str, column: str, one: int, other: int, between: str) -> None:
        """Let two rows exchange a value; `between` is one that no row has (columns may be unique)."""
        value = {row: self.one(f"SELECT {column} FROM {table} WHERE id = %s", row) for row in (one, other)}
        for row, given in ((one, between), (other, value[one]), (one, value[other])):
            self.run(f"UPDATE {table} SET {column} = %s WHERE id = %s", given, row)
