"""Say that the folder seen here is the site's, after it was moved or restored."""

from django.conf import settings
from django.core.management.base import BaseCommand

from readerstudy.archive import store_mark


class Command(BaseCommand):
    help = "Let archive and quarantine seen here be this site's, after they were moved or restored on purpose."

    def handle(self, **options) -> None:
        store_mark.set_mark()
        self.stdout.write(f"Archive and quarantine under {settings.VAR_DIR} are this site's now.")
