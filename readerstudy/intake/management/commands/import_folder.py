"""Import every series below a folder into a study."""

import hashlib
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy.audit.services import RecordError
from readerstudy.intake import services
from readerstudy.intake.models import SORT, Candidate
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import claim
from readerstudy.jobs.tasks import perform
from readerstudy.protocol.models import ReaderStudy


def _names_by_hash(folder: Path) -> dict[str, str]:
    """The names of the files below a folder by the SHA-256 of their bytes: the site keeps hashes only."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                found[hashlib.file_digest(file, "sha256").hexdigest()] = str(path.relative_to(folder))
    return found


class Command(BaseCommand):
    help = "Import DICOM and NIfTI series below FOLDER into a draft study. An admin then says what each one is."

    def add_arguments(self, parser) -> None:
        parser.add_argument("study", help="the study's short name, as in its address")
        parser.add_argument("folder", type=Path)
        parser.add_argument("--confirm-certain", action="store_true", help="place what is recognised beyond doubt")

    def handle(self, *, study: str, folder: Path, confirm_certain: bool, **options) -> None:
        try:
            found = ReaderStudy.objects.get(slug=study)
        except ReaderStudy.DoesNotExist as error:
            known = ", ".join(ReaderStudy.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no study “{study}”. Known: {known}.", returncode=2) from error
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.", returncode=2)
        try:
            upload = services.receive_folder(study=found, folder=folder, actor=None)
        except (InputError, RecordError) as error:
            raise CommandError(str(error), returncode=2) from error
        job = Job.objects.get(function=SORT, parameters__upload=upload.pk)
        if claimed := claim(job_id=job.pk, worker="import_folder"):
            perform(claimed)
        job.refresh_from_db()
        while job.state in (Job.State.WAITING, Job.State.RUNNING):  # a worker was faster
            time.sleep(0.5)
            job.refresh_from_db()
        if job.state == Job.State.FAILED:
            raise CommandError(job.error, returncode=2)
        for candidate in upload.candidates.order_by("pk"):
            note = " ".join(candidate.objections) or candidate.why
            note = "already here" if candidate.state == Candidate.State.KNOWN else note
            names = [candidate.subject_code, candidate.region, candidate.plane, candidate.weighting, candidate.arm]
            size = f"{candidate.slices} × {candidate.rows} × {candidate.columns}"
            self.stdout.write(" ".join(str(name or "?") for name in names) + f": {size} ({note})")
        upload.refresh_from_db()
        if upload.known_files:
            self.stdout.write(f"already here: {upload.known_files:,} file{'' if upload.known_files == 1 else 's'}")
        names_of = _names_by_hash(folder) if upload.refusals.exists() else {}
        for refusal in upload.refusals.all():
            name = names_of.get(refusal.sha256, "in an archive")
            self.stdout.write(f"not used: {refusal.reason} ({name})")
        if confirm_certain:
            placed, problems = services.confirm_certain(study=found, actor=None)
            self.stdout.write(f"{placed} series placed.")
            for problem in problems:
                self.stdout.write(f"not placed: {problem}")
