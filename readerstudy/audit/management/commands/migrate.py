"""`migrate`, as the owner of the tables where there is one."""

from django.core.management.commands import migrate

from readerstudy.audit.roles import as_owner
from readerstudy.audit.triggers import migrating


class Command(migrate.Command):
    def handle(self, *args, database: str, **options) -> None:
        with as_owner(database), migrating(database):
            super().handle(*args, database=database, **options)
