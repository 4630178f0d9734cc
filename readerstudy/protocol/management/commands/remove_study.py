"""Remove a whole study; a signed tombstone stays."""

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy.audit.removal import remove_study
from readerstudy.audit.services import RecordError
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.signals import removed


class Command(BaseCommand):
    help = "Remove every row of a draft, closed or locked study. Its log goes too; a signed tombstone says so."

    def add_arguments(self, parser) -> None:
        parser.add_argument("study", help="slug")
        parser.add_argument("--reason", required=True, help="why, for the tombstone")

    def handle(self, *, study: str, reason: str, **options) -> None:
        found = ReaderStudy.objects.filter(slug=study).first()
        if found is None:
            raise CommandError(f"There is no study {study}.", returncode=2)
        try:
            stone = remove_study(study=found, reason=reason)
        except (InputError, RecordError) as error:
            raise CommandError(str(error), returncode=1) from error
        removed.send(sender=ReaderStudy, study=found)
        self.stdout.write(f"{study}: removed; its log ended with event {stone.number}, {stone.sha256[:16]}")
