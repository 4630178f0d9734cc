"""Results of a closed study, where there are too many ratings for a request."""

from processing.errors import InputError
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.results import imported, large_files, services
from readerstudy.results.imported_tables import table_of
from readerstudy.results.kinds import ANALYSE, ANALYSE_IMPORTED, WRITE


@job_function(ANALYSE)
def analyse_results(job: Job, report):
    assert job.study is not None
    reading = services.make_results(job.study, report).reading
    return lambda: {"ratings": reading["n"]["ratings"] if reading else 0}


@job_function(WRITE)
def write_file(job: Job, report):
    assert job.study is not None
    size = large_files.write_and_keep(job.study, job.parameters["form"], job.parameters["key"], report)
    return lambda: {"bytes": size}


@job_function(ANALYSE_IMPORTED)
def analyse_imported(job: Job, report):
    assert job.study is not None
    table = table_of(job.study, job.parameters["table"])
    if table is None:
        raise InputError("The imported table was removed.")
    report(0.1, "analysing")
    made = imported.make_results(job.study, table)
    return lambda: {"ratings": made["n"]["ratings"]}
