"""Change the database as somebody would who has it in hand: past the site, its models and its triggers."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from readerstudy.audit import triggers


@contextmanager
def tampering() -> Iterator[None]:
    """Triggers are off while the block runs."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            yield
            cursor.execute("SET session_replication_role = DEFAULT")
            return
        for table in triggers.APPEND_ONLY:
            cursor.execute(f"DROP TRIGGER {table}_no_update")
            cursor.execute(f"DROP TRIGGER {table}_no_delete")
        yield
    triggers.install()


def run(sql: str, *values) -> None:
    """One statement, with the triggers off."""
    with tampering(), connection.cursor() as cursor:
        cursor.execute(sql, values)
