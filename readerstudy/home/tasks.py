"""The dry run, as a job."""

from readerstudy.home import rehearsal
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function


@job_function(rehearsal.REHEARSE)
def rehearse(job: Job, report):
    made = rehearsal.rehearse(job.study, report)

    def store() -> dict:
        rehearsal.log_rehearsal(study=job.study, actor=job.parameters["actor"], made=made)
        return made

    return store
