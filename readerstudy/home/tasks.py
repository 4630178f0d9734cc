"""The dry run, and the daily verification of all records, as jobs; the watch over the site, as a chore."""

from readerstudy.home import rehearsal, watch
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function


@job_function(rehearsal.REHEARSE)
def rehearse(job: Job, report):
    assert job.study is not None
    study = job.study
    made = rehearsal.rehearse(study, report)

    def store() -> dict:
        rehearsal.log_rehearsal(study=study, actor=job.parameters["actor"], made=made)
        return made

    return store


@job_function(watch.VERIFY)
def verify_records(job: Job, report):
    found = watch.verify_all()
    return lambda: {"records": found}
