"""Change the database as somebody would who has it in hand: past the site, its models and its triggers."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection

from readerstudy.audit import triggers


@contextmanager
def tampering() -> Iterator[None]:
    """Triggers are off while the block runs."""
    postgresql = connection.vendor == "postgresql"
    off = ["SET session_replication_role = replica"]
    if not postgresql:
        off = [
            f"DROP TRIGGER IF EXISTS {table}_no_{what}"
            for table in triggers.append_only()
            for what in ("update", "delete")
        ]
    with connection.cursor() as cursor:
        for statement in off:
            cursor.execute(statement)
    try:
        yield
    finally:
        if postgresql:
            # In a transaction that failed, its end puts this back.
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = DEFAULT")
        else:
            triggers.install()


def run(sql: str, *values) -> None:
    """One statement, with the triggers off."""
    with tampering(), connection.cursor() as cursor:
        cursor.execute(sql, values)
