"""Remove a whole study; a signed tombstone stays."""

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy.audit.services import RecordError
from readerstudy.material.study_removal import remove_whole_study
from readerstudy.protocol.models import ReaderStudy


class Command(BaseCommand):
    help = "Remove a draft, closed or locked study with its files. Its log goes too; a signed tombstone says so."

    def add_arguments(self, parser) -> None:
        parser.add_argument("study", help="slug")
        parser.add_argument("--reason", required=True, help="why, for the tombstone")

    def handle(self, *, study: str, reason: str, **options) -> None:
        found = ReaderStudy.objects.filter(slug=study).first()
        if found is None:
            raise CommandError(f"There is no study {study}.", returncode=2)
        try:
            stone = remove_whole_study(study=found, reason=reason, actor=None)
        except (InputError, RecordError) as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"{study}: removed; its log ended with event {stone.number}, {stone.sha256[:16]}")
