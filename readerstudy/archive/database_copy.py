"""All rows of the database as they are at one moment, while others write; and back into an empty one.

SQLite's is a copy of its file by its own online backup. PostgreSQL's is COPY of every table in one snapshot: it asks
for no program beside, of no version, and for no right that the site has not.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.roles import as_owner
from readerstudy.protocol.models import ReaderStudy

FILE = "db.sqlite3"
TABLES = "tables.json"
OWN = MigrationRecorder.Migration._meta.db_table
NEWER = "The backup was made by a newer version of the site ({}): bring this one up to date first."
OTHER = "The backup is of a {} database, and this site has {}: restore it into one of its kind."


def about() -> dict:
    """What must be known of a database before it is put into another."""
    applied = sorted(MigrationRecorder(connection).applied_migrations())
    return {"vendor": connection.vendor, "migrations": [list(one) for one in applied]}


def ensure_fits(said: dict) -> None:
    """InputError where this database, or this version, cannot take it."""
    if said["vendor"] != connection.vendor:
        raise InputError(OTHER.format(said["vendor"], connection.vendor))
    known = MigrationExecutor(connection).loader.disk_migrations
    apps = {app for app, _ in known}
    if unknown := [".".join(one) for one in said["migrations"] if one[0] in apps and tuple(one) not in known]:
        raise InputError(NEWER.format(unknown[-1]))


def is_empty() -> bool:
    """Whether there are neither accounts nor studies."""
    if connection.vendor == "sqlite" and not _path().exists():
        return True
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    return not any(model._meta.db_table in there and model.objects.exists() for model in (User, ReaderStudy))


def _path() -> Path:
    return Path(connection.settings_dict["NAME"])


def take(folder: Path) -> Iterator[Path]:
    """Write a copy into this folder, file by file; whoever has read a file may remove it."""
    if connection.vendor == "sqlite":
        yield _take_file(folder / FILE)
    else:
        yield from _take_tables(folder)


def _take_file(target: Path) -> Path:
    with (
        closing(sqlite3.connect(f"file:{_path()}?mode=ro", uri=True, timeout=30)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)  # in one step: one state, and writers go on beside it
        _ensure_whole(copy)
    return target


def _ensure_whole(database: sqlite3.Connection) -> None:
    if (said := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise InputError(f"The copy of the database is damaged: {said}.")


def _take_tables(folder: Path) -> Iterator[Path]:
    connection.ensure_connection()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        tables = {
            table: [column.name for column in connection.introspection.get_table_description(cursor, table)]
            for table in sorted(connection.introspection.table_names(cursor))
            if table != OWN
        }
        (folder / TABLES).write_text(json.dumps(tables))
        yield folder / TABLES
        for table, columns in tables.items():
            path = folder / f"{table}.copy"
            with path.open("wb") as file, cursor.copy(f"COPY {_listed(table, columns)} TO STDOUT") as rows:
                for block in rows:
                    file.write(block)
            yield path


def _listed(table: str, columns: list[str]) -> str:
    quoted = connection.ops.quote_name
    return f"{quoted(table)} ({', '.join(map(quoted, columns))})"


def put(folder: Path, said: dict) -> None:
    """Let the copy in this folder be the database, then bring it up to date. What is there is lost."""
    if connection.vendor == "sqlite":
        _put_file(folder / FILE)
    else:
        with as_owner("default"):
            _put_tables(folder, said["migrations"])
    call_command("migrate", interactive=False, verbosity=0)


def _put_file(source: Path) -> None:
    with closing(sqlite3.connect(source)) as copy:
        _ensure_whole(copy)
    connection.close()
    for beside in ("-wal", "-shm"):
        _path().with_name(_path().name + beside).unlink(missing_ok=True)
    shutil.move(source, _path())


def _put_tables(folder: Path, migrations: list[list[str]]) -> None:
    """Tables as the version that made the backup had them, then their rows."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    nodes = {(app, name) for app, name in migrations} & set(graph.nodes)
    children = [(node, child.key) for node in nodes for child in graph.node_map[node].children]
    followed = {node for node, child in children if child in nodes and child[0] == node[0]}
    executor.migrate(sorted(nodes - followed))
    tables = json.loads((folder / TABLES).read_text())
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608  what migrations put there
        for table, columns in tables.items():
            with (
                (folder / f"{table}.copy").open("rb") as file,
                cursor.copy(f"COPY {_listed(table, columns)} FROM STDIN") as rows,
            ):
                while block := file.read(1 << 20):
                    rows.write(block)
        for table in tables:
            for sequence in connection.introspection.get_sequences(cursor, table):
                cursor.execute(_past_last(table, sequence["column"]))


def _past_last(table: str, column: str) -> str:
    quoted = connection.ops.quote_name
    return (
        f"SELECT setval(pg_get_serial_sequence('{quoted(table)}', '{column}'), coalesce(max({quoted(column)}), 1), "  # noqa: S608
        f"max({quoted(column)}) IS NOT NULL) FROM {quoted(table)}"
    )
