"""Write a backup of the whole site while it works."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy.archive import backup
from readerstudy.archive.passphrase import asked_for


class Command(BaseCommand):
    help = "Write keys, heads, database, archive and quarantine to one file, encrypted to a passphrase."

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--passphrase-file", help="else READERSTUDY_BACKUP_PASSPHRASE, else asked for")

    def handle(self, *, file: Path, passphrase_file: str | None, **options) -> None:
        try:
            made = backup.make(file, asked_for(passphrase_file, twice=True))
        except (InputError, OSError) as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"{file}: {made['files']:,} files of the archive, {made['bytes']:,} bytes, of {made['made']}")
        for name in made["damaged"]:
            self.stderr.write(f"A file of the archive is damaged, and so is its copy: {name}.")
        if made["damaged"]:
            raise CommandError("The backup is whole but for these files. See `manage.py verify_archive`.", returncode=1)
