"""Check every file of the archive against its hash and the database."""

from django.core.management.base import BaseCommand, CommandError

from readerstudy.material.archive_check import problems


class Command(BaseCommand):
    help = "Find files of the archive that are missing, damaged or foreign. Exit status 1 if there is one."

    def handle(self, **options) -> None:
        found = 0
        for found, problem in enumerate(problems(), 1):  # noqa: B007  counted after the loop
            self.stderr.write(problem)
        if found:
            raise CommandError(f"{found:,} files are not as they should be. See above.", returncode=1)
        self.stdout.write("Every file that a study needs is there, whole, and there is no other.")
