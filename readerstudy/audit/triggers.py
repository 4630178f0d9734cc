"""The database itself refuses to change or delete what is append-only.

Installed after every `migrate`, because SQLite drops the triggers of a table that a migration makes anew. A trigger
may name no other table of ours, or SQLite could not rename that one: hence the one-row switch `audit_removal`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction

# Table -> columns that may never change; None: no column may.
APPEND_ONLY: dict[str, tuple[str, ...] | None] = {
    "audit_event": None,
    "audit_tombstone": None,
    "reading_rating": None,
    "reading_statement": None,
    "reading_signature": None,
    "reading_withdrawal": None,
    "reading_activetime": None,
    "reading_guess": None,
    # A finding can be withdrawn, and nothing else.
    "reading_finding": (
        "presentation_id",
        "kind",
        "side",
        "structure",
        "remark",
        "i",
        "j",
        "k",
        "key",
        "found_at",
        "number",
        "mac",
    ),
}
FUNCTION = """
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM audit_removal) THEN RETURN OLD; END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""


def install(using: str = "default", **_: object) -> None:
    """Make the triggers that are missing."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if "audit_removal" not in tables:
            cursor.execute("CREATE TABLE audit_removal (id integer PRIMARY KEY)")
        if connection.vendor == "postgresql":
            cursor.execute(FUNCTION)
        for table in APPEND_ONLY.keys() & tables:
            for statement in _statements(connection.vendor, table):
                cursor.execute(statement)


def _statements(vendor: str, table: str) -> list[str]:
    columns = APPEND_ONLY[table]
    update = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
    if vendor == "postgresql":
        call = "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        return [
            f"CREATE OR REPLACE TRIGGER audit_no_update BEFORE {update} ON {table} {call}",
            f"CREATE OR REPLACE TRIGGER audit_no_delete BEFORE DELETE ON {table} {call}",
        ]
    refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
    unless = "WHEN NOT EXISTS (SELECT 1 FROM audit_removal)"
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE {update} ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table} {unless} BEGIN {refuse}; END",
    ]


@contextmanager
def removing(using: str = "default") -> Iterator[None]:
    """Let whole studies be deleted while the block runs: traces of a dry run. One transaction; no other sees it."""
    with transaction.atomic(using):
        with connections[using].cursor() as cursor:
            cursor.execute("INSERT INTO audit_removal (id) VALUES (1)")
        yield
        with connections[using].cursor() as cursor:
            cursor.execute("DELETE FROM audit_removal WHERE id = 1")
