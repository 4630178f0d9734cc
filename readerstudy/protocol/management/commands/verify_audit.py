"""Check that nothing was changed behind the site's back."""

from django.core.management.base import BaseCommand, CommandError

from readerstudy.audit.verify import lost_studies, notes, problems
from readerstudy.protocol.models import ReaderStudy


class Command(BaseCommand):
    help = (
        "Check logs, answers and all sealed rows, of every study or one; without one also that none is missing. Exit "
        "status 1 if something differs."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("study", nargs="?", help="slug; without one, every study")

    def handle(self, *, study: str | None, **options) -> None:
        studies = list(ReaderStudy.objects.filter(**{"slug": study} if study else {}))
        if study and not studies:
            raise CommandError(f"There is no study {study}.", returncode=2)
        failed = False
        for slug, problem in [] if study else lost_studies():
            failed = True
            self.stderr.write(f"{slug}: {problem}")
        for one in studies:
            found = list(problems(one))
            failed |= bool(found)
            for problem in found:
                self.stderr.write(f"{one.slug}: {problem}")
            if not found:
                head = one.head
                self.stdout.write(f"{one.slug}: {head.number} events, unbroken; last {head.sha256[:16]}")
                for note in notes(one):
                    self.stdout.write(f"{one.slug}: {note}")
        if failed:
            raise CommandError("Something was changed. See above.", returncode=1)
