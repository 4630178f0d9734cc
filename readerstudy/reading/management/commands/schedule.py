"""Print a study's schedule, or check it against its seed."""

from dataclasses import asdict, fields

from django.core.management.base import BaseCommand, CommandError

from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.planning import plan, stored_entries
from readerstudy.reading.schedule import Entry
from readerstudy.reading.verify import schedule_problems
from readerstudy.states import State


class Command(BaseCommand):
    help = (
        "Print the schedule as CSV. With --verify, generate it again from its seed and compare: exit status 1 if not."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("study", help="slug")
        parser.add_argument("--verify", action="store_true")

    def handle(self, *, study: str, verify: bool, **options) -> None:
        found = ReaderStudy.objects.filter(slug=study).first()
        if found is None:
            raise CommandError(f"There is no study {study}.", returncode=2)
        if verify:
            differences = schedule_problems(found)
            for difference in differences:
                self.stderr.write(difference)
            if differences:
                raise CommandError("The schedule is not what its seed gives. See above.", returncode=1)
            self.stdout.write(f"{study}: the schedule is what its seed gives; SHA-256 {found.schedule_sha256}")
            return
        names = [field.name for field in fields(Entry)]
        self.stdout.write(",".join(names))
        for entry in plan(found).entries if found.state == State.DRAFT else stored_entries(found):
            self.stdout.write(",".join("" if value is None else str(value) for value in asdict(entry).values()))
