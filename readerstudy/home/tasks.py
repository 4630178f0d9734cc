"""The dry run, as a job."""

from readerstudy.home import rehearsal
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
