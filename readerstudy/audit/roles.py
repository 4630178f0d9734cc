"""Two roles on PostgreSQL: the owner's, which makes tables, and the application's, which may do no more than it must.

Without an owner's role (DATABASE_OWNER_URL) the application owns its tables, and then only triggers stand between it
and the record: they hold against its mistakes, not against somebody who speaks SQL in its name.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.core.checks import Warning as CheckWarning
from django.db import connections

# Only `migrate` writes here.
READ_ONLY = ("django_migrations",)
OWNS = """
SELECT 1 FROM pg_roles, pg_class
WHERE rolname = %s AND pg_class.oid = to_regclass('audit_event') AND pg_has_role(rolname, relowner, 'MEMBER')
"""


def application() -> str:
    """The application's role, if the tables have an owner beside it; else ""."""
    return settings.DATABASES["default"]["USER"] if settings.DATABASE_OWNER else ""


@contextmanager
def as_owner(using: str) -> Iterator[None]:
    """The owner is at work while the block runs, if there is one."""
    connection = connections[using]
    if connection.vendor != "postgresql" or not settings.DATABASE_OWNER:
        yield
        return
    application = connection.settings_dict
    connection.close()
    connection.settings_dict = application | settings.DATABASE_OWNER
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = application


def grant(cursor, *, role: str, schema: str, tables: Iterable[str], changeable: Mapping[str, Iterable[str]]) -> None:
    """Give a role the application's rights on all tables as they are now, and take every other one.

    changeable: of each append-only table, the columns that may change.
    """
    cursor.execute("SELECT quote_ident(%s)", [role])
    role = cursor.fetchone()[0]
    cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    cursor.execute(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}")
    cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {role}")
    cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}")
    cursor.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}")
    for table in sorted(tables):
        rights = "SELECT, INSERT, UPDATE, DELETE"
        if table in READ_ONLY:
            rights = "SELECT"
        elif table in changeable:
            columns = ", ".join(changeable[table])
            rights = "SELECT, INSERT" + (f", UPDATE ({columns})" if columns else "")
        cursor.execute(f"GRANT {rights} ON {table} TO {role}")


def check_roles(databases: Iterable[str] | None = None, **_: object) -> list[CheckWarning]:
    """Warns if the application's role owns the record on PostgreSQL, or may act as who owns it."""
    found = []
    for using in databases or ():
        if connections[using].vendor == "postgresql":
            with connections[using].cursor() as cursor:
                cursor.execute(OWNS, [settings.DATABASES[using]["USER"]])
                if cursor.fetchone():
                    found.append(
                        CheckWarning(
                            "The role in DATABASE_URL owns the tables: who speaks SQL in the site's name can take the "
                            "triggers off the record.",
                            hint="Let another role own them, and name it in DATABASE_OWNER_URL: "
                            "see docs/operations.md.",
                            id="audit.W001",
                        )
                    )
    return found
