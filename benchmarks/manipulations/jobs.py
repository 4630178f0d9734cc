"""What could be done to the work that the site has done in the background."""

from __future__ import annotations

import json
import uuid

from benchmarks.administrator import Administrator
from benchmarks.manipulations import RefusedError, control, manipulation
from benchmarks.tampered_study import Studies
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import cancel, request_job, retry
from readerstudy.protocol.models import ReaderStudy
from tests import factories

COMPARE = "results.compare"


def ask(study: ReaderStudy, parameters: dict) -> Job:
    """The site asks for image metrics of two series once more."""
    inputs = {"again": uuid.uuid4().hex}
    return request_job(function=COMPARE, study=study, label="again", parameters=parameters, inputs=inputs)[0]


def do(job: Job) -> None:
    """A worker does what waits; RefusedError if not this."""
    factories.work_off(job.study)
    job.refresh_from_db()
    if job.error:
        raise RefusedError(job.error)


def compared(studies: Studies) -> tuple[ReaderStudy, dict]:
    """The closed study, and two of its series that were compared."""
    study = ReaderStudy.objects.get(pk=studies.closed)
    metric = study.metrics.filter(registered=False).first()
    return study, {"reference": metric.reference_id, "test": metric.test_id}


@control("a job asked for, cancelled, retried and done")
def job_retried(db: Administrator, studies: Studies) -> None:
    job = ask(*compared(studies))
    cancel(job=job)
    retry(job=job)
    do(job)


@manipulation("a job put in, for image metrics")
def metrics_by_job(db: Administrator, studies: Studies) -> None:
    study, parameters = compared(studies)
    put_job(db, study, COMPARE, parameters)


@manipulation("what a waiting job is to do changed")
def job_changed(db: Administrator, studies: Studies) -> None:
    study, parameters = compared(studies)
    job = ask(study, parameters)
    other = {"reference": parameters["test"], "test": parameters["reference"]}
    db.run("UPDATE jobs_job SET parameters = %s WHERE id = %s", json.dumps(other), job.pk)
    do(job)


@manipulation("a job that was done set to wait again")
def job_done_again(db: Administrator, studies: Studies) -> None:
    study, _ = compared(studies)
    job = study.jobs.filter(function=COMPARE, state="done").first()
    db.run("UPDATE jobs_job SET state = 'waiting' WHERE id = %s", job.pk)
    do(job)


def put_job(db: Administrator, study: ReaderStudy, function: str, parameters: dict) -> None:
    """A row of a job that nobody asked for, with the code of one that was, which a worker then takes."""
    cancel(job=(real := ask(study, parameters | {"case": 0})))
    number = db.one("SELECT coalesce(max(id), 0) + 100 FROM jobs_job")
    db.run(
        'INSERT INTO jobs_job (id, "key", study_id, function, version, label, parameters, state, progress, message, '
        "error, result, attempts, worker, claim, created_at, mac) "
        "VALUES (%s, %s, %s, %s, 1, 'x', %s, 'waiting', 0, '', '', '{}', 0, '', '', '2026-01-01 00:00:00+00:00', %s)",
        number,
        uuid.uuid4().hex,
        study.pk,
        function,
        json.dumps(parameters),
        real.mac,
    )
    do(Job.objects.select_related("study").get(pk=number))


def exchange_files(db: Administrator, one: int, other: int) -> None:
    """Position in a series is unique: those of the first go by way of positions that no series has."""
    move_to = "UPDATE material_instance SET series_id = %s, position = position + %s WHERE series_id = %s"
    db.run(f"{move_to} AND position < 10000", other, 10_000, one)
    db.run(f"{move_to} AND position < 10000", one, 0, other)
    db.run("UPDATE material_instance SET position = position - 10000 WHERE position >= 10000")


@manipulation("two series' files exchanged, the pairs of a case made anew by a job put in, the files put back")
def pairs_by_job(db: Administrator, studies: Studies) -> None:
    study = ReaderStudy.objects.get(pk=studies.closed)
    case = study.cases.filter(training=False).first()
    pair = case.pairs.first()
    exchange_files(db, pair.first_id, pair.second_id)
    try:
        put_job(db, study, "reading.prepare", {"case": case.pk})
    finally:
        exchange_files(db, pair.first_id, pair.second_id)


@manipulation("a draft opened by a job put in, in the name of its admin")
def opened_by_job(db: Administrator, studies: Studies) -> None:
    study = ReaderStudy.objects.get(pk=studies.draft)
    factories.log_as_is(study)
    put_job(db, study, "reading.open", {"actor": study.memberships.get(role="admin").user_id})
