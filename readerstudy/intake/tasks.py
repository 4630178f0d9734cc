"""Sort an upload: unseal, group into series, de-identify, keep what is clean, say why not of the rest."""

import hashlib
import tempfile
from pathlib import Path

from processing.errors import InputError
from readerstudy.intake import quarantine, services
from readerstudy.intake.models import Upload
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import chore, job_function
from readerstudy.material.volumes import archive_files


@job_function("intake.sort")
def sort_upload(job: Job, report):
    from processing.dicom.sort import sort_files

    upload = Upload.objects.select_related("study").get(pk=job.parameters["upload"])
    if not upload.salt:
        raise InputError("The files of this upload are no longer there. Send them again.")
    # Plain bytes stay inside the quarantine and go with this block.
    with tempfile.TemporaryDirectory(dir=quarantine.folder(upload.pk)) as folder:
        plain, clean = Path(folder, "plain"), Path(folder, "clean")
        plain.mkdir()
        clean.mkdir()
        files = quarantine.unseal_upload(
            upload.pk, upload.salt, plain,
            progress=lambda done, total: done % 50 or report(0.2 * done / total, "unsealing"),
        )  # fmt: skip
        hashes = {name: _sha256(path) for name, path in files.items()}
        found = sort_files(
            files, clean, key=services.pseudonym_key(upload.study),
            progress=lambda done, total: report(0.2 + 0.7 * done / total, "sorting and de-identifying"),
        )  # fmt: skip
        report(0.9, "storing")
        series = [(one, archive_files(one.files)) for one in found.series]
        refused = [(hashes.get(one.name, ""), one.reason) for one in found.refused]
    return lambda: services.store_sorted(upload=upload, series=series, refused=refused)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@chore
def purge() -> None:
    services.purge_stale()
