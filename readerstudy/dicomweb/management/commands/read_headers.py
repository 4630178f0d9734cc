"""Read what DICOMweb tells of a study again from its files."""

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy.audit.services import RecordError
from readerstudy.dicomweb import headers
from readerstudy.protocol.models import ReaderStudy


class Command(BaseCommand):
    help = "Read what DICOMweb tells of a study again from its files: where rows are not those that the site wrote."

    def add_arguments(self, parser) -> None:
        parser.add_argument("study", help="its short name")

    def handle(self, *, study: str, **options) -> None:
        if (found := ReaderStudy.objects.filter(slug=study).first()) is None:
            raise CommandError(f"There is no study {study}.")
        try:
            count = headers.read_anew(study=found, actor=None)
        except (InputError, RecordError) as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"The headers of {count} series were read again.")
