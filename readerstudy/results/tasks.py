"""Results of a closed study, where there are too many ratings for a request."""

from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.results import services


@job_function(services.ANALYSE)
def analyse_results(job: Job, report):
    assert job.study is not None
    reading = services.make_results(job.study, report).reading
    return lambda: {"ratings": reading["n"]["ratings"] if reading else 0}
