"""A new site as `readerstudy.serving.prepare` leaves it, made once per run of all tests and copied where one begins."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from readerstudy.serving.static_files import RECORD

PREPARED = "READERSTUDY_TESTS_PREPARED"  # set by `python -m tests`; without it each site is prepared by itself
TEMPLATE = "READERSTUDY_TESTS_TEMPLATE"  # likewise: a database of PostgreSQL that is migrated


def place(var: Path, *, only_static: bool = False) -> None:
    """Begin a site in this folder, unless there is one: then only what changed since is left to be prepared."""
    made = os.environ.get(PREPARED)
    if not made or (var / "db.sqlite3").exists():
        return
    if only_static:
        shutil.copy2(Path(made, RECORD), var / RECORD)
    source = Path(made, "static") if only_static else Path(made)
    shutil.copytree(source, var / "static" if only_static else var, dirs_exist_ok=True)


OF_THE_SITE = ("archive_store", "jobs_release")  # what it is after its migrations: its store, and the release it runs


def place_database(file: Path) -> None:
    """Let the prepared site's database of SQLite be there, with the rows of its migrations and no others."""
    if made := os.environ.get(PREPARED):
        shutil.copy2(Path(made, "db.sqlite3"), file)
        with closing(sqlite3.connect(file)) as connection, connection:
            for table in OF_THE_SITE:
                connection.execute(f"DELETE FROM {table}")
