"""Stability of radiomic features, where there are too many for a request."""

from readerstudy.images import stability
from readerstudy.images.models import STABILITY
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function


@job_function(STABILITY)
def analyse_stability(job: Job, report):
    assert job.study is not None
    report(0.1, "comparing arms")
    found = stability.analyse(job.study, job.parameters["key"])
    return lambda: {"features": sum(arm["n_features"] for arm in found["arms"])}
