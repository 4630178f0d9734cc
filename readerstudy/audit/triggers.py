"""The database itself refuses to change or delete what is append-only.

Installed after every `migrate`, because SQLite drops the triggers of a table that a migration makes anew. A study's
rows can be deleted once a tombstone names the present end of its log (see `audit.removal`): on PostgreSQL a tombstone
is not committed while its study lives, so both go in one transaction; SQLite cannot say that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connections, transaction

from readerstudy.audit import removal, roles


@dataclass(frozen=True)
class AppendOnlyTable:
    """A table whose rows may be added alone. study: SQL of the study's id in terms of OLD, or None where rows are never
    deleted; changeable: columns that may change; signed: its rows have a MAC."""

    table: str
    study: str | None
    changeable: tuple[str, ...] = ()
    signed: bool = False


_tables: dict[str, AppendOnlyTable] = {}


def register(*tables: AppendOnlyTable) -> None:
    """Have the database keep these tables append-only. For AppConfig.ready()."""
    _tables.update({one.table: one for one in tables})


def append_only() -> dict[str, AppendOnlyTable]:
    """All such tables, by name."""
    return _tables


register(AppendOnlyTable("audit_event", "OLD.study_id", signed=True), AppendOnlyTable("audit_tombstone", None))

REFUSE = """
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""
REFUSE_UPDATE = """
CREATE OR REPLACE FUNCTION audit_update_{table}() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  IF to_jsonb(OLD) - ARRAY[{changeable}] = to_jsonb(NEW) - ARRAY[{changeable}] THEN RETURN NEW; END IF;
  RAISE EXCEPTION '{table} is append-only';
END $$
"""
REFUSE_DELETE = """
CREATE OR REPLACE FUNCTION audit_delete_{table}() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  IF EXISTS ({removable}) THEN RETURN OLD; END IF;
  RAISE EXCEPTION '{table} is append-only';
END $$
"""


def install(using: str = "default", **_: object) -> None:
    """Make the triggers as they are to be, and give the application's role its rights."""
    connection = connections[using]
    with transaction.atomic(using), connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        postgresql = connection.vendor == "postgresql"
        schema = _schema(cursor) if postgresql else ""
        if postgresql:
            cursor.execute(REFUSE.format(schema=schema))
        for table in sorted(_tables.keys() & tables):
            if postgresql:
                made = list(_on_postgresql(table, schema))
            else:
                columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
                made = [*_dropped(table), *_on_sqlite(table, columns)]
            for statement in made:
                cursor.execute(statement)
        cursor.execute("DROP TABLE IF EXISTS audit_removal")  # an earlier version's switch
        if postgresql and "audit_tombstone" in tables:
            removal.install(cursor, schema)
        if postgresql and (role := roles.application()):
            changeable = {table: _tables[table].changeable for table in _tables.keys() & tables}
            roles.grant(cursor, role=role, schema=schema, tables=tables, changeable=changeable)


def _schema(cursor) -> str:
    cursor.execute("SELECT quote_ident(current_schema())")
    return cursor.fetchone()[0]


def _on_postgresql(table: str, schema: str) -> Iterator[str]:
    """No trigger names a column: a migration could not alter one that a trigger depends on."""
    changeable, study = _tables[table].changeable, _tables[table].study
    on_update = on_delete = "audit_refuse"
    if changeable:
        on_update, names = f"audit_update_{table}", ", ".join(f"'{name}'" for name in changeable)
        yield REFUSE_UPDATE.format(table=table, schema=schema, changeable=names)
    if study:
        on_delete = f"audit_delete_{table}"
        yield REFUSE_DELETE.format(table=table, schema=schema, removable=removal.REMOVABLE.format(study=study))
    trigger = "CREATE OR REPLACE TRIGGER audit_no"
    yield f"{trigger}_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {on_update}()"
    yield f"{trigger}_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {on_delete}()"
    yield f"{trigger}_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"


def _on_sqlite(table: str, columns: list[str]) -> Iterator[str]:
    changeable, study = _tables[table].changeable, _tables[table].study
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    fixed = ", ".join(f'"{column}"' for column in columns if column not in changeable)
    unless = f"WHEN NOT EXISTS ({removal.REMOVABLE.format(study=study)})" if study else ""
    yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE OF {fixed} ON {table} {refuse}"
    yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {unless} {refuse}"


def _dropped(table: str) -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS {table}_no_update"
    yield f"DROP TRIGGER IF EXISTS {table}_no_delete"


@contextmanager
def migrating(using: str) -> Iterator[None]:
    """While the block runs SQLite has none of the triggers: it renames no table that a trigger of another names."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        for table in _tables:
            for statement in _dropped(table):
                cursor.execute(statement)
    try:
        yield
    finally:
        install(using)  # after a migration that failed, too
