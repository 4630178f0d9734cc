"""Make the site of a backup, in an empty place."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy.archive.passphrase import asked_for
from readerstudy.archive.restore import restore


class Command(BaseCommand):
    help = "Restore a backup into an empty place. No process of the site may run there."

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--passphrase-file", help="else READERSTUDY_BACKUP_PASSPHRASE, else asked for")

    def handle(self, *, file: Path, passphrase_file: str | None, **options) -> None:
        try:
            about = restore(file, asked_for(passphrase_file, twice=False), self.stdout.write)
        except (InputError, OSError) as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"Restored from {about['made']}: {about['files']:,} files of the archive.")
        self.stdout.write("Run `manage.py verify_audit` and `manage.py verify_archive`, then start the site.")
