"""The dry run: readers who answer by chance go through the real pages, and the analysis makes its tables of it.

It runs in a process and on a database of its own, in a folder that is gone afterwards: the site's own tables and
archive are only read, so nothing has to be removed. What stays is one line of the log and the tables, in the job.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core import serializers
from django.core.files.storage import FileSystemStorage, storages

from processing.errors import InputError
from readerstudy.accounts.models import Role, User
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import job_key, request_job, retry
from readerstudy.material.models import Series
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import Briefing, ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.reading.opening_checklist import checklist
from readerstudy.reading.preparing import cases_to_show
from readerstudy.states import State

REHEARSE = "reading.rehearse"
STUDY, ARCHIVE, RESULT = "study.json", "archive", "result.json"
logger = logging.getLogger(__name__)


def _inputs(study: ReaderStudy) -> dict:
    series = study.series.filter(in_use("case__"), active=True).order_by("pk").values_list("sha256", flat=True)
    return {"study": study.pk, "protocol": protocol_document(study)["sha256"], "series": list(series)}


def request_rehearsal(*, study: ReaderStudy, actor: User) -> Job:
    """Ask a worker for a dry run of the protocol as it is. InputError if the study is not ready to be opened."""
    if study.state != State.DRAFT:
        raise InputError("The study has been opened: a dry run is for a draft.")
    if missing := [point.text for point in checklist(study) if not point.done]:
        raise InputError("Not ready for a dry run: " + "; ".join(missing) + ".")
    job, new = request_job(
        function=REHEARSE, study=study, label="Dry run", parameters={"actor": actor.pk}, inputs=_inputs(study)
    )
    if not new:
        retry(job=job)
    return job


def last_rehearsal(study: ReaderStudy) -> Job | None:
    """The latest dry run of this study, as it stands."""
    return Job.objects.filter(study=study, function=REHEARSE).order_by("-created_at", "-pk").first()


def is_current(job: Job) -> bool:
    """Whether protocol, readers and series are still those of this dry run."""
    assert job.study is not None
    return job.key == job_key(function=REHEARSE, version=job.version, inputs=_inputs(job.study))


def rehearse(study: ReaderStudy, report: Callable[[float, str], None]) -> dict:
    """Read a copy of the study to its end; what the analysis makes of it (see `results.services.Results`) and counts.

    InputError with the reason if the copy could not be read to the end.
    """
    with tempfile.TemporaryDirectory(prefix="dry-run-") as place:
        folder = Path(place)
        (folder / STUDY).write_text(_copy_of(study))
        if isinstance(archive := storages["archive"], FileSystemStorage):
            (folder / ARCHIVE).symlink_to(archive.location, target_is_directory=True)
        _run(folder, report)
        return json.loads((folder / RESULT).read_text())


def _copy_of(study: ReaderStudy) -> str:
    """The rows of a study that reading needs, as a fixture: protocol, material, prepared pairs. No person."""
    cases = cases_to_show(study)
    shown = list(study.series.filter(active=True, case__in=cases))
    there = {one.pk for one in shown}
    copy = ReaderStudy.objects.get(pk=study.pk)
    copy.washout_days = 0
    rows = [
        copy,
        *study.sites.all(),
        *study.arms.all(),
        *study.comparisons.all(),
        *study.criteria.all(),
        *study.briefings.all(),
        *study.subjects.filter(withdrawn_at=None),
        *cases,
        *shown,
        *study.pairs.filter(case__in=cases),
    ]
    for row in rows:
        if isinstance(row, Series) and row.made_from_id not in there:
            row.made_from = None  # an earlier version of the source
        if isinstance(row, Briefing):
            row.actor = None
    readers = sorted(study.memberships.filter(role=Role.READER).values_list("code", flat=True))
    return json.dumps({"rows": serializers.serialize("json", rows), "study": study.pk, "readers": readers})


def _run(folder: Path, report: Callable[[float, str], None]) -> None:
    """Have the copy read in a process of its own, which ends with this one."""
    own = {
        "READERSTUDY_VAR": str(folder),
        "READERSTUDY_STORAGE": "" if settings.STORE_DIR else settings.STORAGE,
        "ALLOWED_HOSTS": "localhost",
        "READERSTUDY_HTTPS": "0",
        "READERSTUDY_DEMO": "0",
        "READERSTUDY_HEADS": str(folder / "heads"),
        "READERSTUDY_HEADS_SYSLOG": "",
        "REDIS_URL": "memory://",  # what it asks for is nobody's work
    }
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | own
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "rehearse", str(folder), str(os.getpid())]
    with (folder / "errors").open("w+") as errors:
        child = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            for line in child.stdout or ():
                done, total = json.loads(line)
                report(0.95 * done / total, f"{done:,} of {total:,} pairs read")
        finally:
            child.kill()
            child.wait()
        if not (folder / RESULT).exists():
            errors.seek(0)
            said = errors.read().strip()
            logger.error("dry run: %s", said)
            raise InputError(
                f"The dry run came to no end: {said.splitlines()[-1][:300] if said else 'no reason given'}"
            )


def log_rehearsal(*, study: ReaderStudy, actor: int, made: dict) -> None:
    """One line of the log: that it was tried out, by whom, with how much; no result."""
    user = User.objects.filter(pk=actor).first()
    record(study=study, action=Action.DRY_RUN, actor=user, pairs=made["pairs"], readers=made["readers"])
