"""Declare that the database was restored from before a study was sealed, and seal it."""

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy.audit.heads import UnreadableError
from readerstudy.audit.roles import as_owner
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.seal_restored import seal_restored


class Command(BaseCommand):
    help = (
        "Seal a study that the upgrade refused, as heads of its log stand outside a database that was restored from "
        "before the upgrade. One line of its log says so for good."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("study", help="slug")
        parser.add_argument("--reason", required=True, help="why the database was restored, for the log")

    def handle(self, *, study: str, reason: str, **options) -> None:
        with as_owner("default"):
            found = ReaderStudy.objects.filter(slug=study).first()
            if found is None:
                raise CommandError(f"There is no study {study}.", returncode=2)
            try:
                line = seal_restored(study=found, reason=reason)
            except (InputError, UnreadableError) as error:
                raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"{study}: sealed; event {line.number} says that its database was restored")
