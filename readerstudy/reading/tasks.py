"""Prepare what readers see: all pairs of one case, on one grid, in both orders. Open a study, or rehearse it."""

from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.material.models import Case
from readerstudy.reading import opening, preparing, remaking


@job_function(preparing.PREPARE)
def prepare_pairs(job: Job, report):
    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    made = preparing.prepare(case, report)

    def store() -> dict:
        preparing.replace_prepared(case, made.pairs, made.check)
        flags = sorted({flag for pair in made.pairs for flag in pair.flags})
        return {"pairs": len(made.pairs), "flags": flags, "held_back": made.check.stops}

    return store


@job_function(remaking.REMAKE)
def remake_pairs(job: Job, report):
    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    made = remaking.remake(case, report)
    return lambda: {"files": made}


@job_function(opening.OPEN)
def open_study(job: Job, report):
    study = job.study
    assert study is not None
    made = opening.prepare_missing(study, report)

    def store() -> dict:
        for case, prepared in made:
            preparing.replace_prepared(case, prepared.pairs, prepared.check)
        return opening.finish(study=study, actor=job.parameters["actor"])

    return store
