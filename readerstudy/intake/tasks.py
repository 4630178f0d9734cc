"""Sort an upload: unseal, unpack, group into series, de-identify, keep what is clean, say why not of the rest."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from processing.errors import InputError
from processing.pixel_hash import WHOLE
from readerstudy.archive import quarantine
from readerstudy.archive.store import Ahead
from readerstudy.intake import deliveries, readers, services
from readerstudy.intake.models import SORT, Upload
from readerstudy.intake.pseudonyms import pseudonym_key
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import chore, job_function
from readerstudy.jobs.slots import processors_of_a_job
from readerstudy.material.volumes import archive_files, load_files
from readerstudy.protocol.models import ReaderStudy

if TYPE_CHECKING:
    from processing.ingest.accept import SortedSeries


@job_function(SORT)
def sort_upload(job: Job, report):
    from processing.ingest.delivery import sort_delivery

    upload = Upload.objects.select_related("study").get(pk=job.parameters["upload"])
    if not upload.salt:
        raise InputError("The files of this upload are no longer there. Send them again.")
    if lacking := services.lacking_pieces(upload):
        raise InputError(
            f"{lacking:,} of the pieces of this upload are not in the quarantine. What is there is kept for 24 hours: "
            "retry once they are back, or send the files again."
        )
    # Plain bytes stay inside the quarantine and go with this block.
    quarantined = quarantine.folder(upload.pk)
    # The reader takes as long to be ready as it takes to look what there is to read.
    with readers.reader() as reader, tempfile.TemporaryDirectory(dir=quarantined) as folder, Ahead() as ahead:
        plain = Path(folder, "plain")
        plain.mkdir()
        unsealed = quarantine.unseal_upload(
            upload.pk,
            upload.salt,
            plain,
            only=set(upload.pieces.values_list("name", flat=True)) or None,
            progress=lambda done, total: report(0.2 * done / total, "unsealing"),
        )
        found = sort_delivery(
            {name: file.path for name, file in unsealed.items()},
            Path(folder),
            key=pseudonym_key(upload.study),
            arms=list(upload.study.arms.values_list("code", flat=True)),
            progress=_by_full_percents(report, 0.2, 0.7),
            written=ahead.look_at,
            processes=processors_of_a_job(),
            reader=reader,
        )
        report(0.9, "storing")
        kept = iter(archive_files([file for one in found.sorted.series for file in one.files], ahead))
        series = [(one, [next(kept) for _ in one.files]) for one in found.sorted.series]
        if upload.study.pixel_hash != WHOLE:
            series = [(_hashed_as_in(upload.study, one, files), files) for one, files in series]
        refused = [(_sha256(found.paths.get(one.name)), one.reason, 1 + one.more) for one in found.sorted.refused]
        if not series and not refused:
            raise InputError("No series was found in this upload, and no file says why. Nothing was kept or erased.")
        used = {unsealed[found.sent_as[name]].piece for one in found.sorted.series for name in one.names}
    twice = found.sorted.duplicates
    return lambda: services.store_sorted(upload=upload, series=series, refused=refused, used=used, duplicates=twice)


def _hashed_as_in(study: ReaderStudy, one: "SortedSeries", files: list[tuple[str, int]]) -> "SortedSeries":
    """The series with the hash of pixels that those of a study from before have: so the same are known again."""
    volume = load_files([sha256 for sha256, _ in files], one.format)
    return replace(one, sha256=volume.hashed(study.pixel_hash))


def _by_full_percents(report, start: float, share: float):
    """Pass progress on by full percents only: each is a write to the database."""
    last = [-1]

    def progress(done: float, what: str) -> None:
        if int(100 * done) != last[0]:
            last[0] = int(100 * done)
            report(start + share * done, what)

    return progress


def _sha256(path: Path | None) -> str:
    """Of a file; none where only a part of an archive is meant that was not unpacked."""
    if path is None:
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@chore
def purge() -> None:
    services.purge_stale()


@chore
def send_on() -> None:
    deliveries.send_on()
